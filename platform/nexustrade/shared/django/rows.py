"""Plain statements for the rows on the way of every order: the ORM's own take three times as long.

Both go to the database of the model, join the transaction in hand, and raise what the ORM raises.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import connections

from shared.django.router import home_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import Model


def insert_row(row: Model) -> None:
    """Writes a new row with all its values as they are; IntegrityError when its key is taken.

    For models whose values PostgreSQL takes as they are (text, numbers, moments) and that have no `auto` key.
    """
    statement, names = _insertion(type(row))
    with connections[home_of(type(row))].cursor() as cursor:
        cursor.execute(statement, [getattr(row, name) for name in names])
    row._state.adding = False


def change_rows(model: type[Model], where: Mapping[str, Any], changes: Mapping[str, Any]) -> int:
    """Sets `changes` in the rows whose columns equal `where`; returns how many there were."""
    assignments = ", ".join(f"{name} = %s" for name in changes)
    conditions = " AND ".join(f"{name} = %s" for name in where)
    statement = f"UPDATE {model._meta.db_table} SET {assignments} WHERE {conditions}"  # noqa: S608 - names of ours
    with connections[home_of(model)].cursor() as cursor:
        cursor.execute(statement, [*changes.values(), *where.values()])
        return int(cursor.rowcount)


@cache
def _insertion(model: type[Model]) -> tuple[str, tuple[str, ...]]:
    names = tuple(field.attname for field in model._meta.concrete_fields)
    marks = ", ".join(["%s"] * len(names))
    return f"INSERT INTO {model._meta.db_table} ({', '.join(names)}) VALUES ({marks})", names  # noqa: S608 - names of ours

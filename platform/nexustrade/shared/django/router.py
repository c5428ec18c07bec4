"""Which database a model lives in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections

from shared.django.databases import same_database

if TYPE_CHECKING:
    from django.db.models import Model

# The database of each app's models, unless a model says otherwise with `database = "…"`.
HOMES = {
    "nexus_auth": "users",
    "users": "users",
    "orders": "orders",
    "risk": "orders",
    "settlement": "orders",
    "audit": "audit",
}


def home_of(model: type[Model]) -> str:
    """The alias of the database that `model` lives in."""
    return getattr(model, "database", None) or app_home(model._meta.app_label)


def app_home(app_label: str) -> str:
    """The alias of the database that an app's models live in by default."""
    home = HOMES.get(app_label, DEFAULT_DB_ALIAS)
    return home if home in connections else DEFAULT_DB_ALIAS


def app_databases(app_label: str) -> list[str]:
    """The aliases of all databases in which an app has tables, its main one first."""
    homes = [app_home(app_label)]
    homes += [home_of(model) for model in apps.get_app_config(app_label).get_models()]
    return list(dict.fromkeys(homes))


class ServiceRouter:
    """Sends each model to its database. A migration of no model (RunPython, RunSQL) goes to the app's main
    database, or to the one that its `hints={"database": …}` name.
    """  # noqa: D205 - one thought

    def db_for_read(self, model: type[Model], **_hints: Any) -> str:
        return home_of(model)

    def db_for_write(self, model: type[Model], **_hints: Any) -> str:
        return home_of(model)

    def allow_relation(self, left: Model, right: Model, **_hints: Any) -> bool:
        return same_database(home_of(type(left)), home_of(type(right)))

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool:
        return same_database(db, hints.get("database") or _home_in_migration(app_label, model_name))


def _home_in_migration(app_label: str, model_name: str | None) -> str:
    # The models of a migration's state carry no attributes of ours: the real model is asked.
    try:
        return home_of(apps.get_model(app_label, model_name)) if model_name else app_home(app_label)
    except LookupError:
        return app_home(app_label)

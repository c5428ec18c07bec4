"""Spans of SQL statements are named for what they do and to what."""

import pytest

from shared.django.statements import statement_name


@pytest.mark.services("orders", "risk")
@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("UPDATE risk_exposurelimit SET used = 1", "UPDATE risk_exposurelimit"),
        ('INSERT INTO "orders_order" ("id") VALUES (%s)', "INSERT orders_order"),
        ('SELECT "a" FROM "orders_order" WHERE x FOR UPDATE', "SELECT orders_order FOR UPDATE"),
        ('DELETE FROM "orders_outbox"', "DELETE orders_outbox"),
        ("SAVEPOINT s1", "SAVEPOINT"),
        ("", "SQL"),
    ],
)
def test_a_statement_span_names_operation_and_table(sql, name):
    """Names hold no values: they are the same for every order."""
    assert statement_name(sql) == name

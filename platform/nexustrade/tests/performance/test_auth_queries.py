from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.services("auth")

TREE = Path(__file__).resolve().parents[2]

# Runs the use cases of auth in a process like its own, on the platform's database, and counts statements.
SCRIPT = """
import json
from shared.django import prepare
prepare("auth")
from django.db import connections
from django.test.utils import CaptureQueriesContext
from services.auth import services, sessions
from services.auth.bootstrap import dependencies
from shared.ids import new_id

name, password = "u-" + new_id(), new_id()
needs = dependencies()
services.user_register(username=name, email=f"{name}@example.com", password=password, tenant="retail")

def statements(use_case):
    with CaptureQueriesContext(connections["users"]) as captured:
        answer = use_case()
    words = [query["sql"].split(None, 1)[0] for query in captured]
    return answer, [word for word in words if word in {"SELECT", "INSERT", "UPDATE", "DELETE"}], captured

def log_in():
    return sessions.session_open(username=name, password=password, device="", policy=needs.sessions)

def refresh():
    return sessions.session_refresh(
        refresh_token=tokens.refresh_token, policy=needs.sessions, claims=needs.claims
    )

counts = {"login": [], "refresh": [], "reads of the user in refreshes": 0}
for _ in range(5):
    tokens, words, _ = statements(log_in)
    counts["login"].append(len(words))
for _ in range(5):
    tokens, words, captured = statements(refresh)
    counts["refresh"].append(len(words))
    reads = ['FROM "nexus_auth_user"' in query["sql"] for query in captured]
    counts["reads of the user in refreshes"] += sum(reads)
connections.close_all()
connections["users"].close_pool()
print(json.dumps(counts))
"""


@pytest.fixture(scope="module")
def counts(platform: Any) -> dict[str, Any]:
    """How many statements each of five log-ins and of five refreshes took."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=TREE,
        env={**os.environ, **platform.environment("auth"), "PYTHONPATH": str(TREE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_login_takes_a_handful_of_statements(counts: dict[str, Any]) -> None:
    """The user, his old sessions, the new session, its token and the key: five statements, each time."""
    assert max(counts["login"]) <= 5


def test_a_refresh_takes_a_handful_of_statements(counts: dict[str, Any]) -> None:
    """The token, its use, its successor and the key: four statements, once the rights are in the cache."""
    assert max(counts["refresh"][1:]) <= 4


def test_refreshes_read_the_users_rights_once(counts: dict[str, Any]) -> None:
    """Of several refreshes in a row only the first asks the database for the user's rights."""
    assert counts["reads of the user in refreshes"] == 1

from __future__ import annotations

from typing import Any

import pytest
from support.in_service import run_in_service

pytestmark = pytest.mark.services("auth")


def checks(platform: Any, username: str, password: str) -> dict[str, Any]:
    probe = "support.auth_probe:password_checks"
    return run_in_service(platform, "auth", probe, username=username, password=password)


def test_every_refused_log_in_compares_one_password(platform: Any, market: Any) -> None:
    """A log-in under a name that does not exist does the work of one with a wrong password."""
    _, username, password, _ = market.new_user()
    known = checks(platform, username, password + "x")
    unknown = checks(platform, market.name("u-"), password)
    assert known == unknown == {"checks": 1, "admitted": False}


@pytest.mark.parametrize("name", ["nobody", "NOBODY.at-all", "a-name-much-longer-than-those-people-have"])
def test_no_name_saves_work(platform: Any, name: str) -> None:
    """Whatever the made-up name looks like, one password is compared, and nobody is let in."""
    assert checks(platform, name, "secret-9") == {"checks": 1, "admitted": False}


def test_a_right_password_is_compared_once(platform: Any, market: Any) -> None:
    """A log-in that succeeds costs one comparison too."""
    _, username, password, _ = market.new_user()
    assert checks(platform, username.upper(), password) == {"checks": 1, "admitted": True}

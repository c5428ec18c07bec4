from __future__ import annotations

from typing import Any

import pytest
from support.in_service import run_in_service

pytestmark = pytest.mark.services("auth")


def change(platform: Any, *after_seconds: float) -> dict[str, Any]:
    """A change of keys, looked at so many seconds after it, and taken back."""
    return run_in_service(platform, "auth", "support.auth_probe:key_change", after_seconds=after_seconds)


def test_a_new_key_is_published_and_does_not_sign_yet(platform: Any) -> None:
    """Right after a change both keys are published, and the old one goes on signing."""
    seen = change(platform, 0.0)
    at_once = seen["seen"][0]
    assert at_once["signs"] == seen["old"]
    assert {seen["old"], seen["new"]} <= set(at_once["published"])


def test_a_new_key_signs_once_verifiers_had_time_to_fetch_it(platform: Any) -> None:
    """It takes over when it has been published for as long as the policy says, and not before."""
    wait = change(platform)["publish"]
    seen = change(platform, wait - 2, wait + 2)
    assert [each["signs"] for each in seen["seen"]] == [seen["old"], seen["new"]]


def test_an_old_key_is_published_until_its_last_token_has_ended(platform: Any) -> None:
    """A token signed just before the change of keys is good until it expires; then its key is withdrawn."""
    spans = change(platform)
    last = spans["publish"] + spans["token"]
    seen = change(platform, last, last + 60)
    assert [seen["old"] in each["published"] for each in seen["seen"]] == [True, False]

"""The same request twice has the effect of one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import Conflict, ValidationFailed
from shared.idempotency import checked_key, ensure_same_request, fingerprint, scoped_key

pytestmark = pytest.mark.services("orders", "settlement")

BODY = {"account_id": "a", "symbol": "AAPL", "quantity": "100", "price": "10.25"}


@pytest.mark.parametrize("key", [None, "", "x" * 129, "line\nbreak", "tab\t", "schlüssel", "nul\0"])
def test_an_unusable_key_is_refused(key: str | None) -> None:
    """Keys are 1 to 128 printable ASCII characters."""
    with pytest.raises(ValidationFailed) as refused:
        checked_key(key)
    assert refused.value.field == "Idempotency-Key"


@pytest.mark.parametrize("key", ["k", "x" * 128, "2026-11-23 order/1 ~"])
def test_a_usable_key_is_kept_as_it_is(key: str) -> None:
    """Nothing is cut or changed."""
    assert checked_key(key) == key


def test_two_long_keys_that_differ_at_the_end_stay_apart() -> None:
    """The whole key counts."""
    assert scoped_key("a", "order", "x" * 127 + "1") != scoped_key("a", "order", "x" * 127 + "2")


@given(
    first=st.tuples(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5)),
    second=st.tuples(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5)),
)
@settings(deadline=None)
def test_no_two_scopes_share_a_key(first: tuple[str, str, str], second: tuple[str, str, str]) -> None:
    """Owner, operation and key all distinguish, also when their texts run into each other."""
    assert (scoped_key(*first) == scoped_key(*second)) == (first == second)


def test_the_same_request_has_the_same_fingerprint() -> None:
    """The order of the members and the case of the method do not matter."""
    turned = dict(reversed(BODY.items()))
    assert fingerprint("post", "/v1/orders", BODY) == fingerprint("POST", "/v1/orders", turned)


@pytest.mark.parametrize("change", [{"quantity": "1000"}, {"price": None}, {"price": "10.250"}, {"extra": 1}])
def test_any_other_body_has_another_fingerprint(change: dict[str, object]) -> None:
    """Whatever differs in the body makes it another request."""
    assert fingerprint("POST", "/v1/orders", BODY) != fingerprint("POST", "/v1/orders", BODY | change)


def test_method_and_path_belong_to_the_fingerprint() -> None:
    """The same body elsewhere is another request."""
    prints = {
        fingerprint("POST", "/v1/orders", BODY),
        fingerprint("PUT", "/v1/orders", BODY),
        fingerprint("POST", "/v1/orders/1", BODY),
    }
    assert len(prints) == 3


def test_a_key_that_comes_back_with_another_request_is_a_conflict() -> None:
    """A reused key is reported, not answered with the result of something else."""
    stored = fingerprint("POST", "/v1/orders", BODY)
    ensure_same_request(stored, fingerprint("POST", "/v1/orders", dict(BODY)))
    with pytest.raises(Conflict):
        ensure_same_request(stored, fingerprint("POST", "/v1/orders", BODY | {"quantity": "1"}))


def test_decimals_count_by_their_text_and_other_objects_are_refused() -> None:
    """What has no place in JSON has no fingerprint."""
    assert fingerprint("POST", "/", {"q": Decimal("1.50")}) == fingerprint("POST", "/", {"q": "1.50"})
    with pytest.raises(TypeError):
        fingerprint("POST", "/", {"q": object()})

"""The hash chain of the audit trail."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.chain import GENESIS, append, canonical, verify

pytestmark = pytest.mark.services("audit")


def chain(bodies):
    links, previous = [], GENESIS
    for sequence, body in enumerate(bodies, start=1):
        links.append(append(sequence, previous, body))
        previous = links[-1].hash
    return links


def head(links):
    return (links[-1].sequence, links[-1].hash) if links else (0, GENESIS)


BODIES = st.lists(st.binary(max_size=30), min_size=1, max_size=12)


@given(BODIES)
def test_an_untouched_chain_verifies(bodies):
    """Every link fits the one before, up to the head."""
    links = chain(bodies)
    verdict = verify(links, head=head(links))
    assert (verdict.valid, verdict.entries, verdict.broken_at) == (True, len(bodies), None)


def test_an_empty_chain_verifies():
    """Nothing recorded is not a broken chain."""
    assert verify([], head=(0, GENESIS)).valid


@given(BODIES, st.data())
def test_a_changed_body_is_found_where_it_was_changed(bodies, data):
    """A change of one body breaks the chain at that entry."""
    links = chain(bodies)
    index = data.draw(st.integers(0, len(links) - 1))
    tampered = [*links]
    tampered[index] = replace(links[index], body=links[index].body + b"x")
    verdict = verify(tampered, head=head(links))
    assert (verdict.valid, verdict.broken_at) == (False, index + 1)


@given(BODIES, st.data())
def test_a_changed_body_with_a_fresh_hash_is_found_too(bodies, data):
    """Who recomputes one hash breaks the link to the next entry, or to the head."""
    links = chain(bodies)
    index = data.draw(st.integers(0, len(links) - 1))
    tampered = [*links]
    old = links[index]
    tampered[index] = append(old.sequence, old.previous_hash, old.body + b"x")
    assert not verify(tampered, head=head(links)).valid


@given(BODIES, st.data())
def test_a_removed_entry_is_found(bodies, data):
    """A gap anywhere, the end included, breaks the chain."""
    links = chain(bodies)
    index = data.draw(st.integers(0, len(links) - 1))
    verdict = verify(links[:index] + links[index + 1 :], head=head(links))
    assert (verdict.valid, verdict.broken_at) == (False, index + 1)


def test_two_entries_that_changed_places_are_found():
    """The order of entries is part of the chain."""
    links = chain([b"a", b"b", b"c"])
    links[0], links[1] = links[1], links[0]
    assert verify(links, head=head(links)).broken_at == 1


def test_canonical_bytes_do_not_depend_on_the_order_of_keys():
    """Equal content has equal bytes."""
    assert canonical({"b": 1, "a": "é"}) == canonical({"a": "é", "b": 1}) == b'{"a":"\\u00e9","b":1}'

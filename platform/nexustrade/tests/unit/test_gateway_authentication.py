from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from services.gateway.authentication import Authenticator, KeySet, bearer
from shared.errors import DependencyUnavailable, Unauthenticated
from shared.security import Identity, jwt

pytestmark = pytest.mark.services("gateway")

TRADER = Identity("u-1", ("trader",), ("orders:write",), "retail")


class Auth:
    """Publishes keys and counts how often it was asked."""

    def __init__(self, *keys: jwt.SigningKey) -> None:
        self.keys = list(keys)
        self.calls = 0
        self.down = False
        self.answer: asyncio.Event | None = None
        self.asked = asyncio.Event()

    async def __call__(self) -> dict[str, Any]:
        self.calls += 1
        await asyncio.sleep(0)  # as a call over the network does, it lets the others go on
        if self.answer is not None:
            self.asked.set()
            await self.answer.wait()
        if self.down:
            raise DependencyUnavailable("auth does not answer")
        return jwt.jwks(*self.keys)


def keys_from(auth: Auth, *, max_age: float = 1000.0, min_interval: float = 1000.0) -> KeySet:
    return KeySet(auth, max_age=max_age, min_interval=min_interval)


def test_the_identity_carries_every_claim() -> None:
    """Subject, roles, permissions and tenant of the token are all in the identity."""
    key = jwt.SigningKey.generate()
    authenticator = Authenticator(keys_from(Auth(key)))
    token = jwt.issue(key, TRADER, ttl=60)
    assert asyncio.run(authenticator.identify(token)) == TRADER


@pytest.mark.parametrize("device", ["phone", "Trading desk 4"])
def test_a_device_has_the_rights_of_its_user(device: str) -> None:
    """A token of a device with a name proves all that one without does, and the name."""
    key = jwt.SigningKey.generate()
    authenticator = Authenticator(keys_from(Auth(key)))
    on_device = replace(TRADER, device=device)
    token = jwt.issue(key, on_device, ttl=60)
    assert asyncio.run(authenticator.identify(token)) == on_device


def test_many_requests_at_once_fetch_the_keys_once() -> None:
    """The first requests share one fetch of the signing keys, later ones need none."""

    async def scene() -> None:
        key = jwt.SigningKey.generate()
        auth = Auth(key)
        authenticator = Authenticator(keys_from(auth))
        tokens = [jwt.issue(key, TRADER, ttl=60) for _ in range(20)]
        await asyncio.gather(*(authenticator.identify(token) for token in tokens))
        assert auth.calls == 1

    asyncio.run(scene())


def test_known_keys_are_used_while_they_are_fetched_again() -> None:
    """An auth that hangs delays the caller who asks it, and nobody else."""

    async def scene() -> None:
        key = jwt.SigningKey.generate()
        auth = Auth(key)
        keys = keys_from(auth, max_age=0.0)
        await keys.with_key(key.kid)
        auth.answer, auth.asked = asyncio.Event(), asyncio.Event()
        waiting = asyncio.create_task(keys.with_key(key.kid))
        await asyncio.wait_for(auth.asked.wait(), 20)
        assert key.kid in await asyncio.wait_for(keys.with_key(key.kid), 20)
        assert not waiting.done()
        auth.answer.set()
        await waiting

    asyncio.run(scene())


def test_a_new_key_is_fetched_when_it_is_first_seen() -> None:
    """A token signed with a key that was published later is accepted without waiting for the cache to age."""

    async def scene() -> None:
        old, new = jwt.SigningKey.generate(), jwt.SigningKey.generate()
        auth = Auth(old)
        authenticator = Authenticator(keys_from(auth, min_interval=0.0))
        await authenticator.identify(jwt.issue(old, TRADER, ttl=60))
        auth.keys.append(new)
        assert await authenticator.identify(jwt.issue(new, TRADER, ttl=60)) == TRADER

    asyncio.run(scene())


def test_made_up_key_ids_do_not_flood_auth() -> None:
    """Tokens that name unknown keys are refused without a fetch for each."""

    async def scene() -> None:
        auth = Auth(jwt.SigningKey.generate())
        authenticator = Authenticator(keys_from(auth))
        for _ in range(20):
            with pytest.raises(Unauthenticated):
                await authenticator.identify(jwt.issue(jwt.SigningKey.generate(), TRADER, ttl=60))
        assert auth.calls == 1

    asyncio.run(scene())


def test_a_remembered_token_ends_with_its_key() -> None:
    """A token that was accepted before is refused once its key is no longer published."""

    async def scene() -> None:
        key = jwt.SigningKey.generate()
        auth = Auth(key)
        authenticator = Authenticator(keys_from(auth, max_age=0.0))
        token = jwt.issue(key, TRADER, ttl=60)
        await authenticator.identify(token)
        auth.keys = [jwt.SigningKey.generate()]
        with pytest.raises(Unauthenticated):
            await authenticator.identify(token)

    asyncio.run(scene())


def test_known_keys_outlive_an_outage_of_auth() -> None:
    """While auth is down, tokens of known keys are accepted; without any key the answer is 503, not 401."""

    async def scene() -> None:
        key = jwt.SigningKey.generate()
        auth = Auth(key)
        authenticator = Authenticator(keys_from(auth, max_age=0.0))
        token = jwt.issue(key, TRADER, ttl=60)
        await authenticator.identify(token)
        auth.down = True
        assert await authenticator.identify(token) == TRADER
        with pytest.raises(DependencyUnavailable):
            await Authenticator(keys_from(auth)).identify(token)

    asyncio.run(scene())


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dTpw", "token"])
def test_only_bearer_tokens_are_taken(header: str) -> None:
    """A header of another scheme, or without a token, is refused; no header at all is no token."""
    assert bearer(None) is None
    assert bearer("bearer abc") == "abc"
    with pytest.raises(Unauthenticated):
        bearer(header)

from __future__ import annotations

import time

import jwt as pyjwt
import pytest

from shared.errors import Forbidden, Unauthenticated
from shared.security import Identity, jwt, passwords, service_tokens

pytestmark = pytest.mark.services("gateway", "auth", "orders", "risk")

SECRET = "secret-" * 6
USER = Identity("u-1", roles=("trader",), permissions=("orders:write",), tenant="t-1")


def forged(**changes: object) -> str:
    now = int(time.time())
    claims = {
        "iss": "orders", "aud": "risk", "sub": "u-1", "roles": [], "permissions": [], "tenant": "",
        "iat": now, "exp": now + 30,
    }  # fmt: skip
    kept = {name: value for name, value in (claims | changes).items() if value is not None}
    return pyjwt.encode(kept, SECRET, algorithm="HS256")


def test_service_token_carries_the_whole_identity() -> None:
    """Subject, roles, permissions and tenant arrive, with the calling service as issuer."""
    token = service_tokens.issue("orders", "risk", USER, SECRET)
    expected = Identity("u-1", ("trader",), ("orders:write",), "t-1", issuer="orders")
    assert service_tokens.verify(token, "risk", SECRET) == expected


def test_service_token_without_identity_speaks_for_the_service() -> None:
    """A call on a service's own behalf is not a call of any user."""
    caller = service_tokens.verify(service_tokens.issue("orders", "risk", None, SECRET), "risk", SECRET)
    assert (caller.subject, caller.roles, caller.issuer) == ("service:orders", ("service",), "orders")


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param("rubbish", id="rubbish"),
        pytest.param(forged(aud="users"), id="other audience"),
        pytest.param(forged(exp=int(time.time()) - 60), id="expired"),
        pytest.param(forged(exp=None), id="without expiry"),
        pytest.param(forged(aud=None), id="without audience"),
        pytest.param(forged(roles=None), id="without roles"),
        pytest.param(service_tokens.issue("orders", "risk", USER, "other-" * 7), id="other secret"),
        pytest.param(pyjwt.encode({"sub": "u-1", "aud": "risk"}, None, algorithm="none"), id="unsigned"),
    ],
)
def test_service_token_is_refused(token: str) -> None:
    """A token that does not prove a call to this service, now, proves nothing."""
    with pytest.raises(Unauthenticated):
        service_tokens.verify(token, "risk", SECRET)


def test_token_issuer_keeps_callers_and_audiences_apart() -> None:
    """A cached token is handed out only for the identity and target that it was made for."""
    issuer = service_tokens.TokenIssuer("gateway", SECRET)
    other = Identity("u-2", roles=("operator",))
    tokens = {issuer.token("risk", USER), issuer.token("risk", other), issuer.token("users", USER)}
    assert len(tokens) == 3
    assert issuer.token("risk", USER) in tokens
    assert service_tokens.verify(issuer.token("risk", other), "risk", SECRET).subject == "u-2"


def test_access_token_is_verified_by_the_published_key() -> None:
    """Whoever has the JWKS can tell the user's claims, without any secret."""
    key = jwt.SigningKey.generate()
    token = jwt.issue(key, USER, ttl=60)
    assert jwt.verify(token, jwt.public_keys(jwt.jwks(key))) == USER


def test_access_token_of_an_unknown_key_is_refused() -> None:
    """A key that auth does not publish signs nothing."""
    key, other = jwt.SigningKey.generate(), jwt.SigningKey.generate()
    with pytest.raises(Unauthenticated):
        jwt.verify(jwt.issue(key, USER, ttl=60), jwt.public_keys(jwt.jwks(other)))


def test_access_token_is_refused_after_its_time() -> None:
    """An expired access token is worth nothing."""
    key = jwt.SigningKey.generate()
    with pytest.raises(Unauthenticated):
        jwt.verify(jwt.issue(key, USER, ttl=-60), jwt.public_keys(jwt.jwks(key)))


def test_access_token_signed_with_the_public_key_as_secret_is_refused() -> None:
    """The published key does not verify tokens of a symmetric algorithm."""
    key = jwt.SigningKey.generate()
    secret = key.public_jwk()["x"].ljust(40, "=")
    token = pyjwt.encode({"sub": "u-1"}, secret, algorithm="HS256", headers={"kid": key.kid})
    with pytest.raises(Unauthenticated):
        jwt.verify(token, jwt.public_keys(jwt.jwks(key)))


def test_signing_key_survives_storage() -> None:
    """A key read back from its PEM signs what its public half verifies."""
    key = jwt.SigningKey.generate()
    stored = jwt.SigningKey.from_pem(key.kid, key.to_pem())
    assert jwt.verify(jwt.issue(stored, USER, ttl=60), jwt.public_keys(jwt.jwks(key))) == USER


def test_password_hash_tells_right_from_wrong() -> None:
    """Only the password itself matches its hash, and equal passwords have different hashes."""
    hashed = passwords.hash("correct horse")
    assert passwords.verify(hashed, "correct horse")
    assert not passwords.verify(hashed, "correct house")
    assert not passwords.verify("no hash", "correct horse")
    assert passwords.hash("correct horse") != hashed


def test_identity_refuses_what_the_caller_may_not_do() -> None:
    """Roles and permissions each refuse a stranger and let an operator pass."""
    operator = Identity("op", roles=("operator",))
    with pytest.raises(Forbidden):
        USER.require_permission("accounts:write")
    with pytest.raises(Forbidden):
        USER.require_role("operator", "auditor")
    with pytest.raises(Forbidden):
        USER.require_issuer("orders")
    operator.require_permission("accounts:write")
    USER.require_permission("orders:write")


@pytest.mark.parametrize(
    ("role", "caller_tenant", "owner_id", "owner_tenant", "allowed"),
    [
        ("trader", "retail", "u-1", "retail", True),
        ("trader", "retail", "u-1", "", True),
        ("trader", "retail", "u-2", "retail", False),
        ("auditor", "retail", "u-2", "retail", False),
        ("operator", "retail", "u-2", "retail", True),
        ("operator", "retail", "u-2", "wholesale", False),
        ("operator", "retail", "u-2", "RETAIL", False),
        ("operator", "retail", "", "", False),
        ("operator", "", "u-2", "", False),
    ],
)
def test_what_belongs_to_a_user_is_his_and_that_of_the_operators_of_his_tenant(
    role: str, caller_tenant: str, owner_id: str, owner_tenant: str, allowed: bool
) -> None:
    """Nobody else may act on it, and a tenant that nobody knows has no operators."""
    caller = Identity("u-1", roles=(role,), tenant=caller_tenant)
    assert caller.may_act_for(owner_id, owner_tenant) is allowed


def test_verifier_forgets_a_token_when_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that was accepted once is refused after its time all the same."""
    verifier = service_tokens.TokenVerifier("risk", SECRET)
    now = time.time()
    token = forged(iat=int(now) - 60, exp=int(now))  # just within the leeway
    assert verifier.verify(token).subject == "u-1"
    monkeypatch.setattr(service_tokens, "LEEWAY", 0)
    with pytest.raises(Unauthenticated):
        verifier.verify(token)


def test_verifier_keeps_tokens_apart() -> None:
    """Remembering one caller never answers for another, nor for an empty token."""
    verifier = service_tokens.TokenVerifier("risk", SECRET)
    tokens = {subject: forged(sub=subject) for subject in ("u-1", "u-2")}
    for _ in range(2):
        assert {s: verifier.verify(token).subject for s, token in tokens.items()} == {
            "u-1": "u-1",
            "u-2": "u-2",
        }
    with pytest.raises(Unauthenticated):
        verifier.verify("")

"""Access tokens of users: JWTs signed with Ed25519, verified by the public keys that auth publishes (JWKS).

Times are those of the system's clock.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.algorithms import OKPAlgorithm

from shared.clock import wall_time
from shared.errors import Unauthenticated
from shared.ids import new_id
from shared.security.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM = "EdDSA"
ISSUER = "nexustrade"
AUDIENCE = "nexustrade-api"
LEEWAY = 5  # seconds

_REQUIRED = {"require": ["iss", "aud", "sub", "iat", "exp", "jti"]}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and the id (`kid`) under which its public half is published."""

    kid: str
    private: Ed25519PrivateKey

    @classmethod
    def generate(cls) -> SigningKey:
        return cls(kid=new_id(), private=Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, kid: str, pem: str) -> SigningKey:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("not an Ed25519 key")
        return cls(kid=kid, private=key)

    def to_pem(self) -> str:
        """The private key as unencrypted PKCS#8."""
        return self.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    def public_jwk(self) -> dict[str, str]:
        """The public half as a JSON Web Key."""
        key = json.loads(OKPAlgorithm.to_jwk(self.private.public_key()))
        return {**key, "kid": self.kid, "alg": ALGORITHM, "use": "sig"}


PublicKeys = dict[str, Ed25519PublicKey]


def issue(key: SigningKey, identity: Identity, *, ttl: float, token_id: str | None = None) -> str:
    """An access token for `identity`, good for `ttl` seconds."""
    now = wall_time()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": identity.subject,
        "roles": list(identity.roles),
        "permissions": list(identity.permissions),
        "tenant": identity.tenant,
        "iat": int(now),
        "exp": int(now + ttl),
        "jti": token_id or new_id(),
    }
    if identity.device:
        claims["device"] = identity.device
    return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.kid})


def key_id(token: str) -> str:
    """The id of the key that `token` says it is signed with, unverified; Unauthenticated for rubbish."""
    try:
        return str(jwt.get_unverified_header(token)["kid"])
    except (jwt.InvalidTokenError, KeyError) as error:
        raise Unauthenticated("the access token is not valid") from error


def verify(token: str, keys: Mapping[str, Ed25519PublicKey]) -> Identity:
    """The user that `token` proves; Unauthenticated when it is absent, forged or expired."""
    return identity_of(claims_of(token, keys))


def claims_of(token: str, keys: Mapping[str, Ed25519PublicKey]) -> dict[str, Any]:
    """The verified claims of `token` (`exp` is in Unix seconds); Unauthenticated when it is not valid."""
    if not token:
        raise Unauthenticated("an access token is required")
    key = keys.get(key_id(token))
    if key is None:
        raise Unauthenticated("the access token is signed with an unknown key")
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=LEEWAY,
            options=cast("Any", _REQUIRED),
        )
    except jwt.InvalidTokenError as error:
        raise Unauthenticated("the access token is not valid") from error


def identity_of(claims: Mapping[str, Any]) -> Identity:
    """The identity that verified claims describe."""
    return Identity(
        subject=claims["sub"],
        roles=tuple(claims.get("roles", ())),
        permissions=tuple(claims.get("permissions", ())),
        tenant=claims.get("tenant", ""),
    )


def jwks(*keys: SigningKey) -> dict[str, list[dict[str, str]]]:
    """The JSON Web Key Set that publishes the public halves of `keys`."""
    return {"keys": [key.public_jwk() for key in keys]}


def public_keys(jwks_document: Mapping[str, Any]) -> PublicKeys:
    """`kid` → public key, from a JSON Web Key Set; entries of other kinds are left out."""
    found: PublicKeys = {}
    for entry in jwks_document.get("keys", ()):
        if entry.get("alg") == ALGORITHM and "kid" in entry:
            key = OKPAlgorithm.from_jwk(entry)
            if isinstance(key, Ed25519PublicKey):
                found[entry["kid"]] = key
    return found

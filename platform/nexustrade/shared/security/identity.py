"""The caller of a request, as the token that came with it describes him."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import Forbidden

OPERATOR = "operator"
# The role of a caller who proves himself with an API key, and how the text of such a key begins.
API_KEY, API_KEY_PREFIX = "api-key", "nxk_"


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller: a user, or a service on its own behalf (`subject` is then "service:<name>").

    `issuer` is the service that made the call (empty for an access token of a user). `device` is what the
    user called his device when he logged in, empty when he gave it no name.
    """

    subject: str
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    tenant: str = ""
    issuer: str = ""
    device: str = ""

    @classmethod
    def of_service(cls, service: str) -> Identity:
        """The identity of a service that acts on its own behalf."""
        return cls(subject=f"service:{service}", roles=("service",), issuer=service)

    @property
    def is_operator(self) -> bool:
        return OPERATOR in self.roles

    def require_role(self, *roles: str) -> None:
        """Raise Forbidden unless the caller has one of `roles`."""
        if not set(roles) & set(self.roles):
            raise Forbidden(f"needs the role {' or '.join(roles)}")

    def require_permission(self, permission: str) -> None:
        """Raise Forbidden unless the caller has `permission`, or is an operator."""
        if permission not in self.permissions and not self.is_operator:
            raise Forbidden(f"needs the permission {permission}")

    def require_log_in(self) -> None:
        """Raise Forbidden for a caller with an API key: some things take the user himself."""
        if API_KEY in self.roles:
            raise Forbidden("needs a log-in, not an API key")

    def may_act_for(self, owner_id: str, tenant: str) -> bool:
        """Whether what belongs to `owner_id` of `tenant` is the caller's to see and change.

        It is its owner's and that of the operators of his tenant. An empty tenant is one that nobody knows,
        and has no operators. `shared.django.tenants` asks the same of rows.
        """
        return self.subject == owner_id or (self.is_operator and self.tenant == tenant != "")

    def require_issuer(self, *services: str) -> None:
        """Raise Forbidden unless one of `services` made the call."""
        if self.issuer not in services:
            raise Forbidden(f"reserved to the service {' or '.join(services)}")

"""Identity providers of organizations, and what a domain needs to be one's own."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self
from uuid import UUID

from auth.accounts.address import AddressInvalid, EmailAddress
from auth.enterprise.errors import DomainInvalid
from auth.members.permissions import Role

MOST_PROVIDERS: Final = 10
MOST_DOMAINS: Final = 50
RECORD: Final = "_rostrum-challenge"
VALUE: Final = "rostrum-domain-verification="
AT_ONCE: Final = 500
"""Sessions that are ended in the transaction that disables a provider; others end at their next refresh."""


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain whose people a provider is to vouch for."""

    id: UUID
    domain: str
    challenge: str
    proven_at: datetime | None

    @property
    def record_name(self) -> str:
        """The name under which the DNS must hold the challenge."""
        return f"{RECORD}.{self.domain}"

    @property
    def record_value(self) -> str:
        """The text that it must hold."""
        return f"{VALUE}{self.challenge}"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a provider is used for."""

    name: str
    client_id: str
    default_role: Role
    joins: bool
    silence_is_verified: bool
    enforced: bool
    active: bool


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """One of an organization's providers; its secret is shown to nobody."""

    id: UUID
    organization_id: UUID
    issuer: str
    policy: Policy
    secret_sealed: bytes = field(repr=False)
    version: int
    created_at: datetime
    domains: tuple[Domain, ...] = ()

    @property
    def proven(self) -> frozenset[str]:
        """The domains that it may vouch for."""
        return frozenset(each.domain for each in self.domains if each.proven_at is not None)

    def domain(self, domain_id: UUID) -> Domain | None:
        """One of its domains."""
        return next((each for each in self.domains if each.id == domain_id), None)

    def with_domains(self, domains: tuple[Domain, ...]) -> Self:
        """The provider with its domains."""
        return type(self)(
            self.id,
            self.organization_id,
            self.issuer,
            self.policy,
            self.secret_sealed,
            self.version,
            self.created_at,
            domains,
        )


def domain_named(text: str) -> str:
    """A domain in lower-case ASCII.

    Raises:
        DomainInvalid: mail can have no such domain.
    """
    try:
        found = EmailAddress.parse(f"x@{text.strip().rstrip('.')}")
    except AddressInvalid as error:
        raise DomainInvalid from error
    domain = found.value.rpartition("@")[2]
    if "." not in domain or "[" in domain or domain.rpartition(".")[2].isdigit():
        raise DomainInvalid
    return domain

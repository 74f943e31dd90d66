from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, SecretStr, StringConstraints

from auth.enterprise.model import Domain, IdentityProvider, Policy
from auth.members.permissions import Role
from kit.http.models import Line, Model, Out

Issuer = Annotated[
    str,
    StringConstraints(min_length=8, max_length=1024, pattern=r"^https?://[^\s?#\\@]+$"),
    Field(
        description="As in the provider's tokens, letter for letter; https only.", examples=["https://id.acme.test"]
    ),
]
ClientId = Annotated[str, Field(min_length=1, max_length=255)]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=1024, description="Never shown again.")]


def _given_by_itself(role: Role) -> Role:
    if role in {Role.OWNER, Role.ADMIN}:
        raise ValueError("owners and administrators are made by hand")
    return role


JoiningRole = Annotated[
    Role, AfterValidator(_given_by_itself), Field(description="Never owner or admin: these are given by hand.")
]


class ConnectIdentityProvider(Model):
    """A provider by whose word members sign in."""

    name: Line
    issuer: Issuer
    client_id: ClientId
    client_secret: Secret
    default_role: JoiningRole = Role.EDITOR
    joins: bool = Field(default=True, description="Whether who is no member yet becomes one by signing in.")
    silence_is_verified: bool = Field(
        default=False,
        description="Whether addresses count as verified when it does not say `email_verified`.",
    )
    enforced: bool = Field(
        default=False, description="Whether members of its proven domains act here through it only; owners excepted."
    )

    def policy(self) -> Policy:
        """What it is used for."""
        return Policy(
            name=self.name,
            client_id=self.client_id,
            default_role=self.default_role,
            joins=self.joins,
            silence_is_verified=self.silence_is_verified,
            enforced=self.enforced,
            active=True,
        )


class ChangeIdentityProvider(Model):
    """What is to be otherwise; the issuer stays, since people are known by it."""

    name: Line | None = None
    client_id: ClientId | None = None
    client_secret: Secret | None = None
    default_role: JoiningRole | None = None
    joins: bool | None = None
    silence_is_verified: bool | None = None
    enforced: bool | None = None
    active: bool | None = None

    def changed(self) -> dict[str, Any]:
        """What is given, but the secret."""
        return {name: value for name, value in self if value is not None and name != "client_secret"}


class NameDomain(Model):
    """A domain whose people the provider is to vouch for."""

    domain: Annotated[str, Field(min_length=3, max_length=253, examples=["acme.test"])]


class DomainOut(Out):
    """A domain, and what its DNS must hold to prove it."""

    id: UUID
    domain: str
    record_name: str = Field(description="The name of a TXT record.")
    record_value: str = Field(description="Its text.")
    proven_at: AwareDatetime | None


class IdentityProviderOut(Out):
    """A provider of the organization."""

    id: UUID
    name: str
    issuer: str
    client_id: str
    default_role: Role
    joins: bool
    silence_is_verified: bool
    enforced: bool
    active: bool
    redirect_uri: str = Field(description="To be registered at the provider; another one for each provider.")
    domains: list[DomainOut]
    version: int = Field(description="Also the ETag.")
    created_at: AwareDatetime

    @classmethod
    def of(cls, held: IdentityProvider, redirect_uri: str) -> Self:
        """The provider as its administrators see it."""
        policy = held.policy
        return cls(
            id=held.id,
            name=policy.name,
            issuer=held.issuer,
            client_id=policy.client_id,
            default_role=policy.default_role,
            joins=policy.joins,
            silence_is_verified=policy.silence_is_verified,
            enforced=policy.enforced,
            active=policy.active,
            redirect_uri=redirect_uri,
            domains=[domain_out(each) for each in held.domains],
            version=held.version,
            created_at=held.created_at,
        )


class IdentityProvidersOut(Out):
    """All of them; there are never more than ten."""

    items: list[IdentityProviderOut]


def domain_out(domain: Domain) -> DomainOut:
    """A domain as it is shown."""
    return DomainOut.model_validate(domain)

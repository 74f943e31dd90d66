from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, SecretStr, model_validator

from auth.challenges.schemas import Address
from auth.federation.model import ProviderKind
from kit.http.models import Model, Out

OurProvider = Literal["google", "github"]
Redirect = Annotated[
    str,
    Field(
        max_length=2048,
        description="A page of one of this platform's applications, without query; the browser comes back there with "
        "`#federation_code=…`, or with `#federation_problem=…`.",
    ),
]


class BeginFederated(Model):
    """Sign in with a provider, or with the one of the organization to which an address belongs: one of the two."""

    provider: OurProvider | None = None
    email: Address | None = None
    redirect: Redirect | None = None
    organization_id: UUID | None = Field(None, description="To act in at once; with a provider of ours only.")

    @model_validator(mode="after")
    def _one_of_both(self) -> "BeginFederated":
        if (self.provider is None) == (self.email is None):
            raise ValueError("give either a provider or an e-mail address")
        return self


class BeginLinking(Model):
    """Link an account at a provider to mine."""

    provider: OurProvider
    redirect: Redirect | None = None


class CompleteFederated(Model):
    """What the browser came back with, and what it has kept since it began."""

    code: SecretStr = Field(max_length=256)
    request_token: SecretStr | None = Field(None, max_length=256, description="In cookie mode the cookie holds it.")


class BegunOut(Out):
    """Send the browser to `authorization_url`, and keep the token until it is back; give it to nobody."""

    authorization_url: str
    request_token: str
    expires_in: int = Field(description="Seconds until this has to be completed.")


class ProvidersOut(Out):
    """Providers that everybody may sign in with here."""

    items: list[ProviderKind]


class IdentityOut(Out):
    """An account at a provider that opens mine."""

    id: UUID
    provider: ProviderKind
    address: str | None = Field(description="As the provider named it; it may have changed there since.")
    organization_id: UUID | None = Field(description="Whose provider it is, where it is one of an organization.")
    linked_at: AwareDatetime
    used_at: AwareDatetime


class IdentitiesOut(Out):
    """All of them; there are never more than 20."""

    items: list[IdentityOut]

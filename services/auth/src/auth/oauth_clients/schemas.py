from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from auth.members.permissions import Role
from auth.oauth_clients.model import LONGEST_OVERLAP, LONGEST_URI, Client, MadeClient, redirect_uri
from auth.scopes.schemas import GrantableScopes
from kit.http.models import Line, Model, Out

RedirectUri = Annotated[str, Field(max_length=LONGEST_URI), AfterValidator(redirect_uri)]


class RegisterClient(Model):
    """A program: confidential where it runs on a server and keeps a secret, public in a browser or on a device."""

    name: Line = Field(description="What people are told who asks.")
    public: bool = False
    redirect_uris: list[RedirectUri] = Field(
        default_factory=list,
        max_length=20,
        description="Where people return to, letter by letter: https, or http on a loopback address with any port.",
        examples=[["https://partner.example/callback"]],
    )
    scopes: GrantableScopes = Field(description="The most it may ask for; /v1/scopes lists all.")
    role: Role | None = Field(
        None,
        description="What the program is in your organization when it acts for nobody (client credentials); at most "
        "what you are, never an owner.",
    )


class ChangeClient(Model):
    """The whole of what is registered, anew; whether it is public stays."""

    name: Line
    redirect_uris: list[RedirectUri] = Field(default_factory=list, max_length=20)
    scopes: GrantableScopes
    role: Role | None = None


class RotateSecret(Model):
    """Another secret in place of this one, which stays good until everybody has changed over."""

    overlap_seconds: int = Field(86_400, ge=0, le=int(LONGEST_OVERLAP.total_seconds()))


class ClientOut(Out):
    """A program, without its secret."""

    id: UUID = Field(description="Its `client_id`.")
    name: str
    public: bool
    redirect_uris: list[str]
    scopes: list[str]
    role: Role | None
    made_by: UUID | None = Field(description="Who registered it; null when that person was forgotten.")
    old_secret_until: AwareDatetime | None = Field(description="Until when the secret before is good, if it is.")
    created_at: AwareDatetime
    version: int


class NewClientOut(ClientOut):
    """A program with its secret: nobody can show it again."""

    client_secret: str | None = Field(
        description="Null for a public program, and when this is the repetition of a request that has shown it."
    )

    @classmethod
    def made(cls, made: MadeClient) -> "NewClientOut":
        """A program as it is shown once."""
        return cls(**shown(made.client).model_dump(), client_secret=made.secret)


def shown(client: Client) -> ClientOut:
    """A program as it is shown."""
    return ClientOut.model_validate(client)

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, SecretStr

from auth.api_keys.model import LONGEST_LIFE, LONGEST_OVERLAP, KeyState, MadeKey, network
from auth.members.permissions import Role
from auth.scopes.schemas import Scopes
from kit.http.models import Line, Model, Out

_DAYS = LONGEST_LIFE // timedelta(days=1)

Network = Annotated[str, Field(max_length=50, examples=["203.0.113.0/24"]), AfterValidator(network)]
Expiry = Annotated[
    int | None, Field(ge=1, le=_DAYS, description="Days that the key is good for; without it 90, at most 365.")
]


class MakeApiKey(Model):
    """A key for one program: name it after what uses it."""

    name: Line
    role: Role = Field(description="What the key is in the organization: at most what you are, and never an owner.")
    scopes: Scopes = Field(description="What it may do, within its role; /v1/scopes lists all.")
    allowed_addresses: list[Network] = Field(
        default_factory=list,
        max_length=50,
        description="Addresses or networks it may come from; none for everywhere.",
    )
    expires_in_days: Expiry = None


class RotateApiKey(Model):
    """Another key in place of this one, which stays good for as long as its users need to change over."""

    overlap_seconds: int = Field(
        86_400, ge=0, le=int(LONGEST_OVERLAP.total_seconds()), description="0 ends the old key at once."
    )
    expires_in_days: Expiry = None


class ApiKeyOut(Out):
    """A key, without itself."""

    id: UUID
    name: str
    role: Role
    scopes: list[str]
    allowed_addresses: list[str]
    hint: str = Field(description="The last letters of the key.")
    state: KeyState
    made_by: UUID | None = Field(description="Who made it; null when that person was forgotten.")
    replaced_by: UUID | None = Field(description="The key that was made in its place, if any.")
    expires_at: AwareDatetime
    created_at: AwareDatetime
    last_used_at: AwareDatetime | None = Field(description="To about five minutes.")
    ended_at: AwareDatetime | None
    version: int


class NewApiKeyOut(ApiKeyOut):
    """A new key, with itself: nobody can show it again."""

    key: str | None = Field(
        description="Keep it secret. Null when this is the repetition of a request that has shown it."
    )

    @classmethod
    def made(cls, made: MadeKey) -> "NewApiKeyOut":
        """A key as it is shown once."""
        return cls(**ApiKeyOut.model_validate(made.key).model_dump(), key=made.text)


class Exchange(Model):
    """A key that somebody shows, and from where."""

    key: SecretStr = Field(max_length=256)
    address: str = Field(max_length=64)


class ExchangedOut(Out):
    """What a key is worth for the next minutes."""

    access_token: str | None = Field(description="Null when the key may not be used from this address.")
    expires_in: int
    allowed_addresses: list[str]

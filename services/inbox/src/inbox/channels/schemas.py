from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, SecretStr, StringConstraints

from inbox.channels.model import Channel
from kit.http.models import Model, Out

PlatformId = Annotated[str, StringConstraints(pattern=r"^[0-9]{5,32}$")]


class ConnectChannel(Model):
    """Connect a WhatsApp number, or connect it anew with another token."""

    kind: Literal["whatsapp"]
    phone_number_id: PlatformId = Field(description="The id of the number at WhatsApp, not the number itself.")
    waba_id: PlatformId = Field(description="The id of its WhatsApp business account.")
    access_token: SecretStr = Field(
        min_length=10, max_length=1024, description="A token that may use this number; kept sealed, never shown."
    )
    rate: int = Field(80, ge=1, le=1000, description="Messages per second that WhatsApp takes from this number.")


class ChannelOut(Out):
    """A number through which the organization writes and is written to."""

    id: UUID
    kind: str
    phone_number_id: str
    waba_id: str
    display_name: str
    display_number: str
    rate: int
    connected: bool
    health: str = Field(description="`ok`, `token_dead` or `restricted`; unless ok, what you send waits.")
    health_code: str
    health_reason: str
    created_at: datetime
    version: int = Field(description="Rises with every change; also the ETag.")

    @classmethod
    def of(cls, channel: Channel) -> Self:
        """The channel as shown."""
        return cls.model_validate(channel)

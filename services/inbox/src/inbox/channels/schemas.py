from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, SecretStr, StringConstraints

from inbox.channels.base import Capabilities, Wish
from inbox.channels.catalogue import OURS, Catalogue
from inbox.channels.model import Channel
from kit.http.models import Model, Out

PlatformId = Annotated[str, StringConstraints(pattern=r"^[0-9]{5,32}$")]


Token = Annotated[SecretStr, Field(min_length=10, max_length=1024)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to connect, whatever the platform."""

    kind: str
    wish: Wish
    token: str = dataclass_field(repr=False)
    rate: int | None


class ConnectWhatsApp(Model):
    """Connect a WhatsApp number, or connect it anew with another token."""

    kind: Literal["whatsapp"]
    phone_number_id: PlatformId = Field(description="The id of the number at WhatsApp, not the number itself.")
    waba_id: PlatformId = Field(description="The id of its WhatsApp business account.")
    access_token: Token = Field(description="A token that may use this number; kept sealed, never shown.")
    rate: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="Messages per second that may leave at most; without it as many as WhatsApp takes from this "
        "number: 80, 1,000 after an upgrade, 20 for one that is also used in WhatsApp's own app.",
    )

    def wanted(self) -> Wanted:
        """In words of no platform."""
        wish = Wish(self.phone_number_id, self.waba_id)
        return Wanted(self.kind, wish, self.access_token.get_secret_value(), self.rate)


class ConnectMessenger(Model):
    """Connect a Facebook page, to be written to by Messenger."""

    kind: Literal["messenger"]
    page_id: PlatformId
    access_token: Token = Field(description="A token of the page; kept sealed, never shown.")
    rate: int = Field(300, ge=1, le=300, description="Calls per second; Meta takes 300.")

    def wanted(self) -> Wanted:
        """In words of no platform."""
        return Wanted(self.kind, Wish(self.page_id, ""), self.access_token.get_secret_value(), self.rate)


class ConnectInstagram(Model):
    """Connect a professional account of Instagram, to be written to by direct messages."""

    kind: Literal["instagram"]
    account_id: PlatformId
    access_token: Token = Field(description="A token that may use this account; kept sealed, never shown.")
    rate: int = Field(300, ge=1, le=300, description="Calls per second; Meta takes 300.")

    def wanted(self) -> Wanted:
        """In words of no platform."""
        return Wanted(self.kind, Wish(self.account_id, ""), self.access_token.get_secret_value(), self.rate)


class ConnectSms(Model):
    """Connect a number at Telnyx, for text and picture messages."""

    kind: Literal["sms"]
    number: str = Field(pattern=r"^\+[1-9][0-9]{6,14}$", description="The number itself, such as `+15005550001`.")
    api_key: Token = Field(description="A key of the Telnyx account that has the number; kept sealed, never shown.")
    rate: int = Field(10, ge=1, le=1000, description="Messages per second that may leave from this number.")

    def wanted(self) -> Wanted:
        """In words of no platform."""
        return Wanted(self.kind, Wish(self.number, ""), self.api_key.get_secret_value(), self.rate)


ConnectChannel = Annotated[
    ConnectWhatsApp | ConnectMessenger | ConnectInstagram | ConnectSms, Field(discriminator="kind")
]


class ErrorOut(Out):
    """What one code of a platform means, and what to do about it."""

    code: str
    sort: str = Field(
        description="`pace` (it goes on more slowly), `stop_sender` (nothing leaves until somebody acts), "
        "`skip_recipient` (this contact cannot get it), `our_bug` (change the message), `auth` (connect again) or "
        "`unknown` (it may have arrived)."
    )
    meaning: str
    advice: str


class KindOut(Out):
    """What channels of one kind can do."""

    kind: str
    sends: list[str] = Field(description="The types of messages that they take.")
    text_length: int
    window_seconds: int | None = Field(description="For how long after their last message; null: always.")
    human_agent_seconds: int | None = Field(description="For how long a person may answer with a tag.")
    sends_beyond_window: list[str]
    quotes: bool
    shows_read: bool
    shows_typing: bool
    errors: list[ErrorOut]

    @classmethod
    def of(cls, kind: str, can: Capabilities, errors: Catalogue) -> Self:
        """A kind as shown."""
        lasts, extended = can.window.lasts, can.window.extended
        return cls(
            kind=kind,
            sends=sorted(can.sends),
            text_length=can.text_length,
            window_seconds=None if lasts is None else int(lasts.total_seconds()),
            human_agent_seconds=None if extended is None else int(extended.total_seconds()),
            sends_beyond_window=sorted(can.window.beyond),
            quotes=can.quotes,
            shows_read=can.shows_read,
            shows_typing=can.shows_typing,
            errors=[
                ErrorOut(code=code, sort=rule.sort, meaning=rule.plain, advice=rule.advice)
                for code, rule in {**errors.rules, **OURS}.items()
            ],
        )


class KindsOut(Out):
    """The kinds of channels there are."""

    items: list[KindOut]


class ChannelOut(Out):
    """A number, page or account through which the organization writes and is written to."""

    id: UUID
    kind: str
    external_id: str = Field(description="The platform's id of it, or the number itself.")
    phone_number_id: str = Field(description="The same for WhatsApp; empty for other kinds.")
    waba_id: str
    display_name: str
    display_number: str
    rate: int
    connected: bool
    answers: bool = Field(description="False: messages come in here, and nothing can be answered.")
    health: str = Field(description="`ok`, `token_dead` or `restricted`; unless ok, what you send waits.")
    health_code: str
    health_reason: str
    created_at: datetime
    version: int = Field(description="Rises with every change; also the ETag.")

    @classmethod
    def of(cls, channel: Channel) -> Self:
        """The channel as shown."""
        return cls(
            id=channel.id,
            kind=channel.kind,
            external_id=channel.phone_number_id,
            phone_number_id=channel.phone_number_id if channel.kind == "whatsapp" else "",
            waba_id=channel.waba_id,
            display_name=channel.display_name,
            display_number=channel.display_number,
            rate=channel.rate,
            connected=channel.connected,
            answers=not channel.silent,
            health=channel.health,
            health_code=channel.health_code,
            health_reason=channel.health_reason,
            created_at=channel.created_at,
            version=channel.version,
        )

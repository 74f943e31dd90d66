from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from inbox.consent.model import Entry, Purpose, Standing
from kit.http.models import Line, Model, Out

ChannelKind = Literal["whatsapp", "sms", "messenger", "instagram", "web_chat", "contact_form"]
Source = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,39}$")]


class RecordConsent(Model):
    """Record what a contact wants, for some purposes on some kinds of channel."""

    state: Literal["granted", "withdrawn"]
    channel_kinds: list[ChannelKind] = Field(min_length=1, max_length=6)
    purposes: list[Purpose] = Field(min_length=1, max_length=3)
    source: Source = Field("team", description="Where it was said.", examples=["web_form", "phone", "paper"])
    policy_version: Line | None = Field(None, description="Which version of your policy they agreed to.")
    proof: Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")] | None = Field(
        None, description="What proves it: the words that were ticked, an address, a case number. It lies sealed."
    )
    at: AwareDatetime | None = Field(None, description="When it was said; now, when left out.")


class ConsentOut(Out):
    """How a contact stands to one purpose on one kind of channel."""

    channel_kind: str
    purpose: str
    state: str = Field(description="`granted`, `withdrawn`, or `none`: nothing was ever granted.")
    source: str
    policy_version: str
    at: datetime

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """As shown."""
        return cls.model_validate(standing)


class ConsentsOut(Out):
    """How a contact stands to each purpose of which something is known."""

    items: list[ConsentOut]


class ConsentEntryOut(Out):
    """One line of the history of consent; it is never changed."""

    id: UUID
    contact_id: UUID = Field(description="Of whom it was recorded: another one, where contacts were merged.")
    channel_kind: str
    purpose: str
    state: str = Field(description="`granted`, `withdrawn`, or `resumed`: the last withdrawal was taken back.")
    source: str
    policy_version: str
    proof: str | None
    at: datetime = Field(description="When the contact said so.")
    created_at: datetime = Field(description="When it was recorded.")

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """As shown."""
        return cls.model_validate(entry)


class BlockedOut(Out):
    """A contact of whom nobody wants to hear."""

    contact_id: UUID
    blocked_at: datetime

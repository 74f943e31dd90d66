from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, NaiveDatetime, StringConstraints, model_validator

from inbox.broadcasts.facts import totals
from inbox.broadcasts.model import REACHED, Broadcast, Quiet, Stand, State, Variant
from inbox.broadcasts.zones.schemas import Zone
from inbox.consent.model import Purpose
from inbox.templates.values import ButtonValue, HeaderValue, Value
from kit.db.database import Row
from kit.http.models import Line, Model, Out

MOST_NAMED = 10_000
UnreachedClass = Literal[
    "pace", "stop_sender", "skip_recipient", "our_bug", "auth", "unknown", "consent", "cancelled", "unconfirmed"
]
Retarget = UnreachedClass | Literal["no_reply", "clicked"]
Target = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.\-:\[\]]+([/?#][!-~]*)?$", max_length=2000)]
"""A web address in ASCII, as it can stand in a header, without a name or password in it."""


class Earlier(Model):
    """Whom an earlier broadcast did not reach, by the class of the reason; `no_reply`: who got it and is silent.

    `clicked`: who opened its link or pressed a button.
    """

    id: UUID
    classes: list[Retarget] = Field(min_length=1, max_length=11)


class Audience(Model):
    """Whom it goes to, as of now: exactly one of these."""

    contact_ids: list[UUID] | None = Field(None, min_length=1, max_length=MOST_NAMED)
    everyone: Literal[True] | None = Field(None, description="All contacts who can be reached on the channel.")
    label_id: UUID | None = Field(None, description="All who carry this label, or with whom a conversation does.")
    segment_id: UUID | None = Field(None, description="All whom this segment means as their names are written down.")
    broadcast: Earlier | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set & {"contact_ids", "everyone", "label_id", "segment_id", "broadcast"}) != 1:
            raise ValueError("name exactly one: contact_ids, everyone, label_id, segment_id or broadcast")
        return self

    def rule(self) -> dict[str, Any]:
        """As it is kept: without anybody's id."""
        if self.contact_ids is not None:
            return {"named": len(set(self.contact_ids))}
        if self.label_id is not None:
            return {"label_id": str(self.label_id)}
        if self.segment_id is not None:
            return {"segment_id": str(self.segment_id)}
        if self.broadcast is not None:
            return {"broadcast_id": str(self.broadcast.id), "classes": sorted(set(self.broadcast.classes))}
        return {"everyone": True}


class Message(Model):
    """What it says: an approved template with values, or a text where the channel takes one at any time.

    Values and texts may ask for `{{contact.first_name|there}}`: name, first name, phone and email of the contact,
    name and number of the channel. Of several messages each recipient gets one, by weight: so they are compared.
    """

    template_id: UUID | None = None
    variables: dict[Annotated[str, StringConstraints(max_length=64)], Value] = Field(
        default_factory=dict, max_length=100
    )
    header: HeaderValue | None = None
    buttons: list[ButtonValue] = Field(default_factory=list, max_length=10)
    text: str | None = Field(None, min_length=1, max_length=1530)
    link: Target | None = Field(
        None,
        description="Where each recipient's own link leads, so that clicks are counted. The template needs a button "
        "whose address is our link address with a variable behind it; a text says `{{broadcast.link}}`.",
    )
    weight: int = Field(1, ge=1, le=1000)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.template_id is None) == (self.text is None):
            raise ValueError("name a template_id or a text")
        return self

    def variant(self) -> Variant:
        """As it is kept."""
        told = self.model_dump(mode="json", exclude={"template_id", "text", "link"})
        return Variant(**told, template_id=self.template_id, text=self.text or "", link=self.link or "")


class QuietHours(Model):
    """Hours in which nobody is written to, by the clock of where they are; may go over midnight."""

    begins: time
    ends: time

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.begins == self.ends or self.begins.tzinfo or self.ends.tzinfo:
            raise ValueError("two different times of the day, without a zone")
        return self


class Fallback(Model):
    """Whom it does not reach for a reason of these classes is sent this text from another channel."""

    channel_id: UUID = Field(description="A channel of text messages.")
    text: str = Field(min_length=1, max_length=1530)
    link: Target | None = Field(None, description="Where `{{broadcast.link}}` in the text leads.")
    classes: list[UnreachedClass] = Field(default=["skip_recipient"], min_length=1, max_length=9)


class WriteBroadcast(Model):
    """Write to many; nothing leaves before it is started."""

    name: Line
    channel_id: UUID
    audience: Audience
    messages: list[Message] = Field(min_length=1, max_length=4)
    purpose: Purpose | None = Field(None, description="For what; without it by the template's category.")
    zone: Zone | None = Field(
        None, description="Where those are of whom no other zone is known; without it the organization's."
    )
    quiet_hours: QuietHours | None = None
    start_at: AwareDatetime | None = None
    local_start: NaiveDatetime | None = Field(None, description="By the clock of where each recipient is.")
    fallback: Fallback | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.start_at is not None and self.local_start is not None:
            raise ValueError("name start_at or local_start")
        return self

    @property
    def quiet(self) -> Quiet | None:
        """Its quiet hours."""
        return None if self.quiet_hours is None else Quiet(self.quiet_hours.begins, self.quiet_hours.ends)


class TryBroadcast(Model):
    """Send it to a few now, whatever the hour; they still get it with all others."""

    contact_ids: list[UUID] = Field(min_length=1, max_length=10)


class CountsOut(Out):
    """How many stand where. What was read was delivered, and what was delivered was sent."""

    total: int
    waiting: int
    unknown: int = Field(description="Nobody knows yet whether it has left.")
    unconfirmed: int = Field(description="Nobody will know: it is never sent again by itself.")
    sent: int
    delivered: int
    read: int
    failed: int
    skipped: int = Field(description="Who were not to get it: no consent.")
    cancelled: int
    replied: int
    clicked: int = Field(description="Who opened the link, or pressed a button that answers; each once.")
    clicks: int = Field(description="How often links were opened; previews and robots are not counted.")
    opted_out: int

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Self:
        """From how many stand where."""
        get = counts.get
        return cls(
            total=sum(get(each, 0) for each in Stand),
            waiting=get("waiting", 0) + get("handed", 0),
            unknown=get("unknown", 0),
            unconfirmed=get("unconfirmed", 0),
            sent=sum(get(each, 0) for each in REACHED),
            delivered=get("delivered", 0) + get("read", 0),
            read=get("read", 0),
            failed=get("failed", 0),
            skipped=get("skipped", 0),
            cancelled=get("cancelled", 0),
            replied=get("replied", 0),
            clicked=get("clicked", 0),
            clicks=get("clicks", 0),
            opted_out=get("opted_out", 0),
        )


class VariantOut(Out):
    """One of its messages, and how it did."""

    number: int
    template_id: UUID | None
    text: str | None
    weight: int
    counts: CountsOut


class BroadcastOut(Out):
    """A broadcast and how far it has come."""

    id: UUID
    kind: str
    parent_id: UUID | None
    name: str
    channel_id: UUID
    state: State
    reason: str = Field(description="Why it was paused where nobody of the team did: `template:paused` and others.")
    waits_for: str = Field(
        description="`tier`: until more people may be written to; `quiet_hours`; `pair`: whoever is next was written "
        "to too often just now; or empty."
    )
    prepared: bool = Field(description="Whether all recipients are written down.")
    purpose: Purpose
    zone: str
    start_at: datetime | None
    local_start: datetime | None
    counts: CountsOut
    messages: list[VariantOut]
    started_at: datetime | None
    ended_at: datetime | None
    created_at: datetime
    version: int

    @classmethod
    def of(cls, broadcast: Broadcast, rows: Sequence[Row]) -> Self:
        """As it is shown, with counts by variant."""
        own = [row for row in rows if row["broadcast_id"] == broadcast.id]
        names = set(cls.model_fields) - {"prepared", "counts", "messages"}
        return cls(
            **{name: getattr(broadcast, name) for name in names},
            prepared=broadcast.prepared,
            counts=CountsOut.of(totals(own)),
            messages=[_variant(broadcast, number, own) for number in range(len(broadcast.variants))],
        )


def _variant(broadcast: Broadcast, number: int, rows: Sequence[Row]) -> VariantOut:
    variant = broadcast.variants[number]
    return VariantOut(
        number=number,
        template_id=variant.template_id,
        text=variant.text or None,
        weight=variant.weight,
        counts=CountsOut.of(totals(row for row in rows if row["variant"] == number)),
    )


class RecipientOut(Out):
    """What became of one recipient, and why they did not get it."""

    id: UUID
    contact_id: UUID
    message: int = Field(description="Which of its messages.")
    state: Stand
    state_at: datetime
    due_at: datetime | None
    code: str
    sort: str = Field(description="The class of the reason, as in `GET /v1/channels/kinds`; or empty.")
    meaning: str
    advice: str
    sent_at: datetime | None
    replied_at: datetime | None
    clicked_at: datetime | None
    opted_out_at: datetime | None


class ReasonOut(Out):
    """How many did not get it for one reason."""

    sort: str
    code: str
    meaning: str
    advice: str
    recipients: int


class ReasonsOut(Out):
    """Why people did not get it, the most frequent first; at most 100 codes."""

    items: list[ReasonOut]

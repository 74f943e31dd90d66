from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

import orjson
from pydantic import AwareDatetime, Field, StringConstraints, field_validator, model_validator

from inbox.messages.bodies import ContactCard, Interactive, Location, Reaction, told
from inbox.messages.model import Content, Message, MessagePart
from inbox.templates.values import ButtonValue, HeaderValue, Value
from kit.http.models import Model, Out

SendKindName = Literal[
    "text",
    "template",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "interactive",
]
_LINKED: Final = ("image", "video", "audio", "document", "sticker")
_PARTS: Final = ("text", "template", "media", "location", "contacts", "reaction", "interactive")
CAPTIONED: Final = ("image", "video", "document")
"""What words can stand below, where a channel shows them at all."""
LONGEST_CAPTION: Final = 1024
_MOST_ATTACHMENTS: Final = 10


class Template(Model):
    """A template that WhatsApp has approved: by its id with values for its variables, or by name in WhatsApp's form.

    A value may ask for variables of the conversation, such as `{{contact.first_name|there}}`.
    """

    id: UUID | None = Field(None, description="Of GET /v1/message-templates.")
    variables: dict[Annotated[str, StringConstraints(max_length=64)], Value] = Field(
        default_factory=dict, max_length=100, description="Values for the body, by position or name."
    )
    header: HeaderValue | None = None
    buttons: list[ButtonValue] = Field(default_factory=list, max_length=10)
    offer_ends_at: AwareDatetime | None = None
    name: str | None = Field(None, pattern=r"^[a-z0-9_]{1,512}$")
    language: str | None = Field(None, pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$", description="Such as `en_US`.")
    components: list[dict[str, Any]] = Field(default_factory=list, max_length=20)

    @field_validator("components")
    @classmethod
    def _can_be_sent(cls, components: list[dict[str, Any]]) -> list[dict[str, Any]]:
        try:
            orjson.dumps(components)
        except TypeError as error:
            raise ValueError("a whole number has at most 64 bits") from error
        return components

    @model_validator(mode="after")
    def _one_of_two_ways(self) -> Self:
        by_name = (self.name is not None, self.language is not None)
        if self.id is None:
            if not all(by_name):
                raise ValueError("name a template by its id, or by its name and language")
            if self.variables or self.header or self.buttons or self.offer_ends_at:
                raise ValueError("values go with the id of a template; by name give components")
        elif any(by_name) or self.components:
            raise ValueError("with the id of a template give values, not name, language or components")
        return self


class LinkedMedia(Model):
    """A medium that the platform fetches itself."""

    link: str = Field(pattern=r"^https://[^\s]{1,2000}$")
    caption: str | None = Field(None, max_length=1024)
    filename: Annotated[str, StringConstraints(max_length=240)] | None = None


class Attach(LinkedMedia):
    """One of several media of a message."""

    type: Literal["image", "video", "audio", "document", "sticker"]

    def content(self, *, captioned: bool) -> Content:
        """What is sent; with its words where the channel shows them below it."""
        shown = {"link": self.link}
        if self.caption is not None and captioned:
            shown["caption"] = self.caption
        if self.filename is not None and self.type == "document":
            shown["filename"] = self.filename
        return Content(self.caption if captioned else None, {self.type: shown})


class SendMessage(Model):
    """Write to the contact of a conversation."""

    id: UUID | None = Field(
        None,
        description="An id of your own (UUIDv7). Sent twice it is one message, also hours later; draw one for each "
        "message when it is written, not when it is sent.",
    )
    type: SendKindName = "text"
    text: str | None = Field(
        None, min_length=1, max_length=20_000, description="What is too long for the channel leaves in several parts."
    )
    attachments: list[Attach] | None = Field(
        None,
        min_length=1,
        max_length=_MOST_ATTACHMENTS,
        description="With the type `text`: media that go with it, in their order, each as a part of its own.",
    )
    template: Template | None = None
    media: LinkedMedia | None = None
    location: Location | None = None
    contacts: list[ContactCard] | None = Field(None, min_length=1, max_length=20)
    reaction: Reaction | None = None
    interactive: Interactive | None = None
    reply_to: UUID | None = Field(None, description="The message of this conversation that is quoted.")
    hold: bool = Field(
        False,
        description="When the contact may not be written to just now, wait until they write: the message is `held` "
        "and leaves then, without anybody's doing.",
    )
    tag: Literal["human_agent"] | None = Field(
        None, description="A person answers later than the window allows; for channels whose window has this."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        needed = "media" if self.type in _LINKED else self.type
        given = {name for name in _PARTS if getattr(self, name) is not None}
        if self.attachments is not None and self.type != "text":
            raise ValueError("attachments go with a message of type text")
        if given != {needed} and not (self.attachments is not None and not given):
            raise ValueError(f"a message of type {self.type} has {needed} and nothing else")
        if self.reaction is not None and self.reply_to is not None:
            raise ValueError("a reaction names its message itself")
        return self

    @property
    def about(self) -> UUID | None:
        """The message that is quoted or reacted to."""
        return self.reply_to if self.reaction is None else self.reaction.message_id

    @property
    def words(self) -> str | None:
        """What a person reads of it."""
        if self.interactive is not None:
            return self.interactive.body
        if self.location is not None:
            return self.location.name or self.location.address
        if self.contacts is not None:
            return ", ".join(each.name.formatted_name for each in self.contacts)
        if self.media is not None:
            return self.media.caption
        return self.text if self.reaction is None else self.reaction.emoji

    def content(self) -> Content:
        """What is said, as it is kept and sent."""
        tagged: dict[str, Any] = {} if self.tag is None else {"tag": self.tag}
        return Content(self.words, self._detail() | tagged)

    def _detail(self) -> dict[str, Any]:
        if self.template is not None:
            if self.template.id is not None:
                return {}
            parts = {"name": self.template.name, "language": {"code": self.template.language}}
            return {"template": {**parts, "components": self.template.components}}
        if self.media is not None:
            return {self.type: self._medium(self.media)}
        if self.contacts is not None:
            return {"contacts": [told(each) for each in self.contacts]}
        body = self.location or self.interactive
        return {} if body is None else {self.type: told(body)}

    def _medium(self, media: LinkedMedia) -> dict[str, str]:
        shown = {"link": media.link}
        if media.caption is not None and self.type in CAPTIONED:
            shown["caption"] = media.caption
        if media.filename is not None and self.type == "document":
            shown["filename"] = media.filename
        return shown


class AttachmentOut(Out):
    """A medium of a message; its bytes are at /v1/media/{id} once it is `ready`."""

    id: UUID
    kind: str
    state: str = Field(description="`waiting`, `ready` or `failed`.")
    media_type: str
    size: int
    failure_reason: str


class PartOut(Out):
    """One of the messages in which a message leaves, with its own status."""

    id: UUID
    number: int
    attempt: int
    type: str
    text: str | None
    detail: dict[str, Any]
    status: str
    status_at: datetime
    failure_code: str
    failure_reason: str
    failure_sort: str
    failure_advice: str

    @classmethod
    def of(cls, part: MessagePart) -> Self:
        """The part as shown."""
        content = part.content
        return cls(
            id=part.id,
            number=part.number,
            attempt=part.attempt,
            type=part.kind,
            text=None if content is None else content.text,
            detail={} if content is None else dict(content.detail),
            status=part.status,
            status_at=part.status_at,
            failure_code=part.failure_code,
            failure_reason=part.failure_reason,
            failure_sort=part.failure_sort,
            failure_advice=part.failure_advice,
        )


class MessageOut(Out):
    """One message of a conversation; lists are ordered by (provider_time, sequence)."""

    id: UUID
    conversation_id: UUID
    channel_id: UUID
    direction: str = Field(description="`in` from the contact, `out` from the organization.")
    type: str
    text: str | None
    detail: dict[str, Any] = Field(description="Everything else, as the platform brought it.")
    status: str = Field(
        description="`received`, or for ours held < queued < unconfirmed < sent < failed < delivered < read; "
        "it only rises."
    )
    status_at: datetime
    failure_code: str
    failure_reason: str
    failure_sort: str = Field(
        description="What kind of failure it is, in the words of GET /v1/channels/kinds; empty unless it failed."
    )
    failure_advice: str = Field(description="What to do about it.")
    reply_to: UUID | None
    reaction: str | None = Field(description="The contact's reaction to it.")
    edited: bool
    withdrawn: bool = Field(description="The contact took it back; its content is not shown any more.")
    media: list[AttachmentOut]
    parts: list[PartOut] = Field(
        description="Of a message that leaves in several: each part; `status` above is computed of theirs."
    )
    author_id: UUID | None
    provider_time: datetime
    sequence: int
    created_at: datetime
    version: int

    @classmethod
    def of(cls, message: Message) -> Self:
        """The message as shown."""
        shown = message.shown
        return cls(
            id=message.id,
            conversation_id=message.conversation_id,
            channel_id=message.channel_id,
            direction=message.direction,
            type=message.kind,
            text=None if shown is None else shown.text,
            detail={} if shown is None else dict(shown.detail),
            status=message.status,
            status_at=message.status_at,
            failure_code=message.failure_code,
            failure_reason=message.failure_reason,
            failure_sort=message.failure_sort,
            failure_advice=message.failure_advice,
            reply_to=message.reply_to,
            reaction=message.reaction,
            edited=any(mark.kind == "edit" for mark in message.marks),
            withdrawn=message.withdrawn,
            media=[AttachmentOut.model_validate(each) for each in message.media],
            parts=[PartOut.of(each) for each in message.parts],
            author_id=message.author_id,
            provider_time=message.provider_time,
            sequence=message.sequence,
            created_at=message.created_at,
            version=message.version,
        )


class MessagePage(Out):
    """A stretch of a conversation, the oldest first, with a cursor for each end; null where there is nothing more."""

    items: list[MessageOut]
    older_cursor: str | None
    newer_cursor: str | None

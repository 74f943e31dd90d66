from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import orjson
from pydantic import Field, StringConstraints, field_validator, model_validator

from inbox.messages.model import Content, Message
from kit.http.models import Model, Out

SendKindName = Literal["text", "template", "image", "video", "audio", "document"]
_LINKED = ("image", "video", "audio", "document")


class Template(Model):
    """A template that WhatsApp has approved, with its variables filled in."""

    name: str = Field(pattern=r"^[a-z0-9_]{1,512}$")
    language: str = Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$", description="Such as `en_US`.")
    components: list[dict[str, Any]] = Field(default_factory=list, max_length=20)

    @field_validator("components")
    @classmethod
    def _can_be_sent(cls, components: list[dict[str, Any]]) -> list[dict[str, Any]]:
        try:
            orjson.dumps(components)
        except TypeError as error:
            raise ValueError("a whole number has at most 64 bits") from error
        return components


class LinkedMedia(Model):
    """A medium that WhatsApp fetches itself."""

    link: str = Field(pattern=r"^https://[^\s]{1,2000}$")
    caption: str | None = Field(None, max_length=1024)
    filename: Annotated[str, StringConstraints(max_length=240)] | None = None


class SendMessage(Model):
    """Write to the contact of a conversation."""

    id: UUID | None = Field(
        None,
        description="An id of your own (UUIDv7). Sent twice it is one message, also hours later; draw one for each "
        "message when it is written, not when it is sent.",
    )
    type: SendKindName = "text"
    text: str | None = Field(None, min_length=1, max_length=4096)
    template: Template | None = None
    media: LinkedMedia | None = None
    reply_to: UUID | None = Field(None, description="The message of this conversation that is quoted.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        needed = "media" if self.type in _LINKED else self.type
        given = {name for name in ("text", "template", "media") if getattr(self, name) is not None}
        if given != {needed}:
            raise ValueError(f"a message of type {self.type} has {needed} and nothing else")
        return self

    def content(self) -> Content:
        """What is said, as it is kept and sent."""
        if self.template is not None:
            parts = {"name": self.template.name, "language": {"code": self.template.language}}
            return Content(None, {"template": {**parts, "components": self.template.components}})
        if self.media is not None:
            return Content(self.media.caption, {self.type: self._medium(self.media)})
        return Content(self.text)

    def _medium(self, media: LinkedMedia) -> dict[str, str]:
        told = {"link": media.link}
        if media.caption is not None and self.type != "audio":
            told["caption"] = media.caption
        if media.filename is not None and self.type == "document":
            told["filename"] = media.filename
        return told


class AttachmentOut(Out):
    """A medium of a message; its bytes are at /v1/media/{id} once it is `ready`."""

    id: UUID
    kind: str
    state: str = Field(description="`waiting`, `ready` or `failed`.")
    media_type: str
    size: int
    failure_reason: str


class MessageOut(Out):
    """One message of a conversation; lists are ordered by (provider_time, sequence)."""

    id: UUID
    conversation_id: UUID
    channel_id: UUID
    direction: str = Field(description="`in` from the contact, `out` from the organization.")
    type: str
    text: str | None
    detail: dict[str, Any] = Field(description="Everything else, as WhatsApp brought it.")
    status: str = Field(
        description="`received`, or for ours queued < unconfirmed < sent < failed < delivered < read; it only rises."
    )
    status_at: datetime
    failure_code: str
    failure_reason: str
    reply_to: UUID | None
    reaction: str | None = Field(description="The contact's reaction to it.")
    edited: bool
    withdrawn: bool = Field(description="The contact took it back; its content is not shown any more.")
    media: list[AttachmentOut]
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
            reply_to=message.reply_to,
            reaction=message.reaction,
            edited=any(mark.kind == "edit" for mark in message.marks),
            withdrawn=message.withdrawn,
            media=[AttachmentOut.model_validate(each) for each in message.media],
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

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from inbox.sites.schemas import ChatLook, FieldName
from kit.http.models import Model, Out


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("this holds a character that is not allowed")
    return text


Words = Annotated[
    str, AfterValidator(_no_nul), StringConstraints(strip_whitespace=True, min_length=1, max_length=4096)
]
Value = Annotated[str, AfterValidator(_no_nul), StringConstraints(max_length=500)]
Ids = Annotated[list[UUID], Field(min_length=1, max_length=100)]


class Identified(Model):
    """A user of the page's own, proven by its server."""

    user_id: Annotated[str, AfterValidator(_no_nul), StringConstraints(min_length=1, max_length=200)]
    proof: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")] = Field(
        description="HMAC-SHA256 of `user_id` under the secret of the channel, in hexadecimal digits."
    )


class BeginVisit(Model):
    """A browser comes, perhaps again."""

    token: Annotated[str, Field(max_length=200)] | None = Field(None, description="Of the last visit.")
    identity: Identified | None = None


class VisitOut(Out):
    """What a browser should know."""

    token: str = Field(description="Keep it in the browser; whoever has it reads this visitor's conversation.")
    visitor_id: UUID = Field(description="Another one than before means that this is another visitor.")
    look: ChatLook
    proven: bool
    introduced: bool = Field(description="False: ask what `look.fields` say with the first message.")
    now: datetime


class Say(Model):
    """Write to the team."""

    type: Literal["say"] = "say"
    id: UUID = Field(description="Drawn by the browser for each message: sent again with it, it is one message.")
    text: Words
    page: Annotated[str, AfterValidator(_no_nul), StringConstraints(max_length=500)] = ""
    fields: Annotated[dict[FieldName, Value], Field(max_length=10)] = Field(default_factory=dict)


class Acknowledge(Model):
    """These messages of the team were received, or read."""

    type: Literal["seen"] = "seen"
    status: Literal["delivered", "read"]
    messages: Ids


class Type(Model):
    """The visitor writes; the team is shown it for some seconds."""

    type: Literal["typing"] = "typing"


class Resume(Model):
    """Tell again what came after this message."""

    type: Literal["resume"] = "resume"
    after: UUID | None = None


FRAMES: Final[TypeAdapter[Say | Acknowledge | Type | Resume]] = TypeAdapter(
    Annotated[Say | Acknowledge | Type | Resume, Field(discriminator="type")]
)


class FileOut(BaseModel):
    """A file that goes with a message; where it is to be had, `…/address` says."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    kind: str
    media_type: str
    size: int | None
    name: str
    state: str


class ShownOut(BaseModel):
    """One message as a visitor sees it."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    mine: bool = Field(description="Whether the visitor wrote it.")
    client_id: UUID | None = Field(description="The id that their browser had drawn.")
    text: str | None = Field(description="Plain text: it is to be shown as such.")
    at: datetime
    status: str
    files: list[FileOut] = []


class HistoryOut(Out):
    """Messages, the oldest first."""

    items: list[ShownOut]


class TakenOut(Out):
    """The message is stored."""

    id: UUID


class AddressOut(Out):
    """Where a file is to be had for a while, below the address of the chat."""

    path: str
    expires_at: datetime

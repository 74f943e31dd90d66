"""What those who watch WhatsApp send and see."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue

from sandbox.whatsapp.conversations import Sent, Written
from sandbox.whatsapp.payloads import Item, Layout, State

LATEST = 4_102_444_800
At = Annotated[float, Field(ge=0, le=LATEST, allow_inf_nan=False)]


class SaidOut(BaseModel):
    """A message of a person, as its webhook carries it."""

    id: str
    message: dict[str, JsonValue]


class StatusIn(BaseModel):
    """What shall be told of a message, whatever was told before."""

    status: State
    at: At | None = None
    code: int | None = None


class MessageOut(BaseModel):
    """A message of the business, as a person got it; `at` is Unix seconds to the microsecond."""

    id: str
    phone_number_id: str
    to: str
    person: str | None
    type: str
    text: str
    at: float
    statuses: list[tuple[State, float]]
    body: dict[str, JsonValue]


class WrittenOut(BaseModel):
    """A message of a person, and whether the business has marked it as read."""

    id: str
    person: str
    phone_number_id: str
    read: bool
    typing: int
    message: dict[str, JsonValue]


class Together(BaseModel):
    """Messages of people for one webhook: each with `person`, and the rest as for `say`."""

    items: Annotated[list[dict[str, JsonValue]], Field(min_length=1, max_length=1000)]
    layout: Layout = "messages"


class Raw(BaseModel):
    """Any bytes as a webhook, signed rightly, wrongly or not at all."""

    body: Annotated[str, Field(max_length=16 * 1024 * 1024)] = ""
    base64: Annotated[str, Field(max_length=16 * 1024 * 1024)] | None = None
    signature: Literal["right", "wrong", "none"] = "right"


def said_out(item: Item) -> SaidOut:
    """A message of a person as it is shown."""
    return SaidOut.model_validate({"id": item.content["id"], "message": item.content})


def message_out(message: Sent) -> MessageOut:
    """A message of a business as it is shown."""
    return MessageOut.model_validate(
        {
            "id": message.id,
            "phone_number_id": message.number.id,
            "to": message.recipient,
            "person": message.person.id if message.person else None,
            "type": message.kind,
            "text": message.text,
            "at": message.at,
            "statuses": message.statuses,
            "body": message.body,
        }
    )


def written_out(written: Written) -> WrittenOut:
    """A message of a person as it is listed."""
    return WrittenOut.model_validate(
        {
            "id": written.id,
            "person": written.person.id,
            "phone_number_id": written.number.id,
            "read": written.read,
            "typing": written.typing,
            "message": written.content,
        }
    )

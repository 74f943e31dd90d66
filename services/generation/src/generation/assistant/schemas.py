import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from generation.assistant.errors import PictureUnreadable
from generation.assistant.model import (
    ActionState,
    ActionView,
    ConversationView,
    Said,
    TurnState,
    TurnView,
)
from generation.assistant.personas import DEFAULT, Persona
from generation.providers.base import Picture
from kit.errors import FieldError
from kit.http.models import Model, Out

MOST_BYTES: Final = 3 * 1024 * 1024
"""Of one picture, after base64."""

MediaType = Literal["image/png", "image/jpeg", "image/webp", "image/gif"]
_BEGINS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/webp": (b"RIFF",),
    "image/gif": (b"GIF87a", b"GIF89a"),
}
_Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000, pattern=r"^[^\x00]*$")
]


class BeginConversation(Model):
    """Whom you want to talk with."""

    persona: str = Field(DEFAULT, max_length=50, description="One of GET /v1/assistant/personas.")


class PictureIn(Model):
    """A picture to talk about."""

    media_type: MediaType
    data: str = Field(max_length=MOST_BYTES * 4 // 3 + 4, description="Base64.")


class SaySomething(Model):
    """What you say, and pictures that you show."""

    text: _Words = Field(examples=["Move the post about the second shop to Friday at nine."])
    pictures: list[PictureIn] = Field(default_factory=list, max_length=4)

    def said(self) -> Said:
        """What is meant.

        Raises:
            PictureUnreadable: one is no picture of its type.
        """
        return Said(self.text, [_picture(place, each) for place, each in enumerate(self.pictures)])


class Decide(Model):
    """Yes or no."""

    decision: Literal["confirm", "refuse"]


class PersonaOut(Out):
    """Somebody the assistant can be."""

    id: str
    name: str
    about: str
    tools: list[str]

    @classmethod
    def of(cls, persona: Persona) -> Self:
        """As shown."""
        return cls(id=persona.id, name=persona.name, about=persona.about, tools=list(persona.tools))


class PersonasOut(Out):
    """All of them."""

    items: list[PersonaOut]


class ConversationOut(Out):
    """A conversation with the assistant; nobody but you sees it."""

    id: UUID
    persona: str
    title: str = Field(description="The beginning of what was said first.")
    turns: int
    created_at: datetime
    changed_at: datetime
    version: int

    @classmethod
    def of(cls, view: ConversationView) -> Self:
        """As shown."""
        found = view.conversation
        return cls(
            id=found.id,
            persona=found.persona,
            title=view.title,
            turns=found.turns,
            created_at=found.created_at,
            changed_at=found.changed_at,
            version=found.version,
        )


class ChangeOut(Out):
    """One thing that would be another."""

    field: str
    before: str
    after: str


class ActionOut(Out):
    """Something that the assistant would change, and waits for your yes."""

    id: UUID
    turn_id: UUID
    tool: str
    says: str = Field(description="What would be done, in our words and not the model's.")
    changes: list[ChangeOut]
    state: ActionState = Field(
        description="`unknown`: it may have been done; say yes again and it is found out. `unconfirmed`: nobody can "
        "find out any more, look yourself."
    )
    reason: str = Field(description="Why it failed, in plain words.")
    expires_at: datetime
    decided_at: datetime | None
    version: int

    @classmethod
    def of(cls, view: ActionView) -> Self:
        """As shown."""
        found, proposal = view.action, view.proposal
        changes = [] if proposal is None else proposal.changes
        return cls(
            id=found.id,
            turn_id=found.turn_id,
            tool=found.tool,
            says="" if proposal is None else proposal.says,
            changes=[ChangeOut(field=each.field, before=each.before, after=each.after) for each in changes],
            state=found.state,
            reason=found.reason,
            expires_at=found.expires_at,
            decided_at=found.decided_at,
            version=found.version,
        )


class TurnOut(Out):
    """What you said, what the assistant answered, what it cost, and what waits for your yes."""

    id: UUID
    conversation_id: UUID
    number: int
    state: TurnState
    reason: str
    detail: str
    text: str | None = Field(description="What you said; null once its key was destroyed.")
    pictures: int = Field(description="How many pictures you showed.")
    answer: str = Field(
        description="Plain text; it holds no addresses but those that you wrote or the platform gave."
    )
    actions: list[ActionOut]
    model: str
    input_tokens: int
    output_tokens: int
    cost_micros: int = Field(description="What it cost, in millionths of a US dollar, all calls together.")
    plain_micros: int = Field(description="What it would have cost by the plain way.")
    created_at: datetime
    ended_at: datetime | None
    version: int

    @classmethod
    def of(cls, view: TurnView) -> Self:
        """As shown."""
        turn, said, sums = view.turn, view.said, view.turn.sums
        return cls(
            id=turn.id,
            conversation_id=turn.conversation_id,
            number=turn.number,
            state=turn.state,
            reason=turn.reason,
            detail=turn.detail,
            text=None if said is None else said.text,
            pictures=0 if said is None else len(said.pictures),
            answer=view.answer,
            actions=[ActionOut.of(each) for each in view.actions],
            model=sums.model,
            input_tokens=sums.input_tokens,
            output_tokens=sums.output_tokens,
            cost_micros=sums.cost,
            plain_micros=sums.plain,
            created_at=turn.created_at,
            ended_at=turn.ended_at,
            version=turn.version,
        )


def _picture(place: int, shown: PictureIn) -> Picture:
    try:
        content = base64.b64decode(shown.data, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content.startswith(_BEGINS[shown.media_type]):
        raise PictureUnreadable(errors=[FieldError(f"#/pictures/{place}/data", PictureUnreadable.title())])
    return Picture(shown.media_type, content)

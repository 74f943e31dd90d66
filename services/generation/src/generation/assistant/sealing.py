"""What is said to the assistant and by it, under seal: bound to its row, under the organization's key."""

import base64
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from generation.assistant.model import (
    Action,
    ActionView,
    Change,
    Conversation,
    ConversationView,
    Proposal,
    Request,
    Said,
    Turn,
    TurnView,
)
from generation.providers.base import Picture
from kit.seal import Keyring


@dataclass(frozen=True, slots=True)
class AssistantSeal:
    """Seals and opens."""

    keyring: Keyring

    async def title(self, organization_id: UUID, conversation_id: UUID, title: str) -> bytes:
        """A title, as it may be stored."""
        return await self._seal(organization_id, conversation_id, "title_sealed", title.encode(errors="replace"))

    async def said(self, organization_id: UUID, turn_id: UUID, said: Said) -> bytes:
        """What a person says, as it may be stored."""
        pictures = [[each.media_type, base64.b64encode(each.content).decode()] for each in said.pictures]
        document = orjson.dumps({"text": said.text, "pictures": pictures})
        return await self._seal(organization_id, turn_id, "asked_sealed", document)

    async def answer(self, organization_id: UUID, turn_id: UUID, text: str) -> bytes:
        """An answer, as it may be stored."""
        return await self._seal(organization_id, turn_id, "answer_sealed", text.encode(errors="replace"))

    async def piece(self, organization_id: UUID, turn_id: UUID, number: int, piece: bytes) -> bytes:
        """A piece of a stream, as it may be stored."""
        return await self._seal(organization_id, turn_id, f"pieces/{number}", piece)

    async def proposal(self, organization_id: UUID, action_id: UUID, proposal: Proposal) -> bytes:
        """What would be changed, as it may be stored."""
        document = orjson.dumps(dataclasses.asdict(proposal))
        return await self._seal(organization_id, action_id, "proposal_sealed", document)

    async def pieces(
        self, organization_id: UUID, turn_id: UUID, sealed: Sequence[tuple[int, bytes]]
    ) -> Sequence[bytes | None]:
        """Pieces in the clear; None where the key was destroyed."""
        values = [(value, place(turn_id, f"pieces/{number}")) for number, value in sealed]
        return await self.keyring.open_many(organization_id, values)

    async def titles(self, organization_id: UUID, found: Sequence[Conversation]) -> list[ConversationView]:
        """Conversations with their titles."""
        titled = [(each.title_sealed, place(each.id, "title_sealed")) for each in found if each.title_sealed]
        opened = iter(await self.keyring.open_many(organization_id, titled))
        return [ConversationView(each, _text(next(opened)) if each.title_sealed else "") for each in found]

    async def actions(self, organization_id: UUID, found: Sequence[Action]) -> list[ActionView]:
        """What would be changed, in the clear."""
        values = [(each.proposal_sealed, place(each.id, "proposal_sealed")) for each in found]
        opened = await self.keyring.open_many(organization_id, values)
        return [ActionView(each, _proposal(document)) for each, document in zip(found, opened, strict=True)]

    async def turns(self, organization_id: UUID, found: Sequence[Turn], actions: Sequence[Action]) -> list[TurnView]:
        """Turns in the clear, each with what was put before the person in it."""
        values = [(each.asked_sealed, place(each.id, "asked_sealed")) for each in found]
        values += [(each.answer_sealed, place(each.id, "answer_sealed")) for each in found if each.answer_sealed]
        opened = await self.keyring.open_many(organization_id, values)
        asked, answers = opened[: len(found)], iter(opened[len(found) :])
        shown = await self.actions(organization_id, actions)
        return [
            TurnView(
                each,
                _said(document),
                _text(next(answers)) if each.answer_sealed else "",
                [view for view in shown if view.action.turn_id == each.id],
            )
            for each, document in zip(found, asked, strict=True)
        ]

    async def _seal(self, organization_id: UUID, row_id: UUID, column: str, value: bytes) -> bytes:
        return await self.keyring.seal(organization_id, value, place(row_id, column))


def place(row_id: UUID, column: str) -> bytes:
    """The place of a sealed value."""
    return f"assistant/{row_id}/{column}".encode()


def _text(opened: bytes | None) -> str:
    return "" if opened is None else opened.decode(errors="replace")


def _said(document: bytes | None) -> Said | None:
    if document is None:
        return None
    stored = orjson.loads(document)
    return Said(stored["text"], [Picture(kind, base64.b64decode(data)) for kind, data in stored["pictures"]])


def _proposal(document: bytes | None) -> Proposal | None:
    if document is None:
        return None
    stored = orjson.loads(document)
    changes = [Change(**each) for each in stored["changes"]]
    return Proposal(stored["says"], changes, Request(**stored["request"]))

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from uuid import UUID

from generation.assistant.model import ActionView, ConversationView, TurnView
from generation.assistant.repository import AssistantRepository, PersonsConversations
from generation.assistant.sealing import AssistantSeal
from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class AssistantHolding:
    """What a user talked about with the assistant. It is theirs, and goes with them."""

    database: Database
    seal: AssistantSeal
    tables: ClassVar[frozenset[str]] = frozenset({"assistant_conversations", "assistant_turns", "assistant_actions"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """All that was said, and what was put before them, opened."""
        if person.kind != "user":
            return
        for organization_id in organization_ids:
            after: UUID | None = None
            while True:
                async with self.database.snapshot(organization_id) as tx:
                    found = await PersonsConversations(tx).page(person.id, after, _PAGE)
                for view in await self.seal.titles(organization_id, found):
                    yield Rows("assistant_conversations", [_conversation(view)])
                    async for rows in self._turns(organization_id, view.conversation.id):
                        yield rows
                if len(found) < _PAGE:
                    break
                after = found[-1].id

    async def _turns(self, organization_id: UUID, conversation_id: UUID) -> AsyncIterator[Rows]:
        before: int | None = None
        while True:
            async with self.database.snapshot(organization_id) as tx:
                turns = await AssistantRepository(tx).turns(conversation_id, before, _PAGE)
                actions = await AssistantRepository(tx).actions([each.id for each in turns])
            views = await self.seal.turns(organization_id, turns, actions)
            yield Rows("assistant_turns", [_turn(each) for each in views])
            yield Rows("assistant_actions", [_action(action) for each in views for action in each.actions])
            if len(turns) < _PAGE:
                return
            before = turns[-1].number

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """They go; a batch."""
        _ = way
        if person.kind != "user":
            return Erased()
        removed = await PersonsConversations(tx).delete(person.id, _PAGE)
        return Erased(removed=removed, more=removed.get("assistant_conversations", 0) == _PAGE)


def _conversation(view: ConversationView) -> dict[str, Any]:
    found = view.conversation
    return {
        "id": found.id,
        "organization_id": found.organization_id,
        "persona": found.persona,
        "title": view.title,
        "created_at": found.created_at,
    }


def _turn(view: TurnView) -> dict[str, Any]:
    turn = view.turn
    return {
        "id": turn.id,
        "organization_id": turn.organization_id,
        "conversation_id": turn.conversation_id,
        "number": turn.number,
        "said": None if view.said is None else view.said.text,
        "pictures": 0 if view.said is None else len(view.said.pictures),
        "answer": view.answer,
        "state": turn.state,
        "cost_micros": turn.sums.cost,
        "created_at": turn.created_at,
    }


def _action(view: ActionView) -> dict[str, Any]:
    action, proposal = view.action, view.proposal
    changes = [] if proposal is None else proposal.changes
    return {
        "id": action.id,
        "organization_id": action.organization_id,
        "turn_id": action.turn_id,
        "tool": action.tool,
        "what": None if proposal is None else proposal.says,
        "changes": [{"field": each.field, "before": each.before, "after": each.after} for each in changes],
        "state": action.state,
        "decided_at": action.decided_at,
    }

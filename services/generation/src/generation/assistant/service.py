from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from generation.allowances.model import GENERATIONS, QUOTA
from generation.assistant.answering import Answering, Question
from generation.assistant.door import Door
from generation.assistant.errors import (
    ActionExpired,
    BeingDone,
    ConversationFull,
    DecidedAlready,
    PersonaUnknown,
    StillAnswering,
)
from generation.assistant.model import (
    MOST_TURNS,
    Action,
    ActionState,
    ActionView,
    ConversationView,
    Said,
    Turn,
    TurnView,
)
from generation.assistant.personas import personas
from generation.assistant.repository import AssistantRepository
from generation.assistant.sealing import AssistantSeal
from generation.assistant.streaming import Listening
from generation.calls.errors import BudgetExhausted
from kit.audit import audited
from kit.db.database import Database
from kit.errors import FieldError
from kit.http.caller import MemberCaller
from kit.http.client import Outbound
from kit.http.idempotency import Idempotency
from kit.ids import new_id

REMEMBERED: Final = 40
"""Turns that a model hears of at most."""

TITLE: Final = 80
"""Characters of what was said first that make the title."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who talks with the assistant, the token by which they do, and whence."""

    caller: MemberCaller
    token: str = field(repr=False)
    address: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AssistantService:
    """What people do with the assistant; each sees their own conversations alone."""

    database: Database
    seal: AssistantSeal
    answering: Answering
    outbound: Outbound
    gateway_url: str

    async def begin(self, caller: MemberCaller, persona: str, idempotency: Idempotency) -> ConversationView:
        """Begin a conversation.

        Raises:
            PersonaUnknown: there is none of this name.
        """
        if persona not in personas():
            raise PersonaUnknown(errors=[FieldError("#/persona", PersonaUnknown.title())])
        async with self.database.transaction(caller.organization_id) as tx:
            held = AssistantRepository(tx)
            if earlier := await idempotency.claim(tx):
                return ConversationView(await held.find(earlier.resource_id, caller.user_id), "")
            made = await held.begin(new_id(), caller.user_id, persona)
            await idempotency.remember(tx, made.id, made.version)
            await tx.emit(audited("generation.conversation.begun", caller, "conversation", made.id, persona=persona))
        return ConversationView(made, "")

    async def page(self, caller: MemberCaller, after: UUID | None, limit: int) -> Sequence[ConversationView]:
        """One's own, the newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            found = await AssistantRepository(tx).page(caller.user_id, after, limit)
        return await self.seal.titles(caller.organization_id, found)

    async def find(self, conversation_id: UUID, caller: MemberCaller) -> ConversationView:
        """One of one's own.

        Raises:
            ConversationNotFound: there is none.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            found = await AssistantRepository(tx).find(conversation_id, caller.user_id)
        return (await self.seal.titles(caller.organization_id, [found]))[0]

    async def delete(self, conversation_id: UUID, caller: MemberCaller) -> None:
        """Delete one with all that was said; what it cost stays counted.

        Raises:
            ConversationNotFound, StillAnswering: there is none, or an answer is under way.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            held = AssistantRepository(tx)
            await held.find(conversation_id, caller.user_id, lock=True)
            if await held.running(conversation_id):
                raise StillAnswering
            await held.delete(conversation_id)
            await tx.emit(audited("generation.conversation.deleted", caller, "conversation", conversation_id))

    async def say(self, conversation_id: UUID, person: Person, said: Said, idempotency: Idempotency) -> TurnView:
        """Say something; the answer begins.

        Raises:
            ConversationNotFound, StillAnswering, ConversationFull: not here, or not now.
            QuotaExhausted, BudgetExhausted: plan or budget do not cover it.
        """
        caller, turn_id = person.caller, new_id()
        where = caller.organization_id
        asked = await self.seal.said(where, turn_id, said)
        title = await self.seal.title(where, conversation_id, said.text[:TITLE])
        async with self.database.transaction(where) as tx:
            held = AssistantRepository(tx)
            conversation = await held.find(conversation_id, caller.user_id, lock=True)
            if earlier := await idempotency.claim(tx):
                turn = await held.turn(earlier.resource_id, conversation_id)
            else:
                if await held.running(conversation_id):
                    raise StillAnswering
                if conversation.turns >= MOST_TURNS:
                    raise ConversationFull
                if (await self.answering.calling.accounting.spending(tx)).used_up:
                    raise BudgetExhausted
                turn = await held.add_turn(turn_id, conversation, asked)
                await held.touch(conversation_id, title)
                await QUOTA.reserve(tx, GENERATIONS, 1, turn_id)
                await idempotency.remember(tx, turn_id, turn.version)
        if turn.id == turn_id:
            before = await self.turns(conversation_id, caller, turn.number, REMEMBERED)
            door = Door(self.outbound, self.gateway_url, person.token, person.address)
            persona = personas()[conversation.persona]
            self.answering.start(Question(turn, said, before[::-1], persona, caller.user_id, door))
        return (await self.seal.turns(where, [turn], []))[0]

    async def turns(
        self, conversation_id: UUID, caller: MemberCaller, before: int | None, limit: int
    ) -> Sequence[TurnView]:
        """What was said, the latest first.

        Raises:
            ConversationNotFound: there is none.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            held = AssistantRepository(tx)
            await held.find(conversation_id, caller.user_id)
            turns = await held.turns(conversation_id, before, limit)
            actions = await held.actions([each.id for each in turns])
        return await self.seal.turns(caller.organization_id, turns, actions)

    async def turn(self, conversation_id: UUID, turn_id: UUID, caller: MemberCaller) -> TurnView:
        """One turn, with what was put before the person in it.

        Raises:
            ConversationNotFound, TurnNotFound: there is none.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            held = AssistantRepository(tx)
            await held.find(conversation_id, caller.user_id)
            turn = await held.turn(turn_id, conversation_id)
            actions = await held.actions([turn_id])
        return (await self.seal.turns(caller.organization_id, [turn], actions))[0]

    async def listen(self, turn: Turn, after: int) -> AsyncGenerator[tuple[int, dict[str, Any]] | Turn, None]:
        """What is said while it answers, from a number on; the ended turn is the last."""
        listening = Listening(self.database, self.seal, self.answering.bells)
        async for piece in listening.pieces(turn, after):
            yield piece

    async def refuse(self, action_id: UUID, caller: MemberCaller) -> ActionView:
        """Say no: it is never done.

        Raises:
            ActionNotFound, DecidedAlready: there is none, or a yes was said before.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            held = AssistantRepository(tx)
            found = await held.action(action_id, caller.user_id)
            if found.state is ActionState.PENDING:
                found = await held.refuse(action_id)
                await tx.emit(audited("generation.action.refused", caller, "action", action_id, tool=found.tool))
            elif found.state not in (ActionState.REFUSED, ActionState.EXPIRED):
                raise DecidedAlready
        return await self._shown(found)

    async def confirm(self, action_id: UUID, person: Person) -> ActionView:
        """Say yes: it is done now, once, with the rights of who says so.

        Where nobody knows what came of it (`unknown`), saying yes again finds out, and does it if it was not done.

        Raises:
            ActionNotFound, ActionExpired, BeingDone, DecidedAlready: there is nothing to say yes to.
        """
        caller = person.caller
        async with self.database.transaction(caller.organization_id) as tx:
            held = AssistantRepository(tx)
            found = await held.action(action_id, caller.user_id)
            if found.state is ActionState.DONE:
                claimed = None
            else:
                _may_begin(found)
                claimed = await held.claim(action_id)
                await tx.emit(audited("generation.action.confirmed", caller, "action", action_id, tool=claimed.tool))
        if claimed is None:
            return await self._shown(found)
        return await self._shown(await self._done(claimed, person))

    async def _done(self, action: Action, person: Person) -> Action:
        (view,) = await self.seal.actions(action.organization_id, [action])
        if view.proposal is None:
            return await self._settled(action, ActionState.FAILED, "What it was can be read no more.")
        door = Door(self.outbound, self.gateway_url, person.token, person.address)
        outcome, why = await door.do(view.proposal.request, action.id)
        match outcome:
            case "done":
                return await self._settled(action, ActionState.DONE, "")
            case "refused":
                return await self._settled(action, ActionState.FAILED, why)
            case "not_sent" if action.attempt == 1:
                return await self._settled(action, ActionState.PENDING, why)
            case _:
                return await self._lost(action)

    async def _settled(self, action: Action, state: ActionState, reason: str) -> Action:
        async with self.database.transaction(action.organization_id) as tx:
            settled = await AssistantRepository(tx).settle(action, state, reason)
        return action if settled is None else settled

    async def _lost(self, action: Action) -> Action:
        async with self.database.transaction(action.organization_id) as tx:
            return await AssistantRepository(tx).lose(action)

    async def _shown(self, action: Action) -> ActionView:
        return (await self.seal.actions(action.organization_id, [action]))[0]


def _may_begin(action: Action) -> None:
    match action.state:
        case ActionState.PENDING | ActionState.UNKNOWN:
            return
        case ActionState.EXPIRED:
            raise ActionExpired
        case ActionState.DOING:
            raise BeingDone
        case _:
            raise DecidedAlready

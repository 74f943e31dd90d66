"""A macro in one conversation: its actions in order, in one commit."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from inbox.channels.viewing.errors import AssigneeDoesNotSee
from inbox.channels.viewing.repository import ViewingRepository
from inbox.conversations.errors import AssigneeNotAMember, TeamNotThere
from inbox.conversations.model import ConversationState, Priority
from inbox.conversations.repository import ConversationRepository
from inbox.conversations.service import ConversationService
from inbox.labels.errors import UnknownLabels
from inbox.labels.repository import LabelRepository
from inbox.labels.service import put
from inbox.macros.schemas import (
    Action,
    Assign,
    GiveToTeam,
    Label,
    Note,
    OnFailure,
    Reply,
    ReplyTemplate,
    SetPriority,
    SetState,
    Snooze,
)
from inbox.members.repository import MemberRepository
from inbox.messages.errors import ContactForgotten
from inbox.messages.schemas import SendMessage
from inbox.messages.service import MessageService
from inbox.notes.schemas import WriteNote
from inbox.notes.service import NoteService
from inbox.teams.repository import TeamRepository
from inbox.variables.errors import VariableEmpty
from inbox.variables.rendering import parsed
from inbox.variables.values import Values
from kit.db.database import Transaction
from kit.errors import DomainError, FieldError
from kit.http.caller import MemberCaller
from kit.seal import KeyShredded

Result = dict[str, Any]
Change = Assign | GiveToTeam | SetPriority | SetState | Snooze


class _Undone(DomainError):
    """An action was refused, and nothing is to have happened."""


@dataclass(frozen=True, slots=True)
class Running:
    """Does actions by the services that do each of them alone: what these refuse, a macro cannot do either."""

    conversations: ConversationService
    messages: MessageService
    notes: NoteService
    values: Values

    async def lock(
        self, tx: Transaction, caller: MemberCaller, conversation_id: UUID, actions: Sequence[Action]
    ) -> None:
        """Lock members and teams before the conversation, as everywhere.

        Raises:
            ConversationNotFound: there is none.
        """
        await _lock_receivers(tx, caller, actions)
        await ConversationRepository(tx).lock(conversation_id)

    async def hold(
        self, tx: Transaction, caller: MemberCaller, conversation_ids: Collection[UUID], actions: Sequence[Action]
    ) -> None:
        """Lock members and teams, and then many conversations at once; those that are not there are none."""
        await _lock_receivers(tx, caller, actions)
        await LabelRepository(tx).lock_conversations(conversation_ids)

    async def run(
        self,
        tx: Transaction,
        caller: MemberCaller,
        conversation_id: UUID,
        actions: Sequence[Action],
        on_failure: OnFailure,
    ) -> list[Result]:
        """Do them, once all is locked; what became of each. What is refused leaves nothing of itself behind."""
        results: list[Result] = []
        try:
            async with tx.attempt():
                await self._each(tx, caller, conversation_id, actions, on_failure, results=results)
        except _Undone:
            results = [each | {"outcome": "undone"} if each["outcome"] == "done" else each for each in results]
        skipped = [_result(each, "skipped") for each in actions[len(results) :]]
        return results + skipped

    async def _each(
        self,
        tx: Transaction,
        caller: MemberCaller,
        conversation_id: UUID,
        actions: Sequence[Action],
        on_failure: OnFailure,
        *,
        results: list[Result],
    ) -> None:
        for action in actions:
            try:
                async with tx.attempt():
                    await self._do(tx, caller, conversation_id, action)
            except DomainError as refusal:
                results.append(_result(action, "failed", refusal))
                if on_failure == "undo":
                    raise _Undone from refusal
                if on_failure == "stop":
                    return
            else:
                results.append(_result(action, "done"))

    async def _do(self, tx: Transaction, caller: MemberCaller, conversation_id: UUID, action: Action) -> None:
        conversation = await ConversationRepository(tx).lock(conversation_id)
        match action:
            case Reply() | ReplyTemplate():
                await self._reply(tx, caller, conversation_id, action)
            case Note():
                text = await self._filled(tx, caller, conversation_id, action.text)
                await self.notes.add(tx, caller.user_id, conversation, WriteNote(text=text))
            case Label():
                await _label(tx, caller, conversation_id, action)
            case _:
                await self.conversations.apply(
                    tx, caller, conversation, await self._wishes(tx, caller, conversation_id, action)
                )

    async def _wishes(
        self, tx: Transaction, caller: MemberCaller, conversation_id: UUID, action: Change
    ) -> Mapping[str, Any]:
        """What is to become of the conversation, by the names of its fields."""
        match action:
            case Assign():
                to = caller.user_id if action.to_me else action.assignee_id
                if to is not None and not await MemberRepository(tx).answers(to):
                    raise AssigneeNotAMember
                if to is not None and not await ViewingRepository(tx).sees(to, conversation_id):
                    raise AssigneeDoesNotSee
                return {"assignee_id": to}
            case GiveToTeam():
                if action.team_id is not None and not await TeamRepository(tx).stands(action.team_id):
                    raise TeamNotThere
                return {"team_id": action.team_id}
            case SetPriority():
                return {"priority": Priority[action.priority.upper()]}
            case SetState():
                return {"state": action.state}
            case Snooze():
                until = self.conversations.database.clock.now() + timedelta(seconds=action.seconds)
                return {"state": ConversationState.SNOOZED, "snoozed_until": until}

    async def _reply(
        self, tx: Transaction, caller: MemberCaller, conversation_id: UUID, action: Reply | ReplyTemplate
    ) -> None:
        if isinstance(action, Reply):
            told: dict[str, Any] = {"type": "text", "text": action.text}
            told["text"] = await self._filled(tx, caller, conversation_id, action.text)
        else:
            template = action.template.model_dump()
            template["components"] = await self._filled_in(tx, caller, conversation_id, template["components"])
            told = {"type": "template", "template": template}
        try:
            await self.messages.write(tx, caller, conversation_id, SendMessage.model_validate(told))
        except KeyShredded as shredded:
            raise ContactForgotten from shredded

    async def _filled(self, tx: Transaction, caller: MemberCaller, conversation_id: UUID, source: str) -> str:
        text = parsed(source, None)
        conversation = await ConversationRepository(tx).find(conversation_id)
        filled = text.filled(await self.values.of(tx, conversation, caller.user_id, text.variables))
        if filled.missing:
            told = f"Nothing is known for {', '.join(filled.missing)}."
            raise VariableEmpty(told, errors=[FieldError("#/actions", told)])
        return filled.text[:4096]

    async def _filled_in(self, tx: Transaction, caller: MemberCaller, conversation_id: UUID, part: Any) -> Any:
        """The same part of a template, with its texts filled."""
        if isinstance(part, list):
            return [await self._filled_in(tx, caller, conversation_id, each) for each in part]
        if isinstance(part, dict):
            return {
                name: await self._filled(tx, caller, conversation_id, each)
                if name == "text" and isinstance(each, str)
                else await self._filled_in(tx, caller, conversation_id, each)
                for name, each in part.items()
            }
        return part


async def _label(tx: Transaction, caller: MemberCaller, conversation_id: UUID, action: Label) -> None:
    remove = set(action.remove)
    add = set(action.add) - remove
    if len(await LabelRepository(tx).lock(add | remove)) != len(add | remove):
        raise UnknownLabels
    await put(tx, "conversation", [conversation_id], add=add, remove=remove, by=caller.user_id)


async def _lock_receivers(tx: Transaction, caller: MemberCaller, actions: Sequence[Action]) -> None:
    for action in actions:
        match action:
            case Assign():
                to = caller.user_id if action.to_me else action.assignee_id
                if to is not None:
                    await MemberRepository(tx).answers(to)
            case GiveToTeam() if action.team_id is not None:
                await TeamRepository(tx).stands(action.team_id)


def _result(action: Action, outcome: str, refusal: DomainError | None = None) -> Result:
    code = "" if refusal is None else refusal.code
    detail = "" if refusal is None else (refusal.detail or refusal.title())
    return {"do": action.do, "outcome": outcome, "code": code, "detail": detail[:300]}

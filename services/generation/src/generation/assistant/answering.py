"""An answer of the assistant: the model is asked, uses tools, and is asked again, within bounds.

It runs in the process that was asked, beside its requests, with the person's token in memory. One whose process dies
leaves a lease: once that lapses it has failed (`interrupted`), its calls are settled by themselves, and what it had
put before the person stays there.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Protocol
from uuid import UUID

import structlog

from contracts.generation import GenerationFailed, GenerationFinished
from generation.allowances.model import QUOTA
from generation.assistant import prompts
from generation.assistant.door import Door, ToolRefused
from generation.assistant.model import Ended, Said, Turn, TurnState, TurnView
from generation.assistant.personas import Persona
from generation.assistant.repository import AssistantRepository, forget_pieces, lapsed
from generation.assistant.screen import Screen, addresses
from generation.assistant.sealing import AssistantSeal
from generation.assistant.streaming import Voice
from generation.assistant.tools import ABILITIES, Ability
from generation.calls.calling import Calling, Wish, Written
from generation.calls.model import Purpose
from generation.generations.model import Sums
from generation.generations.running import INTERRUPTED, UNEXPECTED, Failure, failure_of
from generation.generations.streaming import Bells
from generation.moderations.service import ModerationService
from generation.providers.base import Ask, Broken, Message, ToolCall
from kit.db.database import Database, Transaction
from kit.ids import new_id
from kit.quota import ReservationGone

log = structlog.get_logger(__name__)

KIND: Final = "assistant"
"""What its calls and events are counted under."""

ROUNDS: Final = 6
"""How often a model is asked for one answer; the last time without tools."""

MOST_CALLS: Final = 12
"""Tools that one answer may use in all."""

SECONDS: Final = 300.0
"""How long an answer may take; less than its lease."""

MOST_RUNNING: Final = 200


class Brand(Protocol):
    """Knows how an organization speaks."""

    async def words(self, organization_id: UUID) -> str:
        """In words for a model; empty where nothing is known."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be answered, for whom, and by which door the platform is entered for it."""

    turn: Turn
    said: Said
    before: Sequence[TurnView]
    persona: Persona
    user_id: UUID
    door: Door


@dataclass(slots=True)
class Answering:
    """Answers in this process."""

    database: Database
    seal: AssistantSeal
    calling: Calling
    moderation: ModerationService
    bells: Bells
    brand: Brand
    tasks: dict[UUID, asyncio.Task[None]] = field(default_factory=dict)
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_RUNNING))

    def start(self, question: Question) -> None:
        """Answer beside."""
        turn = question.turn
        task = asyncio.create_task(self._run(question), name=f"answer {turn.id}")
        self.tasks[turn.id] = task
        task.add_done_callback(lambda _: self.tasks.pop(turn.id, None))

    async def close(self, within: float = 25.0) -> None:
        """Let those that run come to their end; what takes longer is interrupted."""
        if self.tasks:
            await asyncio.wait(self.tasks.values(), timeout=within)
        left = list(self.tasks.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def sweep(self) -> bool:
        """End answers whose process is gone, and forget what was streamed long ago."""
        async with self.database.transaction() as tx:
            rows = await lapsed(tx, 100)
        for row in rows:
            await self._fail(row["organization_id"], row["id"], INTERRUPTED, Sums())
        async with self.database.transaction() as tx:
            return await forget_pieces(tx, timedelta(hours=1), 5000) >= 5000

    async def _run(self, question: Question) -> None:
        turn, where = question.turn, question.turn.organization_id
        course = Course(self, question)
        try:
            async with self.room, asyncio.timeout(SECONDS):
                answer = await course.run()
            sealed = await self.seal.answer(where, turn.id, answer)
            async with self.database.transaction(where) as tx:
                await self._end(tx, question, sealed, course.sums)
        except asyncio.CancelledError:
            await asyncio.shield(self._fail(where, turn.id, INTERRUPTED, course.sums))
            raise
        except Exception as trouble:
            failure = failure_of(trouble)
            if failure is UNEXPECTED:
                log.exception("assistant.failed", turn_id=str(turn.id), bug=type(trouble).__name__)
            await self._fail(where, turn.id, failure, course.sums)
        finally:
            self.bells.ring(turn.id)

    async def _end(self, tx: Transaction, question: Question, sealed: bytes, sums: Sums) -> None:
        ended = await AssistantRepository(tx).end(question.turn.id, Ended(TurnState.DONE), sealed, sums)
        if ended is None:
            return
        try:
            await QUOTA.settle(tx, ended.id)
        except ReservationGone:
            log.warning("assistant.reservation_gone", turn_id=str(ended.id))
        await tx.emit(
            GenerationFinished(
                generation_id=ended.id,
                kind=KIND,
                user_id=question.user_id,
                model=sums.model,
                input_tokens=sums.input_tokens,
                output_tokens=sums.output_tokens,
                cost_micros=sums.cost,
                plain_micros=sums.plain,
                version=ended.version,
            )
        )

    async def _fail(self, organization_id: UUID, turn_id: UUID, failure: Failure, sums: Sums) -> None:
        async with self.database.transaction(organization_id) as tx:
            came = Ended(TurnState.FAILED, failure.reason, failure.detail)
            ended = await AssistantRepository(tx).end(turn_id, came, None, sums)
            if ended is None:
                return
            await QUOTA.release(tx, turn_id)
            await tx.emit(
                GenerationFailed(
                    generation_id=ended.id,
                    kind=KIND,
                    reason=failure.reason,
                    cost_micros=sums.cost,
                    version=ended.version,
                )
            )
        self.bells.ring(turn_id)


@dataclass(slots=True)
class Course:
    """The way of one answer."""

    answering: Answering
    question: Question
    sums: Sums = field(default_factory=Sums)
    used: int = 0
    voice: Voice = field(init=False)
    purpose: Purpose = field(init=False)

    def __post_init__(self) -> None:
        turn = self.question.turn
        screen = Screen(self._written_by_the_person())
        self.voice = Voice(self.answering.database, self.answering.seal, self.answering.bells, turn, screen)
        self.purpose = Purpose(turn.organization_id, self.question.user_id, KIND, turn.id)

    def _written_by_the_person(self) -> set[str]:
        said = [each.said.text for each in self.question.before if each.said] + [self.question.said.text]
        return {address for text in said for address in addresses(text)}

    async def run(self) -> str:
        """The answer as it may be shown.

        Raises:
            Failure: it comes to nothing, and why.
        """
        await self._judge(self.question.said.text, "input_blocked", "What was said is of a category that is blocked")
        abilities = [ABILITIES[name] for name in self.question.persona.tools]
        brand = await self.answering.brand.words(self.purpose.organization_id)
        now = self.answering.database.clock.now()
        told = prompts.told(self.question.persona, brand, self.question.before, self.question.said, now)
        messages = list(told.messages)
        for round_ in range(1, ROUNDS + 1):
            last = round_ == ROUNDS or self.used >= MOST_CALLS
            tools = () if last else [each.tool for each in abilities]
            hints = {KIND: True, "last": last}
            written = await self._asked(
                Ask(messages, prompts.MOST_TOKENS, hints=hints, tools=tools, left_out=told.left_out)
            )
            await self.voice.pause()
            if not written.calls or last:
                break
            messages.append(Message("assistant", written.text, calls=written.calls))
            messages += [await self._used(each, abilities) for each in written.calls]
        answer = self.voice.whole.strip()
        await self._judge(answer, "output_blocked", "What the model wrote is of a category that is blocked")
        return answer

    async def _judge(self, text: str, reason: str, says: str) -> None:
        if not text:
            return
        decision, categories = await self.answering.moderation.judge(self.purpose, [text])
        if decision == "block":
            raise Failure(reason, f"{says}: {', '.join(categories)}.")

    async def _asked(self, ask: Ask) -> Written:
        written: Written | None = None
        async with aclosing(self.answering.calling.write(self.purpose, ask, Wish())) as pieces:
            async for piece in pieces:
                if isinstance(piece, Written):
                    written = piece
                else:
                    await self.voice.say(piece)
        if written is None:
            raise Broken("cut_short")
        usage = written.usage
        self.sums = self.sums.plus(
            usage.input_tokens, usage.output_tokens, written.cost, written.plain, written.model
        )
        if written.refused:
            raise Failure("refused", "The model declined to answer this.")
        return written

    async def _used(self, call: ToolCall, abilities: Sequence[Ability]) -> Message:
        """The answer to one call; whatever is wrong with it is told to the model, and counts."""
        self.used += 1
        ability = next((each for each in abilities if each.name == call.name), None)
        found: Any
        if ability is None:
            found = {"refused": "There is no such tool."}
        elif self.used > MOST_CALLS:
            found = {"refused": "Too many tools were used for one answer; answer with what you have."}
        else:
            try:
                found = await self._found(ability, call)
            except ToolRefused as refusal:
                found = {"refused": refusal.says}
            except (KeyError, TypeError, ValueError, AttributeError):
                log.warning("assistant.not_understood", tool=ability.name)
                found = {"refused": "The platform's answer was not understood."}
        return Message("tool", prompts.result(found), answers=call.id)

    async def _found(self, ability: Ability, call: ToolCall) -> Any:
        asked = ability.understood(call.arguments)
        await self.voice.tell("tool", tool=ability.name)
        if ability.reads is not None:
            found = await ability.reads(self.question.door, asked)
            self.voice.screen.allow(found.links)
            return found.data
        if ability.proposes is None:
            raise ToolRefused("This tool does nothing.")
        proposal = await ability.proposes(self.question.door, asked)
        action_id, where = new_id(), self.purpose.organization_id
        sealed = await self.answering.seal.proposal(where, action_id, proposal)
        async with self.answering.database.transaction(where) as tx:
            if not await AssistantRepository(tx).put_before(action_id, self.question.turn, ability.name, sealed):
                raise ToolRefused("The person is gone.")
        await self.voice.tell("action", action_id=str(action_id))
        return {"put_before_the_person": proposal.says, "done": False, "waits_for": "their yes"}

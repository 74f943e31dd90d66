"""A generation from its question to what is kept of the answer.

It runs in the process that was asked, beside its requests: who asked may go away and come back. A process that ends
lets its generations end first, and one that dies leaves a lease behind that lapses: then the generation has failed
(`interrupted`), its calls are settled by themselves, and it counts nothing of what the plan includes.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from contracts.generation import GenerationFailed, GenerationFinished
from generation.allowances.model import QUOTA
from generation.answers.cache import AnswerCache, Kept
from generation.calls.calling import Calling, Wish, Written
from generation.calls.errors import BudgetExhausted
from generation.calls.model import CallStatus, Purpose, Reservation, Settlement, Usage
from generation.generations import checking, prompts
from generation.generations.model import Fault, Generation, Said, Slot, State, Sums, Text, Wanted
from generation.generations.repository import GenerationRepository, forget_pieces, lapsed
from generation.generations.sealing import GenerationSeal
from generation.generations.speaking import scored
from generation.generations.streaming import Bells, Speaker
from generation.moderations.service import ModerationService
from generation.providers.base import Ask, Broken, Unanswered
from generation.providers.routing import ModelNotPriced, NoModel
from kit.db.database import Database, Transaction
from kit.quota import ReservationGone
from kit.seal import KeyShredded

log = structlog.get_logger(__name__)

ATTEMPTS: Final = 3
"""How often a model is asked at most, the first time included."""

MOST_RUNNING: Final = 200
"""Generations of one process at the same time; those beyond wait for their turn."""

SECONDS: Final = 600.0
"""How long a generation may take, all its calls together; less than its lease."""


@dataclass(frozen=True)
class Failure(Exception):
    """It comes to nothing: why, as a name, and in words for people."""

    reason: str
    detail: str


_REASONS: Final[Mapping[type[BaseException], Failure]] = {
    ModelNotPriced: Failure("model_not_priced", "Nobody has said what this model costs, so it is not called."),
    NoModel: Failure("no_model", "No model is at hand just now; try again in a minute."),
    Broken: Failure("broke_off", "The model's answer ended midway; what came of it is paid for."),
    Unanswered: Failure("unanswered", "The model's provider gave no answer; it may be paid for all the same."),
    TimeoutError: Failure("took_too_long", "It took longer than ten minutes."),
    KeyShredded: Failure("forgotten", "The organization was forgotten."),
}


INTERRUPTED: Final = Failure("interrupted", "The program that ran it was ended; ask again.")
UNEXPECTED: Final = Failure("failed", "Something went wrong here; it was written down.")


def failure_of(trouble: Exception) -> Failure:
    """What is told of a trouble."""
    if isinstance(trouble, Failure):
        return trouble
    if isinstance(trouble, BudgetExhausted):
        return Failure("budget_exhausted", str(trouble))
    return next((told for kind, told in _REASONS.items() if isinstance(trouble, kind)), UNEXPECTED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Texts that may be shown, or are held back for a person."""

    texts: Sequence[Text]
    state: State = State.DONE
    reason: str = ""
    detail: str = ""


@dataclass(slots=True)
class Running:
    """Runs generations of this process."""

    database: Database
    seal: GenerationSeal
    calling: Calling
    moderation: ModerationService
    cache: AnswerCache
    bells: Bells
    tasks: dict[UUID, asyncio.Task[None]] = field(default_factory=dict)
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_RUNNING))

    def start(self, generation: Generation, wanted: Wanted) -> None:
        """Let it run beside."""
        task = asyncio.create_task(self._run(generation, wanted), name=f"generation {generation.id}")
        self.tasks[generation.id] = task
        task.add_done_callback(lambda _: self.tasks.pop(generation.id, None))

    async def close(self, within: float = 25.0) -> None:
        """Let those that run come to their end; what takes longer is interrupted."""
        if self.tasks:
            await asyncio.wait(self.tasks.values(), timeout=within)
        left = list(self.tasks.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def sweep(self) -> bool:
        """End generations whose process is gone, and forget what was streamed long ago."""
        async with self.database.transaction() as tx:
            rows = await lapsed(tx, 100)
        for row in rows:
            await self._fail(
                row["organization_id"],
                row["id"],
                INTERRUPTED,
                Sums(),
            )
        async with self.database.transaction() as tx:
            return await forget_pieces(tx, timedelta(hours=1), 5000) >= 5000

    async def _run(self, generation: Generation, wanted: Wanted) -> None:
        purpose = Purpose(generation.organization_id, generation.created_by, generation.kind, generation.id)
        course = Course(self, purpose, wanted)
        try:
            async with self.room, asyncio.timeout(SECONDS):
                outcome = await course.run()
            sealed = await self.seal.texts(generation.organization_id, generation.id, outcome.texts)
            said = Said(outcome.state, outcome.reason, outcome.detail)
            await self.finish(generation.organization_id, generation.id, said, sealed, course.sums)
        except asyncio.CancelledError:
            await asyncio.shield(self._fail(generation.organization_id, generation.id, INTERRUPTED, course.sums))
            raise
        except Exception as trouble:
            failed = failure_of(trouble)
            if failed is UNEXPECTED:
                log.exception("generation.failed", generation_id=str(generation.id), bug=type(trouble).__name__)
            await self._fail(generation.organization_id, generation.id, failed, course.sums)
        finally:
            self.bells.ring(generation.id)

    async def finish(self, organization_id: UUID, generation_id: UUID, said: Said, sealed: bytes, sums: Sums) -> None:
        """Record texts that may be shown or are held back, once."""
        async with self.database.transaction(organization_id) as tx:
            ended = await GenerationRepository(tx).end(generation_id, said, sealed, sums)
            if ended is None:
                return
            try:
                await QUOTA.settle(tx, generation_id)
            except ReservationGone:
                log.warning("generation.reservation_gone", generation_id=str(generation_id))
            await tx.emit(finished(ended))
        self.bells.ring(generation_id)

    async def failed(self, tx: Transaction, generation_id: UUID, failure: Failure, sums: Sums) -> None:
        """Record that it comes to nothing, once; it counts nothing of what the plan includes."""
        said = Said(State.FAILED, failure.reason, failure.detail)
        ended = await GenerationRepository(tx).end(generation_id, said, None, sums)
        if ended is None:
            return
        await QUOTA.release(tx, generation_id)
        await tx.emit(
            GenerationFailed(
                generation_id=ended.id,
                kind=ended.kind,
                reason=failure.reason,
                cost_micros=sums.cost,
                version=ended.version,
            )
        )

    async def _fail(self, organization_id: UUID, generation_id: UUID, failure: Failure, sums: Sums) -> None:
        async with self.database.transaction(organization_id) as tx:
            await self.failed(tx, generation_id, failure, sums)
        self.bells.ring(generation_id)


@dataclass(slots=True)
class Course:
    """One generation's way: judged, asked, checked, asked again for what is wrong, judged once more."""

    running: Running
    purpose: Purpose
    wanted: Wanted
    sums: Sums = field(default_factory=Sums)
    fresh: tuple[bytes, Written] | None = None
    """What the model wrote last, and by what it is found again."""

    near: tuple[bytes, Sequence[float]] | None = None
    """Where an answer to nearly the same subject is looked for, if one will do."""

    async def run(self) -> Outcome:
        """Texts that may be shown, or held back for a person.

        Raises:
            Failure: it comes to nothing, and why.
        """
        await self._judge_what_is_asked()
        texts = scored(await self._texts(), self.wanted)
        decision, categories = await self.running.moderation.judge(
            self.purpose, ["\n".join((each.published, each.title, *each.parts)) for each in texts]
        )
        named = ", ".join(categories)
        if decision == "block":
            raise Failure("output_blocked", f"What the model wrote is of a category that is blocked: {named}.")
        if decision == "review":
            return Outcome(texts, State.HELD, "review", f"A person decides, since it may be of: {named}.")
        return Outcome(texts)

    async def _judge_what_is_asked(self) -> None:
        asked = f"{self.wanted.subject}\n{self.wanted.tone}\n{self.wanted.call_to_action}"
        decision, categories = await self.running.moderation.judge(self.purpose, [asked])
        if decision == "block":
            named = ", ".join(categories)
            raise Failure("input_blocked", f"What was asked is of a category that is blocked: {named}.")

    async def _texts(self) -> list[Text]:
        kept: dict[Slot, Text] = {}
        slots, faults, before = list(self.wanted.slots), list[Fault](), list[Text]()
        speaker = Speaker(
            self.running.database,
            self.running.seal,
            self.running.bells,
            self.purpose.organization_id,
            self.purpose.work_id,
        )
        for attempt in range(1, ATTEMPTS + 1):
            ask = prompts.ask(self.wanted, slots, faults, before)
            answer = await self._answer(ask, speaker, cached=attempt == 1)
            await speaker.flush()
            texts, faults = checking.read(answer, self.wanted, slots)
            kept |= {text.slot: text for text in texts}
            slots = [slot for slot in self.wanted.slots if slot not in kept]
            if not slots:
                if attempt == 1 and self.fresh is not None:
                    await self._keep(answer)
                return [kept[slot] for slot in self.wanted.slots]
            before = []
            if attempt < ATTEMPTS:
                await speaker.again()
        says = "; ".join(dict.fromkeys(fault.says for fault in faults))[:900]
        raise Failure("not_acceptable", f"After {ATTEMPTS} attempts there are texts that cannot be used: {says}")

    async def _answer(self, ask: Ask, speaker: Speaker, *, cached: bool) -> str:
        organization_id = self.purpose.organization_id
        key = await self.running.cache.key(
            organization_id,
            ask,
            self.wanted.quality,
            self.wanted.model or "",
            self.wanted.voice_version,
            str(prompts.VERSION),
        )
        found = await self.running.cache.find(organization_id, key) if cached else None
        if found is None and cached and self.wanted.similar:
            found = await self._near()
        if found is not None:
            await self._save(found, "cache" if self.near is None else "semantic")
            await speaker.say(found.text)
            return found.text
        written: Written | None = None
        async with aclosing(
            self.running.calling.write(self.purpose, ask, Wish(self.wanted.quality, self.wanted.model))
        ) as pieces:
            async for piece in pieces:
                if isinstance(piece, Written):
                    written = piece
                else:
                    await speaker.say(piece)
        if written is None:
            raise Broken("cut_short")
        self._add(written)
        if written.refused:
            raise Failure("refused", "The model declined to write this.")
        self.fresh = (key, written)
        return written.text

    async def _keep(self, answer: str) -> None:
        if self.fresh is None:
            return
        organization_id, (key, written) = self.purpose.organization_id, self.fresh
        await self.running.cache.keep(organization_id, key, Kept(answer, written.model, written.plain))
        if self.near is not None:
            await self.running.cache.place(organization_id, key, *self.near)

    async def _near(self) -> Kept | None:
        """An answer to nearly the same subject, all else being the same."""
        organization_id, wanted = self.purpose.organization_id, self.wanted
        besides = (wanted.quality, wanted.model or "", wanted.voice_version, str(prompts.VERSION), "similar")
        everything_else = prompts.ask(replace(wanted, subject=""), wanted.slots)
        scope = await self.running.cache.key(organization_id, everything_else, *besides)
        (vector,) = await self.running.calling.embed(self.purpose, [wanted.subject])
        self.near = (scope, vector)
        return await self.running.cache.near(organization_id, scope, vector)

    async def _save(self, found: Kept, by: str) -> None:
        """Record what the cache saved."""
        saved = Reservation(self.purpose, "cache", found.model, 0)
        accounting = self.running.calling.accounting
        async with self.running.database.transaction(self.purpose.organization_id) as tx:
            await accounting.saved(tx, saved, Settlement(CallStatus.DONE, 0, found.plain, Usage(), 0, by))
        self.sums = replace(self.sums, plain=self.sums.plain + found.plain, attempts=1, model=found.model)

    def _add(self, written: Written) -> None:
        self.sums = Sums(
            self.sums.input_tokens + written.usage.input_tokens,
            self.sums.output_tokens + written.usage.output_tokens,
            self.sums.cost + written.cost,
            self.sums.plain + written.plain,
            self.sums.attempts + 1,
            written.model,
        )


def finished(ended: Generation) -> GenerationFinished:
    """What is told of a generation that has texts."""
    return GenerationFinished(
        generation_id=ended.id,
        kind=ended.kind,
        user_id=ended.created_by,
        model=ended.sums.model,
        input_tokens=ended.sums.input_tokens,
        output_tokens=ended.sums.output_tokens,
        cost_micros=ended.sums.cost,
        plain_micros=ended.sums.plain,
        version=ended.version,
    )

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from generation.allowances.model import GENERATIONS, QUOTA
from generation.calls.errors import BudgetExhausted
from generation.generations.errors import GenerationRunning, TooManyTexts
from generation.generations.model import MOST_SLOTS, Generation, Opened, State, Wanted
from generation.generations.preparing import Preparing
from generation.generations.repository import GenerationRepository
from generation.generations.running import Running
from generation.generations.sealing import GenerationSeal
from generation.generations.streaming import Bells, Listening
from kit.audit import audited
from kit.db.database import Database
from kit.errors import FieldError
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.ids import new_id


@dataclass(frozen=True, slots=True)
class GenerationService:
    """What people do with generations."""

    database: Database
    seal: GenerationSeal
    running: Running
    preparing: Preparing

    async def begin(self, wanted: Wanted, caller: MemberCaller, idempotency: Idempotency) -> Opened:
        """Let texts be written; the same request again is the generation that there is.

        Raises:
            TooManyTexts: more than 40 at once.
            TemplateNotFound, TemplateNotFilledIn: there is no such template, or something is missing in it.
            VoiceNotFound, VoiceNotReady: the voice that is named is not there, or has learned nothing.
            QuotaExhausted, BudgetExhausted: plan or budget do not cover it.
        """
        wanted = await self.preparing.prepared(wanted, caller.organization_id)
        if len(wanted.slots) > MOST_SLOTS:
            raise TooManyTexts(errors=[FieldError("#/platforms", TooManyTexts.title())])
        generation_id = new_id()
        sealed = await self.seal.asked(caller.organization_id, generation_id, wanted)
        async with self.database.transaction(caller.organization_id) as tx:
            if earlier := await idempotency.claim(tx):
                found = await GenerationRepository(tx).find(earlier.resource_id)
            else:
                found = await GenerationRepository(tx).add(generation_id, wanted.kind, caller.user_id, sealed)
                if (await self.running.calling.accounting.spending(tx)).used_up:
                    raise BudgetExhausted
                await idempotency.remember(tx, generation_id, found.version)
                await tx.emit(
                    audited("generation.text.requested", caller, "generation", generation_id, kind=wanted.kind)
                )
                await QUOTA.reserve(tx, GENERATIONS, 1, generation_id)
        if found.id == generation_id:
            self.running.start(found, wanted)
        return (await self.seal.opened(caller.organization_id, [found]))[0]

    async def find(self, generation_id: UUID, caller: MemberCaller) -> Opened:
        """One generation with its texts; those that are held back only for who decides.

        Raises:
            GenerationNotFound: there is none.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            found = await GenerationRepository(tx).find(generation_id)
        return (await self.seal.opened(caller.organization_id, [found]))[0]

    async def page(
        self, caller: MemberCaller, after: UUID | None, limit: int, state: State | None
    ) -> Sequence[Opened]:
        """The newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            found = await GenerationRepository(tx).page(after, limit, state)
        return await self.seal.opened(caller.organization_id, found)

    async def delete(self, generation_id: UUID, caller: MemberCaller) -> None:
        """Delete what was asked and what came of it; what it cost stays counted.

        Raises:
            GenerationNotFound, GenerationRunning: there is none, or it has not ended.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            if (await GenerationRepository(tx).lock(generation_id)).state is State.RUNNING:
                raise GenerationRunning
            await GenerationRepository(tx).delete(generation_id)
            await tx.emit(audited("generation.text.deleted", caller, "generation", generation_id))

    async def decide(self, generation_id: UUID, caller: MemberCaller, *, release: bool) -> Opened:
        """Release texts that were held back, or refuse them; once decided it stays so.

        Raises:
            GenerationNotFound, GenerationRunning: there is none, or it has not ended.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            generations = GenerationRepository(tx)
            found = await generations.lock(generation_id)
            if found.state is State.RUNNING:
                raise GenerationRunning
            if found.state is State.HELD:
                state, reason = (State.DONE, "") if release else (State.FAILED, "review_refused")
                found = await generations.decide(generation_id, state, reason, caller.user_id)
                await tx.emit(
                    audited(
                        "generation.review.decided",
                        caller,
                        "generation",
                        generation_id,
                        decision="released" if release else "refused",
                    )
                )
        return (await self.seal.opened(caller.organization_id, [found]))[0]

    async def listen(
        self, generation_id: UUID, caller: MemberCaller, after: int
    ) -> AsyncGenerator[tuple[int, dict[str, Any]] | Generation, None]:
        """What is said while it runs, from a number on; the ended generation is the last."""
        listening = Listening(self.database, self.seal, self.running.bells)
        async for piece in listening.pieces(caller.organization_id, generation_id, after):
            yield piece

    @property
    def bells(self) -> Bells:
        """What rings when there is more."""
        return self.running.bells

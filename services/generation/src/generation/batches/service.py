from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from generation.allowances.model import GENERATIONS, QUOTA
from generation.batches.ending import Ending
from generation.batches.errors import BatchEnded, ItemBlocked, NoBatches
from generation.batches.model import KIND, LASTS, Batch, BatchState, Counts, effect
from generation.batches.repository import BatchRepository
from generation.calls.model import Purpose, Reservation
from generation.generations import prompts
from generation.generations.errors import TooManyTexts
from generation.generations.model import MOST_SLOTS, Wanted
from generation.generations.preparing import Preparing
from generation.providers.openai_batches import OpenAiBatches
from generation.providers.routing import Quality
from kit.audit import audited
from kit.db.database import Database
from kit.errors import FieldError
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True)
class BatchService:
    """What people do with batches."""

    database: Database
    ledger: Ledger
    ending: Ending
    providers: Mapping[str, OpenAiBatches]
    preparing: Preparing

    async def begin(
        self, items: Sequence[Wanted], quality: Quality, caller: MemberCaller, idempotency: Idempotency
    ) -> tuple[Batch, Counts]:
        """Let many be written within a day, at half the price; each is a generation of its own.

        Raises:
            NoBatches, ItemBlocked, TooManyTexts: it cannot be begun.
            VoiceNotFound, VoiceNotReady: a voice that is named is not there, or has learned nothing.
            QuotaExhausted, BudgetExhausted: plan or budget do not cover all of them; none is begun.
        """
        model = self.ending.calling.routes.for_batches(quality, self.providers)
        if model is None:
            raise NoBatches
        batch_id, seal = new_id(), self.ending.running.seal
        await self._judge(items, caller, batch_id)
        rows, held = [], []
        for item in items:
            wanted = await self.preparing.prepared(item, caller.organization_id)
            generation_id = new_id()
            ask = prompts.ask(wanted, wanted.slots)
            most = model.most(ask.most_input(), ask.most_tokens, batch=True)
            purpose = Purpose(caller.organization_id, caller.user_id, wanted.kind, generation_id)
            held.append(Reservation(purpose, model.provider, model.id, most, LASTS))
            sealed = await seal.asked(caller.organization_id, generation_id, wanted)
            rows.append((generation_id, wanted.kind, sealed, held[-1].id))
        async with self.database.transaction(caller.organization_id) as tx:
            batches = BatchRepository(tx)
            if earlier := await idempotency.claim(tx):
                batch = await batches.find(earlier.resource_id)
            else:
                batch = await batches.add(batch_id, caller.user_id, model.provider, model.id)
                await batches.add_generations(batch_id, caller.user_id, rows)
                await idempotency.remember(tx, batch_id, batch.version)
                await self.ledger.add(tx, effect(batch))
                await tx.emit(
                    audited("generation.batch.begun", caller, "batch", batch_id, generations=str(len(rows)))
                )
                for each in held:
                    await self.ending.accounting.reserve(tx, each)
                    await QUOTA.reserve(tx, GENERATIONS, 1, each.purpose.work_id, LASTS)
            return batch, (await batches.counts([batch.id])).get(batch.id, Counts())

    async def find(self, batch_id: UUID, caller: MemberCaller) -> tuple[Batch, Counts]:
        """One batch, and how its generations stand.

        Raises:
            BatchNotFound: there is none.
        """
        async with self.database.snapshot(caller.organization_id) as tx:
            batches = BatchRepository(tx)
            batch = await batches.find(batch_id)
            return batch, (await batches.counts([batch_id])).get(batch_id, Counts())

    async def page(self, caller: MemberCaller, after: UUID | None, limit: int) -> list[tuple[Batch, Counts]]:
        """The newest first."""
        async with self.database.snapshot(caller.organization_id) as tx:
            found = await BatchRepository(tx).page(after, limit)
            counts = await BatchRepository(tx).counts([each.id for each in found])
        return [(each, counts.get(each.id, Counts())) for each in found]

    async def cancel(self, batch_id: UUID, caller: MemberCaller) -> tuple[Batch, Counts]:
        """Stop a batch: what is answered by then is kept and paid for, all else costs nothing.

        Raises:
            BatchNotFound, BatchEnded: there is none, or it has ended.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            batches = BatchRepository(tx)
            batch = await batches.find(batch_id, lock=True)
            if batch.state in (BatchState.DONE, BatchState.FAILED):
                raise BatchEnded
            if batch.state is BatchState.QUEUED and await self.ledger.cancel(tx, KIND, [batch_id]):
                await self.ending.fail_all(tx, batch_id, "cancelled", billed=False)
                await batches.end(batch_id, BatchState.FAILED)
            batch = await batches.want_cancelled(batch_id)
            await tx.emit(audited("generation.batch.cancelled", caller, "batch", batch_id))
            return batch, (await batches.counts([batch_id])).get(batch_id, Counts())

    async def _judge(self, items: Sequence[Wanted], caller: MemberCaller, batch_id: UUID) -> None:
        for place, wanted in enumerate(items):
            if len(wanted.slots) > MOST_SLOTS:
                raise TooManyTexts(errors=[FieldError(f"#/items/{place}/platforms", TooManyTexts.title())])
            purpose = Purpose(caller.organization_id, caller.user_id, wanted.kind, batch_id)
            asked = f"{wanted.subject}\n{wanted.tone}\n{wanted.call_to_action}"
            decision, _ = await self.ending.running.moderation.judge(purpose, [asked])
            if decision == "block":
                raise ItemBlocked(errors=[FieldError(f"#/items/{place}/subject", ItemBlocked.title())])

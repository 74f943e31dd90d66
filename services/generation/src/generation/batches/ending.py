"""What becomes of the generations of a batch: each is settled once, by the answer there is or by none."""

from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from generation.batches.repository import BatchRepository
from generation.calls.accounting import Accounting
from generation.calls.calling import Calling
from generation.calls.model import CallStatus, Purpose, Reservation, Settlement, Usage
from generation.generations import checking
from generation.generations.model import Said, State, Sums, Wanted
from generation.generations.running import Failure, Outcome, Running
from generation.providers.openai_batches import BatchAnswer
from kit.db.database import Row, Transaction

NOTHING: Final = Usage()
MISSING: Final = Failure("batch_without_answer", "The provider's batch ended without an answer to this.")


@dataclass(frozen=True, slots=True)
class Ending:
    """Ends generations of batches."""

    running: Running

    @property
    def calling(self) -> Calling:
        """What calls models, and knows their prices."""
        return self.running.calling

    @property
    def accounting(self) -> Accounting:
        """Who counts money."""
        return self.calling.accounting

    async def fail_all(self, tx: Transaction, batch_id: UUID, reason: str, *, billed: bool) -> None:
        """None of them comes to anything; `billed` where nobody knows whether it is."""
        for row in await BatchRepository(tx).works([batch_id]):
            status = CallStatus.UNANSWERED if billed else CallStatus.REFUSED
            held = reservation(row)
            cost = await self.accounting.reserved(tx, held) if billed else 0
            await self.accounting.settle(tx, held, Settlement(status, cost, cost, NOTHING, 0, code=reason))
            failure = Failure(reason, "The provider did not take this batch.")
            await self.running.failed(tx, row["id"], failure, Sums(cost=cost))

    async def without_answer(self, row: Row) -> None:
        """A generation whose question was not answered: nothing is billed."""
        async with self.running.database.transaction(row["organization_id"]) as tx:
            settled = Settlement(CallStatus.REFUSED, 0, 0, NOTHING, 0, code=MISSING.reason)
            await self.accounting.settle(tx, reservation(row), settled)
            await self.running.failed(tx, row["id"], MISSING, Sums())

    async def answered(self, row: Row, wanted: Wanted, answer: BatchAnswer) -> None:
        """A generation with its answer: paid for in any case, kept if it is acceptable."""
        model = self.calling.routes.named(row["model"])
        cost = 0 if model is None else model.cost(answer.usage, batch=True)
        plain = max(cost, self.calling.plain(answer.usage))
        sums = Sums(answer.usage.input_tokens, answer.usage.output_tokens, cost, plain, 1, row["model"])
        async with self.running.database.transaction(row["organization_id"]) as tx:
            done = Settlement(CallStatus.DONE, cost, plain, answer.usage, 0, "batch" if plain > cost else "")
            await self.accounting.settle(tx, reservation(row), done)
        outcome = await self._outcome(row, wanted, answer)
        if isinstance(outcome, Failure):
            async with self.running.database.transaction(row["organization_id"]) as tx:
                await self.running.failed(tx, row["id"], outcome, sums)
            return
        sealed = await self.running.seal.texts(row["organization_id"], row["id"], outcome.texts)
        said = Said(outcome.state, outcome.reason, outcome.detail)
        await self.running.finish(row["organization_id"], row["id"], said, sealed, replace(sums))

    async def _outcome(self, row: Row, wanted: Wanted, answer: BatchAnswer) -> Outcome | Failure:
        if answer.refused:
            return Failure("refused", "The model declined to write this.")
        texts, faults = checking.read(answer.text, wanted, wanted.slots)
        if faults:
            says = "; ".join(dict.fromkeys(fault.says for fault in faults))[:900]
            return Failure("not_acceptable", f"There are texts that cannot be used: {says}")
        purpose = Purpose(row["organization_id"], row["created_by"], row["kind"], row["id"])
        decision, categories = await self.running.moderation.judge(
            purpose, ["\n".join((each.published, each.title, *each.parts)) for each in texts]
        )
        named = ", ".join(categories)
        if decision == "block":
            return Failure("output_blocked", f"What the model wrote is of a category that is blocked: {named}.")
        if decision == "review":
            return Outcome(texts, State.HELD, "review", f"A person decides, since it may be of: {named}.")
        return Outcome(texts)


def reservation(row: Row) -> Reservation:
    """What is set aside for a generation of a batch."""
    purpose = Purpose(row["organization_id"], row["created_by"], row["kind"], row["id"])
    return Reservation(purpose, row["provider"], row["model"], 0, id=row["call_id"])

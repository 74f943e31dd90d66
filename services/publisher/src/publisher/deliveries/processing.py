"""The kind `publisher.processing`: asks how far the platform is, only by reading, until a deadline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kit.db.database import Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import (
    Entry,
    Found,
    Look,
    NotAccepted,
    NotFound,
    Parked,
    Receipt,
    Refused,
    Settled,
    Status,
    Unanswered,
)
from publisher.deliveries.kind import renew_while_looking
from publisher.deliveries.model import PROCESSING, What
from publisher.deliveries.progress import Outcome, Progress
from publisher.deliveries.sending import Sending, Work
from publisher.deliveries.stepping import items_of, status_of
from publisher.platforms.base import Outgoing, Processing, Ready
from publisher.steps.repository import StepRepository

TIMING: Final = Timing(
    call_within=20.0,
    looks_after=(1.0, 2.0, 30.0, 120.0, 300.0),
    absent_after=1.0,
    unconfirmed_after=3600.0,
    backoff_first=5.0,
    backoff_longest=60.0,
    give_up_after=7 * 86_400.0,
)
"""Reading may be repeated, so a question that got lost is asked again at once. The deadline is the platform's own."""

STILL: Final = "processing"
TOO_LONG: Final = "processing-too-long"
_SLOWEST: Final = 60.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """Asks how far the platform is, ever less often."""

    sending: Sending
    progress: Progress

    name: str = PROCESSING
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Work]:
        """What is being processed; what has ended is withdrawn."""
        rows = await StepRepository(tx).outgoing([entry.subject_id for entry in entries])
        found = {work.row["step_id"]: work for work in await self.sending.works(tx, rows)}
        return {entry.id: found[entry.subject_id] for entry in entries if entry.subject_id in found}

    async def call(self, entry: Entry, work: Work) -> Receipt:
        """Ask once.

        Raises:
            NotAccepted: it is not ready, or could not be asked just now.
            Refused: processing has failed, or took too long and nothing becomes public by itself.
            Unanswered: it took too long and may yet become public, so it is looked for.
            Parked: as the platform says.
        """
        outgoing = await self.sending.step(entry, work)
        try:
            came = await self.sending.platforms[work.platform].check(outgoing, self.sending.database.clock.now())
        except Unanswered as silence:
            raise self._later(work, 5.0, silence) from silence
        match came:
            case Receipt():
                return came
            case Ready():
                handle = came.handle or outgoing.handle or ""
                return await self.sending.following(entry, work, What.FINALIZE, handle, 0.0)
            case Processing() if came.handle != outgoing.handle and not self._overdue(work):
                return await self.sending.following(entry, work, What.PROCESSING, came.handle, came.check_after)
        raise self._later(work, came.check_after)

    async def look(self, entry: Entry, work: Work) -> Look:
        """A question that got lost is asked again; what took too long is looked for among what is live."""
        if not self._overdue(work) or not self.sending.platforms[work.platform].capabilities.goes_live_alone:
            return NotFound(f"question {entry.attempt} is forgotten")
        outgoing = await self.sending.step(entry, work)
        found = await self._looked(entry, work, outgoing)
        if isinstance(found, Found):
            return found
        raise NotAccepted("It is not public yet.", code=STILL, said=found.said)

    async def _looked(self, entry: Entry, work: Work, outgoing: Outgoing) -> Look:
        now = self.sending.database.clock.now()
        try:
            return await self.sending.platforms[work.platform].look(outgoing, work.row["began_at"], now)
        except Parked as parked:
            await renew_while_looking(self.sending.database, self.progress.ledger, entry, work.account_id)
            raise NotAccepted(parked.reason, code=parked.code, said=parked.said) from parked

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Carry what has changed; that it is still being processed changes nothing."""
        told = [each for each in settled if each.status is not Status.PENDING or each.code not in ("", STILL)]
        told = [each for each in told if each.status is not Status.UNKNOWN or each.code == TOO_LONG]
        if not told:
            return
        items = await items_of(tx, told)
        outcomes = [
            Outcome(items[each.entry.subject_id], status_of(each), each)
            for each in told
            if each.entry.subject_id in items
        ]
        await self.progress.carry(tx, outcomes)
        ended = [each.entry.subject_id for each in told if each.status in (Status.DONE, Status.REFUSED)]
        await StepRepository(tx).end(ended)

    def _overdue(self, work: Work) -> bool:
        return self._age(work) > self.sending.platforms[work.platform].capabilities.processing_within

    def _age(self, work: Work) -> float:
        return float((self.sending.database.clock.now() - work.row["began_at"]).total_seconds())

    def _later(self, work: Work, wait: float, silence: Unanswered | None = None) -> Exception:
        if not self._overdue(work):
            code, said = (silence.code, silence.said) if silence else (STILL, "")
            wait = max(wait, min(_SLOWEST, self._age(work) / 10))
            return NotAccepted("The platform is still working on it.", code=code, said=said, retry_after=wait)
        if self.sending.platforms[work.platform].capabilities.goes_live_alone:
            return Unanswered("The platform has not finished in time, and may yet show it.", code=TOO_LONG)
        return Refused(
            "The platform did not finish processing it in time, and nothing was published; publish it anew.",
            code=TOO_LONG,
        )

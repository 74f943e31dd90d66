"""The kind `publisher.step`: what is done after the first call, each once.

The next step with what is ready, a part of a thread, the first comment, taking down what is live.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kit.db.database import Transaction
from kit.ledger.kind import Timing
from kit.ledger.model import Entry, Look, NotAccepted, NotFound, Parked, Receipt, Refused, Settled, Status, Unanswered
from postrules.limits import Platform as PlatformName
from publisher.deliveries.kind import TIMING as OF_DELIVERIES
from publisher.deliveries.kind import renew_while_looking
from publisher.deliveries.model import SHOWN, STATUS_OF, STEP, What
from publisher.deliveries.progress import Item, Outcome, Progress
from publisher.deliveries.sending import Next, Sending, Work
from publisher.platforms.base import Outgoing
from publisher.posts.model import PostStatus
from publisher.steps.repository import StepRepository

TIMING: Final = Timing(
    call_within=60.0,
    looks_after=OF_DELIVERIES.looks_after,
    absent_after=OF_DELIVERIES.absent_after,
    unconfirmed_after=OF_DELIVERIES.unconfirmed_after,
    give_up_after=OF_DELIVERIES.give_up_after,
)
"""A step may upload a piece of a video, which takes longer than a call without one."""


@dataclass(frozen=True, slots=True)
class Steps:
    """One step after the first call, made at most once."""

    sending: Sending
    progress: Progress

    name: str = STEP
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Work]:
        """Texts, sealed tokens and handles; a step that is not there any more is withdrawn."""
        rows = await StepRepository(tx).outgoing([entry.subject_id for entry in entries])
        found = {work.row["step_id"]: work for work in await self.sending.works(tx, rows)}
        return {entry.id: found[entry.subject_id] for entry in entries if entry.subject_id in found}

    async def call(self, entry: Entry, work: Work) -> Receipt:
        """Make the step.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: as the platform says.
        """
        platform, now = self.sending.platforms[work.platform], self.sending.database.clock.now()
        outgoing = await self.sending.step(entry, work)
        again = outgoing.since is not None
        match What(work.row["what"]):
            case What.FINALIZE:
                return await self.sending.begun(entry, work, await platform.finalize(outgoing, again=again, now=now))
            case What.PART:
                return await self.sending.begun(entry, work, await platform.publish(outgoing, again=again, now=now))
            case What.COMMENT:
                return await platform.comment(outgoing, again=again, now=now)
            case What.COVER:
                return await self._cover(work, outgoing, now)
        return await self._remove(work, outgoing)

    async def _cover(self, work: Work, outgoing: Outgoing, now: datetime) -> Receipt:
        """Whatever becomes of it, the film stays live."""
        picture = work.media.get(work.content.cover) if work.content.cover else None
        if picture is None:
            raise Refused("The cover is not in the library any more; set it at the platform.", code="media-missing")
        if outgoing.access_token is None:
            raise Parked("The account must be connected again.", code="no-token")
        platform = self.sending.platforms[work.platform]
        return await platform.cover(work.row["root"], picture, outgoing.access_token, now)

    async def _remove(self, work: Work, outgoing: Outgoing) -> Receipt:
        if outgoing.access_token is None:
            raise Parked("The account must be connected again.", code="no-token")
        try:
            return await self.sending.platforms[work.platform].delete(work.row["root"], outgoing.access_token)
        except Unanswered as silence:  # taking down what is gone harms nothing
            raise NotAccepted(silence.reason, code=silence.code, said=silence.said) from silence

    async def look(self, entry: Entry, work: Work) -> Look:
        """Look for it; dead tokens are renewed meanwhile. What may be repeated is not looked for."""
        what = What(work.row["what"])
        if what in (What.REMOVAL, What.COVER):
            return NotFound("it is asked for again", proven=what is What.COVER)
        platform, now = self.sending.platforms[work.platform], self.sending.database.clock.now()
        outgoing = await self.sending.step(entry, work)
        try:
            if what is What.COMMENT:
                return await platform.look_for_comment(outgoing, entry.called_at, now)
            return await platform.look(outgoing, entry.called_at, now)
        except Parked as parked:
            await renew_while_looking(self.sending.database, self.progress.ledger, entry, work.account_id)
            raise NotAccepted(parked.reason, code=parked.code, said=parked.said) from parked

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Carry what became of each, and begin what follows."""
        steps = StepRepository(tx)
        items = await items_of(tx, settled)
        unknown = {each.entry.subject_id: each.entry.called_at for each in settled if each.status is Status.UNKNOWN}
        if unknown:
            await steps.called(unknown)
        outcomes = [
            Outcome(items[each.entry.subject_id], status_of(each, items[each.entry.subject_id]), each)
            for each in settled
            if each.entry.subject_id in items
        ]
        await self.progress.carry(tx, outcomes)
        ended = [each.entry.subject_id for each in settled if each.status in (Status.DONE, Status.REFUSED)]
        await steps.end(ended)


async def items_of(tx: Transaction, settled: Sequence[Settled]) -> dict[UUID, Item]:
    """What these outcomes of steps are about, by step."""
    rows = await StepRepository(tx).about([each.entry.subject_id for each in settled])
    return {
        row["id"]: Item(
            organization_id=row["organization_id"],
            delivery_id=row["delivery_id"],
            account_id=row["account_id"],
            platform=PlatformName(row["platform"]),
            what=What(row["what"]),
            part=row["part"],
            began_at=row["began_at"],
        )
        for row in rows
    }


def status_of(settled: Settled, item: Item | None = None) -> PostStatus:
    """The status of what the step is about: what goes on, or waits to go on, is with the platform."""
    waits = settled.status is Status.PENDING
    if item is not None and item.what in SHOWN and waits:
        return PostStatus.SCHEDULED
    if isinstance(settled.result, Next) or waits:
        return PostStatus.PROCESSING
    return STATUS_OF[settled.status]

"""The kind `publisher.delivery`: the first call of a delivery and the record of its result, nothing else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from kit.db.database import Database, Transaction
from kit.ledger.kind import Timing
from kit.ledger.ledger import Ledger
from kit.ledger.model import Entry, Look, NotAccepted, Parked, Receipt, Settled
from postrules.limits import Platform as PlatformName
from publisher.accounts.renewing import owner_of, urge_renewal
from publisher.budgets.repository import ProjectRepository
from publisher.deliveries.model import KIND, STATUS_OF
from publisher.deliveries.progress import Item, Outcome, Progress
from publisher.deliveries.repository import DeliveryRepository
from publisher.deliveries.sending import Next, Sending, Work
from publisher.platforms.base import PROJECT_FULL
from publisher.posts.model import PostStatus

TIMING: Final = Timing(
    call_within=20.0,
    looks_after=(5.0, 30.0, 120.0, 300.0, 600.0),
    absent_after=900.0,
    unconfirmed_after=3600.0,
    give_up_after=3 * 86_400.0,
)
"""Platforms show a post a while after they took it: that it is not there proves something after 15 minutes only."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """One post to one account, live at most once."""

    sending: Sending
    progress: Progress

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Work]:
        """Texts and sealed tokens; a delivery that is not there any more is withdrawn."""
        rows = await DeliveryRepository(tx).outgoing([entry.subject_id for entry in entries])
        works = await self.sending.works(tx, rows)
        full = await ProjectRepository(tx).full({work.platform for work in works}) if works else {}
        found = {work.row["id"]: replace(work, full_until=full.get(work.platform)) for work in works}
        return {entry.id: found[entry.subject_id] for entry in entries if entry.subject_id in found}

    async def call(self, entry: Entry, work: Work) -> Receipt:
        """Publish it, or begin to.

        Raises:
            NotAccepted: the key of its token could not be fetched, or the platform takes nothing more from our
                application, so nothing was sent.
            Refused, Parked, Unanswered: as the platform says.
        """
        _refuse_full(work, self.sending.database.clock.now())
        outgoing = await self.sending.outgoing(entry, work)
        again, now = outgoing.since is not None, self.sending.database.clock.now()
        came = await self.sending.platforms[work.platform].publish(outgoing, again=again, now=now)
        return await self.sending.begun(entry, work, came)

    async def look(self, entry: Entry, work: Work) -> Look:
        """Look for it; dead tokens are renewed meanwhile, and do not hold the search up for good."""
        outgoing, now = await self.sending.outgoing(entry, work), self.sending.database.clock.now()
        try:
            return await self.sending.platforms[work.platform].look(outgoing, entry.called_at, now)
        except Parked as parked:
            await renew_while_looking(self.sending.database, self.progress.ledger, entry, work.account_id)
            raise NotAccepted(parked.reason, code=parked.code, said=parked.said) from parked

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Carry statuses over, tell what became of each, and begin what follows."""
        accounts = await DeliveryRepository(tx).accounts_of([each.entry.subject_id for each in settled])
        outcomes = []
        for each in settled:
            row = accounts.get(each.entry.subject_id)
            if row is not None:
                item = Item(row["organization_id"], row["id"], row["account_id"], PlatformName(row["platform"]))
                going_on = isinstance(each.result, Next)
                status = PostStatus.PROCESSING if going_on else STATUS_OF[each.status]
                outcomes.append(Outcome(item, status, each))
        await self.progress.carry(tx, outcomes)


def _refuse_full(work: Work, now: datetime) -> None:
    """Ask no platform that has said, to whomever, that it takes nothing more from us: asking costs, too."""
    if work.full_until is not None and now < work.full_until:
        raise NotAccepted(
            "The platform takes no more posts of our application for now; it leaves when it counts anew.",
            code=PROJECT_FULL,
            said="not asked",
            retry_after=(work.full_until - now).total_seconds(),
            whole_lane=True,
        )


async def renew_while_looking(
    database: Database, ledger: Callable[[], Ledger], entry: Entry, account_id: UUID
) -> None:
    """The platform refused the tokens of a look: have them renewed."""
    now = database.clock.now()
    async with database.transaction(owner_of(entry)) as tx:
        await urge_renewal(tx, ledger(), owner_of(entry), account_id, called_at=now, now=now)

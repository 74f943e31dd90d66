"""The kind `publisher.budget`: asks a platform what an account may still publish, outside of any request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from kit.db.database import Database, Transaction
from kit.ids import new_id
from kit.ledger.kind import Timing
from kit.ledger.ledger import Ledger
from kit.ledger.model import (
    Effect,
    Entry,
    Lane,
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
from postrules.limits import Platform as PlatformName
from publisher.accounts.renewing import owner_of
from publisher.accounts.sealing import AccountSeal
from publisher.budgets.model import KIND, Told
from publisher.budgets.repository import BudgetRepository, due
from publisher.platforms.base import Bounds, Platform, Quota

TIMING: Final = Timing(
    call_within=20.0,
    looks_after=(1.0, 2.0),
    absent_after=1.0,
    unconfirmed_after=600.0,
    backoff_first=5.0,
    backoff_longest=120.0,
    give_up_after=900.0,
)
EVERY: Final = timedelta(hours=6)
"""How often an account is asked about of itself; planning a post has it asked about sooner."""


@dataclass(frozen=True, slots=True)
class Question:
    """An account, the platform's id of it and the token still sealed."""

    platform: PlatformName
    account_id: UUID
    external_id: bytes | None
    token: bytes | None

    def __repr__(self) -> str:
        return f"Question({self.account_id})"


@dataclass(frozen=True, slots=True)
class Reading:
    """One question about one account. What comes of it is kept for all workers; nothing else waits for it."""

    platforms: Mapping[PlatformName, Platform]
    seal: AccountSeal

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Question]:
        """Sealed tokens; a question that a later one replaced, or about an account that is not connected, ends."""
        by_reading = {entry.subject_id: entry.id for entry in entries}
        rows = await BudgetRepository(tx).outgoing(by_reading)
        return {
            by_reading[row["reading_id"]]: Question(
                PlatformName(row["platform"]), row["id"], row["external_sealed"], row["access_token"]
            )
            for row in rows
        }

    async def call(self, entry: Entry, work: Question) -> Receipt:
        """Ask.

        Raises:
            Refused, NotAccepted: it cannot be read, or not now.
        """
        sealed = {"external_sealed": work.external_id, "access_token": work.token}
        external_id, token = await self.seal.open(owner_of(entry), work.account_id, sealed)
        if external_id is None or token is None:
            raise Refused("The account must be connected again.", code="no-token")
        try:
            quota = await self.platforms[work.platform].quota(external_id, token)
        except (Parked, Unanswered) as trouble:  # nobody waits for it, and asking again harms nothing
            raise NotAccepted(trouble.reason, code=trouble.code, said=trouble.said) from trouble
        return Receipt(said="told" if quota else "nothing is told", result=quota)

    async def look(self, entry: Entry, work: Question) -> Look:
        """There is nothing to look for: it is asked again."""
        return NotFound(f"attempt {entry.attempt} is forgotten" if work else "")

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Keep what was told, with what of it was not ours."""
        for each in settled:
            if each.status is Status.DONE and isinstance(each.result, Quota):
                await self._keep(tx, each, each.result)
            elif each.status is Status.DONE and isinstance(each.result, Bounds):
                await BudgetRepository(tx, owner_of(each.entry)).bind(each.entry.subject_id, each.result)

    async def _keep(self, tx: Transaction, settled: Settled, quota: Quota) -> None:
        rows = BudgetRepository(tx, owner_of(settled.entry))
        account_id = await rows.account_of(settled.entry.subject_id)
        if account_id is None:
            return
        window = timedelta(seconds=quota.window)
        ours = await rows.taken([account_id], settled.at - window, settled.at)
        elsewhere = max(0, quota.used - len(ours.get(account_id, ())))
        await rows.keep(settled.entry.subject_id, Told(quota.limit, elsewhere, window, quota.resets_at, settled.at))


@dataclass(frozen=True, slots=True)
class BudgetWatch:
    """Has accounts asked about that are due: one question at a time for each, whoever works."""

    database: Database
    ledger: Ledger
    platforms: Mapping[PlatformName, Platform]

    async def ask_due(self) -> bool:
        """A batch; True when there may be more."""
        async with self.database.transaction() as tx:
            found = await due(tx)
        for organization_id, account_id in found:
            reading_id = new_id()
            async with self.database.transaction(organization_id) as tx:
                row = await BudgetRepository(tx).ask(account_id, reading_id, EVERY)
                if row is not None and self.platforms[PlatformName(row["platform"])].capabilities.quota:
                    lane = Lane(organization_id, f"{row['platform']}-budget:{account_id}")
                    await self.ledger.add(tx, Effect(KIND, lane, reading_id))
        return bool(found)

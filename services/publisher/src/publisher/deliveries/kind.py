"""The kind `publisher.delivery`: publish, look for what may be live, carry the outcome into our rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from contracts.event import Event
from contracts.publisher import PostFailed, PostPublished, PostUnconfirmed
from kit.db.database import Database, Row, Transaction
from kit.errors import TransientError
from kit.ledger.kind import Timing
from kit.ledger.ledger import Ledger
from kit.ledger.model import Entry, Look, NotAccepted, Parked, Receipt, Settled, Status
from postrules.limits import Platform as PlatformName
from publisher.accounts.renewing import owner_of, urge_renewal
from publisher.accounts.sealing import AccountSeal
from publisher.deliveries.model import KIND, STATUS_OF
from publisher.deliveries.repository import DeliveryRepository
from publisher.platforms.base import Outgoing, Platform
from publisher.posts.model import PostStatus

TIMING: Final = Timing(
    call_within=20.0,
    looks_after=(5.0, 30.0, 120.0, 300.0, 600.0),
    absent_after=900.0,
    unconfirmed_after=3600.0,
    give_up_after=3 * 86_400.0,
)
"""LinkedIn shows a post a while after it took it: that it is not there proves something after 15 minutes only."""


@dataclass(frozen=True, slots=True)
class Work:
    """A post on its way, its author and token still sealed."""

    platform: PlatformName
    account_id: UUID
    author: bytes | None
    text: str
    token: bytes | None
    row: Row

    def __repr__(self) -> str:
        return f"Work({self.account_id})"


@dataclass(frozen=True, slots=True)
class Deliveries:
    """One post to one account, live at most once."""

    database: Database
    platforms: Mapping[PlatformName, Platform]
    seal: AccountSeal
    ledger: Callable[[], Ledger]

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Work]:
        """Texts and sealed tokens; a delivery that is not there any more is withdrawn."""
        rows = await DeliveryRepository(tx).outgoing([entry.subject_id for entry in entries])
        found = {row["id"]: row for row in rows}
        return {entry.id: _work(found[entry.subject_id]) for entry in entries if entry.subject_id in found}

    async def call(self, entry: Entry, work: Work) -> Receipt:
        """Publish it.

        Raises:
            NotAccepted: the key of its token could not be fetched, so nothing was sent.
            Refused, Parked, Unanswered: as the platform says.
        """
        try:
            outgoing = await self._outgoing(entry, work)
        except TransientError as trouble:
            raise NotAccepted("We could not send it just now.", code="not-prepared") from trouble
        again = outgoing.since is not None
        return await self.platforms[work.platform].publish(outgoing, again=again, now=self.database.clock.now())

    async def look(self, entry: Entry, work: Work) -> Look:
        """Look for it; dead tokens are renewed meanwhile, and do not hold the search up for good."""
        outgoing, now = await self._outgoing(entry, work), self.database.clock.now()
        try:
            return await self.platforms[work.platform].look(outgoing, entry.called_at, now)
        except Parked as parked:
            async with self.database.transaction(owner_of(entry)) as tx:
                await urge_renewal(tx, self.ledger(), owner_of(entry), work.account_id, called_at=now, now=now)
            raise NotAccepted(parked.reason, code=parked.code, said=parked.said) from parked

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Carry statuses over, tell what became of each, and have dead tokens renewed."""
        if not settled:
            return
        deliveries = DeliveryRepository(tx)
        changed = await deliveries.carry([self._change(each) for each in sorted(settled, key=_order)])
        await deliveries.summarize({row["post_id"] for row in changed})
        await tx.emit(*(event for row in changed if (event := _told(row))))
        called = {each.entry.subject_id: each for each in settled}
        dead: dict[UUID, Row] = {row["account_id"]: row for row in changed if row["code"] == "token-refused"}
        for account_id in sorted(dead):
            row = dead[account_id]
            entry, at = called[row["id"]].entry, called[row["id"]].at
            await urge_renewal(
                tx, self.ledger(), row["organization_id"], account_id, called_at=entry.called_at, now=at
            )

    def _change(self, settled: Settled) -> tuple[Any, ...]:
        status = STATUS_OF[settled.status]
        external_id = settled.external_id if settled.status is Status.DONE else None
        url = self.platforms[PlatformName.LINKEDIN].url_of(external_id) if external_id else None
        reason = "" if settled.status is Status.DONE else settled.reason
        called_at = settled.entry.called_at
        return (
            settled.entry.subject_id,
            status.value,
            external_id,
            url,
            reason,
            settled.code,
            settled.at,
            called_at,
        )

    async def _outgoing(self, entry: Entry, work: Work) -> Outgoing:
        sealed = {"external_sealed": work.author, "access_token": work.token}
        author, token = await self.seal.open(owner_of(entry), work.account_id, sealed)
        return Outgoing(
            account_id=work.account_id,
            author=author or "",
            text=work.text,
            access_token=token if author else None,
            since=work.row["first_called_at"],
            taken=frozenset(work.row["taken"]),
            behind=work.row["behind"],
        )


def _work(row: Row) -> Work:
    return Work(
        PlatformName(row["platform"]), row["account_id"], row["author"], row["text"], row["access_token"], row
    )


def _order(settled: Settled) -> UUID:
    return settled.entry.subject_id


def _told(row: Row) -> Event | None:
    """The fact about a delivery that people wait for, if this is one."""
    about = {
        "organization_id": row["organization_id"],
        "post_id": row["post_id"],
        "delivery_id": row["id"],
        "account_id": row["account_id"],
        "platform": row["platform"],
        "version": row["version"],
    }
    match row["status"]:
        case PostStatus.PUBLISHED:
            return PostPublished(external_id=row["external_id"], published_at=row["published_at"], **about)
        case PostStatus.FAILED:
            return PostFailed(code=row["code"], **about)
        case PostStatus.UNCONFIRMED:
            return PostUnconfirmed(**about)
    return None

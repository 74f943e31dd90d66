"""The kind `publisher.subscription`: have a platform notify us of a page, or no more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.ledger.kind import Timing
from kit.ledger.ledger import Ledger
from kit.ledger.model import Entry, Look, NotFound, Parked, Receipt, Refused, Settled, Status
from postrules.limits import Platform
from publisher.accounts.renewing import owner_of, urge_renewal
from publisher.accounts.sealing import AccountSeal
from publisher.notifications.model import KIND, Notices, Notifications
from publisher.notifications.repository import NotificationRepository

TIMING: Final = Timing(
    call_within=20.0,
    looks_after=(1.0, 2.0),
    absent_after=1.0,
    unconfirmed_after=86_400.0,
    backoff_first=5.0,
    backoff_longest=900.0,
    give_up_after=3 * 86_400.0,
)
"""Asking twice is the same as asking once, so nothing is looked for: what may be lost is asked for again at once."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wished of the platform for one page, its id there and the token still sealed."""

    platform: Platform
    account_id: UUID
    page: bytes | None
    notifications: Notifications
    token: bytes

    def __repr__(self) -> str:
        return f"Wish({self.notifications})"


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """One wish about one account; its subject is the wish, so a newer one replaces it."""

    notices: Mapping[Platform, Notices]
    seal: AccountSeal
    ledger: Callable[[], Ledger]

    name: str = KIND
    timing: Timing = TIMING

    async def prepare(self, tx: Transaction, entries: Sequence[Entry]) -> Mapping[UUID, Wish]:
        """Pages and sealed tokens; a wish that was replaced, or whose account was disconnected, is withdrawn."""
        by_wish = {entry.subject_id: entry.id for entry in entries}
        rows = await NotificationRepository(tx).outgoing(by_wish)
        return {by_wish[row["notifications_id"]]: _wish(row) for row in rows}

    async def call(self, entry: Entry, work: Wish) -> Receipt:
        """Ask the platform.

        Raises:
            Refused, NotAccepted, Parked: as the platform says; an end that fails by a dead token is no matter.
        """
        notices = self.notices[work.platform]
        sealed = {"external_sealed": work.page, "access_token": work.token}
        page, token = await self.seal.open(owner_of(entry), work.account_id, sealed)
        if page is None or token is None:
            raise Refused("The permission cannot be read any more; connect the account again.", code="unreadable")
        if work.notifications is not Notifications.ENDING:
            return await notices.subscribe(page, token)
        try:
            return await notices.unsubscribe(page, token)
        except Parked as parked:
            raise Refused(parked.reason, code="token-ended", said=parked.said) from parked

    async def look(self, entry: Entry, work: Wish) -> Look:
        """There is nothing to look for: it is asked for again, which harms nothing."""
        return NotFound(f"attempt {entry.attempt} is forgotten" if work else "")

    async def record(self, tx: Transaction, settled: Sequence[Settled]) -> None:
        """Show what came of it, and have dead tokens renewed; publishing is not touched by any of it."""
        came = {each.entry.subject_id: each for each in settled}
        wishes = NotificationRepository(tx)
        rows = await wishes.standing(came)
        for row in rows:
            each = came[row["notifications_id"]]
            if each.status is Status.PENDING and each.code == "token-refused":
                owner, at = row["organization_id"], each.at
                called_at = each.entry.called_at
                await urge_renewal(tx, self.ledger(), owner, row["id"], called_at=called_at, now=at)
        await wishes.carry({row["notifications_id"]: _came(row, came[row["notifications_id"]]) for row in rows})


def _wish(row: Row) -> Wish:
    return Wish(
        platform=Platform(row["platform"]),
        account_id=row["id"],
        page=row["external_sealed"],
        notifications=Notifications(row["notifications"]),
        token=row["access_token"],
    )


def _came(row: Row, settled: Settled) -> tuple[Notifications, str]:
    notifications = Notifications(row["notifications"]).after(settled.status)
    told = notifications in (Notifications.WAITING, Notifications.REFUSED)
    return notifications, settled.reason if told else ""

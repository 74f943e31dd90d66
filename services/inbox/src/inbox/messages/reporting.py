"""What the platform reports of our messages, in any order and as often as it likes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from inbox.channels.base import Report, Seen
from inbox.channels.model import Place
from inbox.consent.recording import Recorder, refused
from inbox.contacts.blind import Blind
from inbox.messages.content import Sealing
from inbox.messages.model import Status
from inbox.messages.outgoing.repository import OutgoingRepository, Watermark
from inbox.messages.repository import MessageRepository, Reported, Standing
from inbox.messages.standing import rise, rise_all
from inbox.messages.wholes import follow
from kit.db.database import Row, Transaction
from kit.ledger.ledger import Ledger
from kit.ledger.model import Receipt

SEND: Final = "inbox.send"
_KNOWN: Final = {
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.READ,
    "played": Status.READ,
    "failed": Status.FAILED,
}


@dataclass(frozen=True, slots=True)
class Told:
    """A report as it is kept, and which message of ours it is about, if it says so."""

    what: Reported
    provider_id: str
    ours: UUID | None

    @property
    def failed(self) -> bool:
        """Whether the platform says that it did not arrive."""
        return self.what.status is Status.FAILED

    @property
    def receipt(self) -> Receipt:
        """What the ledger is told of a call that this decides."""
        return Receipt(self.what.provider_blind.hex()[:32], result=self.provider_id)

    def among(self, standings: Mapping[UUID | bytes | None, Standing]) -> Standing | None:
        """The message that it is about: by our id of it, else by the platform's."""
        return standings.get(self.ours) or standings.get(self.what.provider_blind)


class Hears(Protocol):
    """Who else sends through channels, and is told of reports that name what is theirs."""

    async def reported(self, tx: Transaction, place: Place, several: Sequence[Told]) -> None:
        """Apply what is theirs of these."""


@dataclass(frozen=True, slots=True)
class Reporting:
    """Applies reports.

    A report carries what we had put into the message, so it also proves that an unanswered call had arrived; one that
    comes before we know the platform's id is kept under that id until we do. Of a message whose contact was forgotten
    nothing is kept.
    """

    ledger: Ledger
    sealing: Sealing
    hears: Hears

    async def apply(
        self,
        tx: Transaction,
        blind: Blind,
        place: Place,
        several: Sequence[tuple[Report, datetime]],
        used: dict[UUID, int],
    ) -> list[bool]:
        """Apply reports of one channel with their times; False for one whose status nobody knows.

        What they have decided of the plan's messages is put into `used`.
        """
        told = [_told(blind, place, report, at) for report, at in several]
        known = [each for each in told if each is not None]
        used |= await self._settle(tx, known)
        await self.hears.reported(tx, place, known)
        messages = OutgoingRepository(tx)
        standings = await messages.lock(
            place.channel_id, {each.ours for each in known if each.ours}, {each.what.provider_blind for each in known}
        )
        found = [(each, each.among(standings)) for each in known]
        kept = [(each, one) for each, one in found if (each.ours is None if one is None else not one.forgotten)]
        if kept:
            await messages.report(place.channel_id, [each.what for each, _ in kept])
        ours = [(each, one) for each, one in kept if one is not None]
        await self._rise(tx, place, ours)
        await Recorder(self.sealing.keyring).record(
            tx,
            [
                wish
                for each, one in ours
                for wish in refused(one.contact_id, place.platform.kind, each.what.code, each.what.provider_time)
            ],
        )
        return [each is not None for each in told]

    async def _settle(self, tx: Transaction, known: Sequence[Told]) -> dict[UUID, int]:
        """Let the ledger know: calls that nobody answered, or not yet, are decided by this."""
        arrived = {each.ours: each.receipt for each in known if each.ours and each.what.status is not Status.FAILED}
        failed = {each.ours: (each.what.code, each.what.reason) for each in known if each.ours and each.failed}
        used = dict.fromkeys(await self.ledger.found(tx, SEND, arrived), 1) if arrived else {}
        if failed:
            used |= dict.fromkeys(await self.ledger.failed(tx, SEND, failed), 0)
        return used

    async def _rise(self, tx: Transaction, place: Place, reported: Sequence[tuple[Told, Standing]]) -> None:
        """Raise messages to all that was reported of them so far, and keep the platform's ids of those without."""
        by_id = {standing.id: (standing, each) for each, standing in reported}
        for standing, each in by_id.values():
            if standing.provider_blind is None:
                sealed = await self.sealing.provider_id(tx.organization_id, standing.contact_id, each.provider_id)
                await MessageRepository(tx).identify(standing.id, each.what.provider_blind, sealed)
        if not by_id:
            return
        blinds = {each.what.provider_blind for _, each in by_id.values()}
        reports: dict[bytes, list[Reported]] = {}
        for report in await OutgoingRepository(tx).reports(place.channel_id, blinds):
            reports.setdefault(report.provider_blind, []).append(report)
        pairs = [(standing, reports.get(each.what.provider_blind, [])) for standing, each in by_id.values()]
        await rise_all(tx, pairs)
        wholes = {standing.whole_id for standing, _ in by_id.values() if standing.whole_id is not None}
        await follow(tx, wholes, max(each.what.provider_time for _, each in by_id.values()))

    async def seen(self, tx: Transaction, blind: Blind, place: Place, several: Sequence[Seen]) -> None:
        """Contacts have received, or read, all that was sent to them until then; of nobody known nothing is kept.

        The time is kept with the conversation, for messages whose sending is recorded only afterwards.
        """
        messages = OutgoingRepository(tx)
        seen = await messages.seen(place.channel_id, list(_watermarks(blind, several)))
        if not seen:
            return
        found = await messages.lock_sent_until(seen)
        await rise_all(tx, [(standing, list(_reported(row))) for standing, row in found])
        latest = [at for row in seen for at in (row["delivered"], row["read"]) if at is not None]
        await follow(tx, {standing.whole_id for standing, _ in found if standing.whole_id is not None}, max(latest))


async def catch_up_written(tx: Transaction, channel_id: UUID, written: Mapping[bytes, UUID]) -> None:
    """Raise messages that were written elsewhere, by the platform's ids, to what was reported before they came."""
    outgoing, reports = OutgoingRepository(tx), dict[bytes, list[Reported]]()
    for report in await outgoing.reports(channel_id, set(written)):
        reports.setdefault(report.provider_blind, []).append(report)
    if reports:
        standings = await outgoing.lock(channel_id, {written[each] for each in reports}, ())
        await rise_all(tx, [(standings[written[each]], known) for each, known in reports.items()])


async def catch_up(tx: Transaction, standing: Standing, provider_blind: bytes) -> Standing:
    """Raise a message to all that was reported of it so far, which may have come before its id was known."""
    for report in await MessageRepository(tx).reports(standing.channel_id, provider_blind):
        standing = await rise(
            tx, standing, report.status, report.provider_time, code=report.code, reason=report.reason
        )
    return standing


def _told(blind: Blind, place: Place, report: Report, at: datetime) -> Told | None:
    status = _KNOWN.get(report.status)
    if status is None or not report.provider_id:
        return None
    reason = place.platform.errors.told(report.code).plain if status is Status.FAILED else ""
    what = Reported(blind("message", report.provider_id), status, at, report.code, reason)
    return Told(what, report.provider_id, _ours(report.ours))


def _watermarks(blind: Blind, several: Sequence[Seen]) -> Iterator[Watermark]:
    """The newest times of each identity: what was told twice, or later of earlier, is one."""
    newest: dict[tuple[str, str], dict[str, datetime]] = {}
    for each in several:
        for identity in each.known_as:
            times = newest.setdefault((identity.kind, identity.value), {})
            times[each.status] = max(each.until, times.get(each.status, each.until))
    for (kind, value), times in newest.items():
        yield Watermark(kind, blind(kind, value), times.get("delivered"), times.get("read"))


def _reported(row: Row) -> Iterator[Reported]:
    for status, name in ((Status.DELIVERED, "delivered"), (Status.READ, "read")):
        if row[name] is not None:
            yield Reported(b"", status, row[name], "", "")


def _ours(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

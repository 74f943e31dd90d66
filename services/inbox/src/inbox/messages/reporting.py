"""What the platform reports of our messages, in any order and as often as it likes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from inbox.contacts.blind import Blind
from inbox.messages.content import Sealing
from inbox.messages.model import Status
from inbox.messages.repository import MessageRepository, Reported, Standing
from inbox.messages.standing import rise
from inbox.whatsapp.outcomes import Trouble
from inbox.whatsapp.saying import Report
from kit.db.database import Transaction
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
class Reporting:
    """Applies reports.

    A report carries what we had put into the message, so it also proves that an unanswered call had arrived; one that
    comes before we know the platform's id is kept under that id until we do. Of a message whose contact was forgotten
    nothing is kept.
    """

    ledger: Ledger
    sealing: Sealing

    async def apply(self, tx: Transaction, blind: Blind, channel_id: UUID, report: Report, at: datetime) -> bool:
        """Apply one report; False when nobody knows its status."""
        status = _KNOWN.get(report.status)
        if status is None or not report.provider_id:
            return False
        provider_blind = blind("message", report.provider_id)
        told = Reported(provider_blind, status, at, "" if report.code is None else str(report.code), _plain(report))
        ours = _ours(report.ours)
        if ours is not None:
            await self._settle(tx, ours, report.provider_id, told)
        messages = MessageRepository(tx)
        standing = await self._standing(messages, channel_id, ours, provider_blind)
        if ours is not None if standing is None else standing.forgotten:
            return True
        await messages.report(channel_id, told)
        if standing is not None:
            await self._identify(messages, tx, standing, report.provider_id, provider_blind)
            await catch_up(tx, standing, provider_blind)
        return True

    async def _settle(self, tx: Transaction, ours: UUID, provider_id: str, told: Reported) -> None:
        """Let the ledger know: a call that nobody answered, or not yet, is decided by this."""
        if told.status is Status.FAILED:
            await self.ledger.failed(tx, SEND, {ours: (told.code, told.reason)})
        else:
            await self.ledger.found(tx, SEND, {ours: Receipt(told.provider_blind.hex()[:32], result=provider_id)})

    async def _standing(
        self, messages: MessageRepository, channel_id: UUID, ours: UUID | None, provider_blind: bytes
    ) -> Standing | None:
        found = None if ours is None else await messages.lock_standing(ours)
        if found is not None and found.channel_id == channel_id:
            return found
        return await messages.lock_standing_of(channel_id, provider_blind)

    async def _identify(
        self, messages: MessageRepository, tx: Transaction, standing: Standing, provider_id: str, blinded: bytes
    ) -> None:
        if standing.provider_blind is None:
            sealed = await self.sealing.provider_id(tx.organization_id, standing.contact_id, provider_id)
            await messages.identify(standing.id, blinded, sealed)


async def catch_up(tx: Transaction, standing: Standing, provider_blind: bytes) -> Standing:
    """Raise a message to all that was reported of it so far, which may have come before its id was known."""
    for report in await MessageRepository(tx).reports(standing.channel_id, provider_blind):
        standing = await rise(
            tx, standing, report.status, report.provider_time, code=report.code, reason=report.reason
        )
    return standing


def _ours(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _plain(report: Report) -> str:
    return Trouble(400, report.code).plain if report.status == "failed" else ""

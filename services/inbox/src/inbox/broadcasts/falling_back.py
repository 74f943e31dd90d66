"""Whom a broadcast does not reach is written to in another way, where the organization wants that."""

from inbox.broadcasts.audience.repository import AudienceRepository
from inbox.broadcasts.model import Broadcast
from inbox.broadcasts.recipients.repository import NewRecipient, RecipientRepository
from inbox.broadcasts.repository import BroadcastRepository
from kit.db.database import Transaction
from kit.ids import new_id

_AT_ONCE = 500


async def fall_back(tx: Transaction, broadcast: Broadcast) -> None:
    """Make whom it did not reach recipients of the one that stands in for it; once each, by the unique row."""
    policy = broadcast.fallback
    child = next(
        (each for each in await BroadcastRepository(tx).children(broadcast.id) if each.kind == "fallback"), None
    )
    if policy is None or child is None:
        return
    recipients = RecipientRepository(tx)
    found = await recipients.unreached(broadcast.id, child.id, policy["classes"], _AT_ONCE)
    there = await AudienceRepository(tx).there(found) if found else set()
    if there:
        await recipients.add(child.id, [NewRecipient(new_id(), each, zone=broadcast.zone) for each in there])

"""An audience becomes rows: one for each contact, page by page, from wherever it had come to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from inbox.broadcasts.audience.repository import AudienceRepository
from inbox.broadcasts.model import Broadcast, variant_of
from inbox.broadcasts.people import Somebody, country_of, people, zone_of
from inbox.broadcasts.recipients.repository import NewRecipient, RecipientRepository
from inbox.broadcasts.zones.model import zone_known
from inbox.broadcasts.zones.repository import ZoneRepository
from inbox.channels.base import Platforms
from inbox.channels.repository import ChannelRepository
from inbox.segments.repository import SegmentRepository
from kit.db.database import Transaction
from kit.ids import new_id
from kit.seal import Keyring

PAGE: Final = 1000
"""Contacts that are written down in one commit."""


@dataclass(frozen=True, slots=True)
class Preparing:
    """Writes recipients down. A crash loses at most a page, which is written again: a contact is one row."""

    keyring: Keyring
    platforms: Platforms

    async def go_on(self, tx: Transaction, broadcast: Broadcast, now: datetime) -> Broadcast:
        """Write the next page down; the broadcast as it is then."""
        found = await self._page(tx, broadcast)
        await self.add(tx, broadcast, found)
        if len(found) < PAGE:
            rule = {name: each for name, each in broadcast.audience.items() if name != "plan"}
            return replace(broadcast, prepared_at=now, audience=rule)
        return replace(broadcast, prepared_after=found[-1])

    async def add(self, tx: Transaction, broadcast: Broadcast, contact_ids: Sequence[UUID]) -> None:
        """Make these contacts recipients, each with variant, country, zone and time."""
        if not contact_ids:
            return
        known = await people(tx, self.keyring, contact_ids)
        zones = await _zones(tx, contact_ids)
        weights = [each.weight for each in broadcast.variants]
        rows = [
            self._row(broadcast, contact_id, known.get(contact_id, Somebody()), weights, zones.get(contact_id, ""))
            for contact_id in contact_ids
        ]
        await RecipientRepository(tx).add(broadcast.id, rows)

    def _row(
        self, broadcast: Broadcast, contact_id: UUID, who: Somebody, weights: Sequence[int], told_zone: str
    ) -> NewRecipient:
        row_id, number = new_id(), who.number
        zone = zone_known(told_zone, zone_of(number))
        due_at = None
        if broadcast.local_start is not None:
            due_at = broadcast.local_start.replace(tzinfo=ZoneInfo(zone or broadcast.zone))
        return NewRecipient(row_id, contact_id, variant_of(row_id, weights), country_of(number), zone, due_at)

    async def _page(self, tx: Transaction, broadcast: Broadcast) -> list[UUID]:
        rule, audience, after = broadcast.audience, AudienceRepository(tx), broadcast.prepared_after
        if rule.get("segment_id"):
            return await SegmentRepository(tx).page(rule["plan"], after, PAGE)
        if rule.get("label_id"):
            return await audience.labelled(UUID(rule["label_id"]), after, PAGE)
        if rule.get("broadcast_id"):
            return await audience.of_broadcast(UUID(rule["broadcast_id"]), rule["classes"], after, PAGE)
        if rule.get("everyone"):
            kind = (await ChannelRepository(tx).find(broadcast.channel_id)).kind
            return await audience.everyone(self.platforms[kind].capabilities.reached_by, after, PAGE)
        return []


async def _zones(tx: Transaction, contact_ids: Sequence[UUID]) -> dict[UUID, str]:
    """What an attribute says of where these are, if the organization has named one."""
    zones = ZoneRepository(tx)
    attribute_id = (await zones.find()).attribute_id
    return {} if attribute_id is None else await zones.of(contact_ids, attribute_id)

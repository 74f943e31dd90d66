from dataclasses import dataclass, replace

from inbox.broadcasts.zones.errors import AttributeUnfit
from inbox.broadcasts.zones.model import ZoneSettings
from inbox.broadcasts.zones.repository import ZoneRepository
from kit.audit import audited
from kit.db.database import Database
from kit.http.caller import MemberCaller
from kit.http.etag import Condition


@dataclass(frozen=True, slots=True)
class ZoneService:
    """Where an organization's contacts are taken to be when it writes to many."""

    database: Database

    async def read(self, caller: MemberCaller) -> ZoneSettings:
        """What was said."""
        async with self.database.transaction(caller.organization_id) as tx:
            return await ZoneRepository(tx).find()

    async def set(self, caller: MemberCaller, wanted: ZoneSettings, expected: Condition) -> ZoneSettings:
        """Say it; broadcasts whose recipients are written down already stay as they are.

        Raises:
            AttributeUnfit: zones cannot stand in this attribute.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            zones = ZoneRepository(tx)
            expected.check((await zones.find(for_update=True)).version)
            if wanted.attribute_id is not None and not await zones.usable(wanted.attribute_id):
                raise AttributeUnfit
            version = await zones.save(wanted)
            line = audited(
                "inbox.broadcast_settings.changed", caller, "organization", caller.organization_id, zone=wanted.zone
            )
            await tx.emit(line)
        return replace(wanted, version=version)

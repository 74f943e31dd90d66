from dataclasses import dataclass

from compliance.retention.model import Kept, Policy
from compliance.retention.repository import RetentionRepository
from contracts.compliance import RetentionChanged
from kit.audit import audited
from kit.db.database import Database
from kit.http.caller import MemberCaller


@dataclass(frozen=True, slots=True)
class RetentionService:
    """For how long an organization keeps things; services hear of it by event."""

    database: Database

    async def all(self, caller: MemberCaller) -> list[Policy]:
        """What holds for the organization, decided or not."""
        async with self.database.transaction(caller.organization_id) as tx:
            decided = await RetentionRepository(tx).all()
        return [decided.get(each, Policy(each)) for each in Kept]

    async def decide(self, caller: MemberCaller, retention: Kept, days: int | None) -> Policy:
        """Keep it for so many days, or with None for as long as the platform does; again changes nothing."""
        async with self.database.transaction(caller.organization_id) as tx:
            changed = await RetentionRepository(tx).save(retention, days)
            if changed is not None:
                await tx.emit(
                    RetentionChanged(version=changed.version, retention=retention, days=days),
                    audited("compliance.retention.changed", caller, "retention", retention, days=days or 0),
                )
            return (await RetentionRepository(tx).all())[retention]

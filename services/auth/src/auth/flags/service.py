from collections.abc import Mapping
from dataclasses import dataclass, replace

from auth.flags.errors import FlagExists, FlagNotFound, TooManyFlags
from auth.flags.model import MOST_FLAGS, Flag, Rules, Subject, evaluated
from auth.flags.repository import FlagRepository
from contracts.auth import FlagChanged
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.http.etag import Condition
from kit.http.staff import StaffCaller


@dataclass(frozen=True, slots=True)
class FlagService:
    """Flags: what staff says of them, and what they are for somebody."""

    database: Database

    async def for_caller(self, caller: Caller) -> Mapping[str, bool]:
        """All flags for whoever calls, where they act."""
        organization_id = caller.organization_id
        async with self.database.transaction(*([organization_id] if organization_id else [])) as tx:
            flags = FlagRepository(tx)
            plan = await flags.plan_of(organization_id) if organization_id else ""
            known = await flags.for_user(caller.user_id)
        return evaluated(known, Subject(caller.user_id, organization_id, plan))

    async def page(self, after: str, limit: int) -> list[Flag]:
        """Flags by key."""
        async with self.database.transaction() as tx:
            return await FlagRepository(tx).page(after, limit)

    async def find(self, key: str) -> Flag:
        """One flag."""
        async with self.database.transaction() as tx:
            return await _found(tx, key)

    async def create(self, key: str, sentence: str, rules: Rules, staff: StaffCaller) -> Flag:
        """Define a flag."""
        async with self.database.transaction() as tx:
            flags = FlagRepository(tx)
            if await flags.count() >= MOST_FLAGS:
                raise TooManyFlags
            if not await flags.add(key, sentence, rules, staff.staff_id):
                raise FlagExists
            flag = await _found(tx, key)
            await tx.emit_of_platform(
                _told(flag, flag.version),
                audited("auth.flag.created", staff, "flag", key),
            )
        return flag

    async def change(self, key: str, sentence: str, rules: Rules, staff: StaffCaller, expected: Condition) -> Flag:
        """Give a flag other rules."""
        async with self.database.transaction() as tx:
            held = await _found(tx, key, lock=True)
            expected.check(held.version)
            flag = await FlagRepository(tx).save(replace(held, sentence=sentence, rules=rules), staff.staff_id)
            await tx.emit_of_platform(
                _told(flag, flag.version),
                audited(
                    "auth.flag.changed",
                    staff,
                    "flag",
                    key,
                    version=flag.version,
                    killed=rules.killed,
                    by_default=rules.by_default,
                    percentage=str(rules.percentage),
                    organizations=len(rules.organizations),
                    users=len(rules.users),
                    plans=len(rules.plans),
                ),
            )
        return flag

    async def kill(self, key: str, staff: StaffCaller, *, killed: bool) -> Flag:
        """Switch a flag off for everybody, or let its rules hold again; in an emergency nobody reads a version."""
        async with self.database.transaction() as tx:
            held = await _found(tx, key, lock=True)
            if held.rules.killed is killed:
                return held
            flag = await FlagRepository(tx).save(
                replace(held, rules=replace(held.rules, killed=killed)), staff.staff_id
            )
            await tx.emit_of_platform(
                _told(flag, flag.version),
                audited("auth.flag.killed", staff, "flag", key, killed=killed, version=flag.version),
            )
        return flag

    async def delete(self, key: str, staff: StaffCaller, expected: Condition) -> None:
        """Take a flag away; nobody is told of it any more."""
        async with self.database.transaction() as tx:
            held = await _found(tx, key, lock=True)
            expected.check(held.version)
            await FlagRepository(tx).delete(key)
            await tx.emit_of_platform(
                _told(held, held.version + 1),
                audited("auth.flag.deleted", staff, "flag", key),
            )


async def _found(tx: Transaction, key: str, *, lock: bool = False) -> Flag:
    flag = await FlagRepository(tx).find(key, lock=lock)
    if flag is None:
        raise FlagNotFound
    return flag


def _told(flag: Flag, version: int) -> FlagChanged:
    return FlagChanged(flag_id=flag.id, flag=flag.key, version=version)

from dataclasses import dataclass
from typing import Any

from auth.staff_sessions.fresh import insist_on_fresh_proof
from auth.system.current import CurrentSettings
from auth.system.errors import SettingNotFound
from auth.system.registry import SETTINGS, Held, Setting
from auth.system.repository import SettingRepository
from contracts.auth import SystemSettingChanged
from kit.audit import audited
from kit.db.database import Database
from kit.http.etag import Condition
from kit.http.staff import PermissionMissing, StaffCaller


@dataclass(frozen=True, slots=True)
class SystemService:
    """The settings of the system, read by everybody who runs it and changed by few."""

    database: Database
    current: CurrentSettings

    async def all(self) -> list[Held]:
        """Every setting as it stands."""
        async with self.database.transaction() as tx:
            return await SettingRepository(tx).among(SETTINGS)

    async def public(self) -> list[Held]:
        """What anybody may know."""
        async with self.database.transaction() as tx:
            return await SettingRepository(tx).among([each.name for each in SETTINGS.values() if each.public])

    async def find(self, name: str) -> Held:
        """One setting."""
        async with self.database.transaction() as tx:
            return await SettingRepository(tx).find(_setting(name))

    async def changes(self, name: str, before: int | None, limit: int) -> list[Held]:
        """Every value that a setting had."""
        async with self.database.transaction() as tx:
            return await SettingRepository(tx).changes(_setting(name), before, limit)

    async def change(self, name: str, value: object, staff: StaffCaller, expected: Condition) -> Held:
        """Give a setting another value; the same one again changes nothing."""
        setting = _setting(name)
        if not staff.may(setting.permission):
            raise PermissionMissing(permission=setting.permission)
        wanted: Any = setting.read(value)
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, staff)
            settings = SettingRepository(tx)
            held = await settings.lock(setting)
            expected.check(held.version)
            if held.value == wanted:
                return held
            saved = await settings.save(Held(setting, wanted, held.version), staff.staff_id)
            await tx.emit_of_platform(
                SystemSettingChanged(setting_id=setting.id, setting=name, version=saved.version),
                audited("auth.system_setting.changed", staff, "system_setting", name, version=saved.version),
            )
        await self.current.refresh()
        return saved


def _setting(name: str) -> Setting:
    found = SETTINGS.get(name)
    if found is None:
        raise SettingNotFound
    return found

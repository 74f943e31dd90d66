from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from auth.system.registry import SETTINGS, Held, Setting
from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class SettingRepository:
    """Settings that are not what they are by default, and all that they ever were."""

    tx: Transaction

    async def find(self, setting: Setting) -> Held:
        """A setting as it stands."""
        row = await self.tx.fetchrow(
            "SELECT name, value, version, changed_by, changed_at FROM system_settings WHERE name = $1", setting.name
        )
        return Held(setting, setting.default, 0) if row is None else _held(row)

    async def lock(self, setting: Setting) -> Held:
        """A setting for update; who changes it first, too, waits here for the other."""
        await self.tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 11))", setting.name)
        return await self.find(setting)

    async def value(self, setting: Setting) -> Any:
        """What a setting is."""
        return (await self.find(setting)).value

    async def among(self, names: Collection[str]) -> list[Held]:
        """Settings as they stand, in the order of the registry."""
        rows = await self.tx.fetch(
            "SELECT name, value, version, changed_by, changed_at FROM system_settings WHERE name = ANY ($1)",
            list(names),
        )
        found = {row["name"]: _held(row) for row in rows if row["name"] in SETTINGS}
        wanted = [setting for setting in SETTINGS.values() if setting.name in names]
        return [found.get(setting.name) or Held(setting, setting.default, 0) for setting in wanted]

    async def save(self, held: Held, by: UUID) -> Held:
        """Give a setting its next version."""
        row = await self.tx.fetchrow(
            """
            WITH saved AS (
                INSERT INTO system_settings (name, value, version, changed_by) VALUES ($1, $2, $3, $4)
                ON CONFLICT (name) DO UPDATE
                SET value = excluded.value, version = excluded.version, changed_by = excluded.changed_by,
                    changed_at = kit_now()
                RETURNING name, value, version, changed_by, changed_at
            ), kept AS (
                INSERT INTO system_setting_changes (name, version, value, changed_by, changed_at)
                SELECT name, version, value, changed_by, changed_at FROM saved
            )
            SELECT * FROM saved
            """,
            held.setting.name,
            held.setting.plain(held.value),
            held.version + 1,
            by,
        )
        if row is None:
            raise LookupError("an upsert gave no row")
        return _held(row)

    async def changes(self, setting: Setting, before: int | None, limit: int) -> list[Held]:
        """Former values and the present one, the newest first."""
        rows = await self.tx.fetch(
            """
            SELECT name, value, version, changed_by, changed_at FROM system_setting_changes
            WHERE name = $1 AND ($2::integer IS NULL OR version < $2) ORDER BY version DESC LIMIT $3
            """,
            setting.name,
            before,
            limit,
        )
        return [_held(row) for row in rows]


def _held(row: Row) -> Held:
    setting = SETTINGS[row["name"]]
    return Held(setting, setting.read(row["value"]), row["version"], row["changed_by"], row["changed_at"])

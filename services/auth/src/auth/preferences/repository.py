from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.preferences.model import Preferences
from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class PreferenceRepository:
    """What people do not want."""

    tx: Transaction

    async def find(self, user_id: UUID) -> Preferences:
        """Somebody's preferences; without any they want all."""
        return _preferences(
            await self.tx.fetchrow("SELECT unwanted, version FROM mail_preferences WHERE user_id = $1", user_id)
        )

    async def lock(self, user_id: UUID) -> Preferences | None:
        """Somebody's preferences for update; there is a row from now on. None when the account is gone."""
        await self.tx.execute(
            """
            INSERT INTO mail_preferences (user_id) SELECT id FROM users WHERE id = $1 FOR KEY SHARE
            ON CONFLICT (user_id) DO NOTHING
            """,
            user_id,
        )
        row = await self.tx.fetchrow(
            "SELECT unwanted, version FROM mail_preferences WHERE user_id = $1 FOR NO KEY UPDATE", user_id
        )
        return None if row is None else _preferences(row)

    async def save(self, user_id: UUID, preferences: Preferences) -> None:
        """Write them."""
        await self.tx.execute(
            "UPDATE mail_preferences SET unwanted = $2, version = $3, changed_at = kit_now() WHERE user_id = $1",
            user_id,
            sorted(preferences.unwanted),
            preferences.version,
        )

    async def without(self, user_ids: Collection[UUID], category: str) -> frozenset[UUID]:
        """Those of these people who do not want this category."""
        rows = await self.tx.fetch(
            "SELECT user_id FROM mail_preferences WHERE user_id = ANY ($1) AND $2 = ANY (unwanted)",
            list(user_ids),
            category,
        )
        return frozenset(row["user_id"] for row in rows)

    async def addresses(self, user_id: UUID) -> list[SealedAddress]:
        """Somebody's proven addresses."""
        rows = await self.tx.fetch(
            "SELECT id, sealed FROM identities WHERE user_id = $1 AND kind = 'email' AND verified_at IS NOT NULL",
            user_id,
        )
        return [SealedAddress(row["id"], row["sealed"]) for row in rows]

    async def of_person(self, user_id: UUID) -> list[Row]:
        """Somebody's preferences as they may read them."""
        return await self.tx.fetch(
            "SELECT unwanted, version, changed_at FROM mail_preferences WHERE user_id = $1", user_id
        )

    async def delete(self, user_id: UUID) -> int:
        """Forget what somebody wants."""
        return await self.tx.execute("DELETE FROM mail_preferences WHERE user_id = $1", user_id)


def _preferences(row: Row | None) -> Preferences:
    return Preferences(frozenset(), 0) if row is None else Preferences(frozenset(row["unwanted"]), row["version"])

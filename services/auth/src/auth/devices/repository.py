from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from auth.devices.model import MOST_DEVICES, StoredDevice
from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL

_SHOWN = """
    SELECT d.id, d.name_sealed, d.version, d.seen_at, d.created_at,
           CASE WHEN d.remembered_until > kit_now() AND d.remembered_epoch = u.sessions_from_epoch
                THEN d.remembered_until END AS remembered_until,
           d.id IS NOT DISTINCT FROM (SELECT device_id FROM sessions WHERE id = $2) AS current
    FROM devices AS d JOIN users AS u ON u.id = d.user_id
    WHERE d.user_id = $1
"""


@dataclass(frozen=True, slots=True)
class DeviceRepository:
    """Devices, each of one person."""

    tx: Transaction

    async def known(self, user_id: UUID, token_id: UUID) -> UUID | None:
        """This person's device whose token was shown; asked alike when there is neither person nor token."""
        found: UUID | None = await self.tx.fetchval(
            "SELECT id FROM devices WHERE user_id = $1 AND token_id = $2", user_id, token_id
        )
        return found

    async def remember(self, device_id: UUID, life: timedelta) -> None:
        """Spare the second factor on it for a while, as long as the person's sessions are not ended together."""
        await self.tx.execute(
            """
            UPDATE devices AS d
            SET remembered_until = kit_now() + $2::interval, remembered_epoch = u.sessions_from_epoch
            FROM users AS u
            WHERE d.id = $1 AND u.id = d.user_id
            """,
            device_id,
            life,
        )

    async def is_remembered(self, user_id: UUID, token_id: UUID) -> bool:
        """Whether the second factor is spared on it."""
        found: bool = await self.tx.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM devices AS d JOIN users AS u ON u.id = d.user_id
                WHERE d.user_id = $1 AND d.token_id = $2
                  AND d.remembered_until > kit_now() AND d.remembered_epoch = u.sessions_from_epoch
            )
            """,
            user_id,
            token_id,
        )
        return found

    async def forget_remembered(self, user_id: UUID) -> None:
        """Ask for the second factor on all of them again."""
        await self.tx.execute(
            """
            UPDATE devices SET remembered_until = NULL, remembered_epoch = NULL
            WHERE user_id = $1 AND remembered_until IS NOT NULL
            """,
            user_id,
        )

    async def page(self, user_id: UUID, session_id: UUID, after: UUID | None, at_most: int) -> list[StoredDevice]:
        """A person's devices, the newest first."""
        rows = await self.tx.fetch(
            _SHOWN + " AND d.id < $3 ORDER BY d.id DESC LIMIT $4",
            user_id,
            session_id,
            after or AFTER_ALL,
            at_most,
        )
        return [StoredDevice(**row) for row in rows]

    async def find(self, user_id: UUID, session_id: UUID, device_id: UUID) -> StoredDevice | None:
        """One of a person's devices, for update."""
        row = await self.tx.fetchrow(_SHOWN + " AND d.id = $3 FOR NO KEY UPDATE OF d", user_id, session_id, device_id)
        return None if row is None else StoredDevice(**row)

    async def save_name(self, device_id: UUID, name_sealed: bytes) -> None:
        """Give it another name."""
        await self.tx.execute(
            "UPDATE devices SET name_sealed = $2, version = version + 1 WHERE id = $1", device_id, name_sealed
        )

    async def delete(self, user_id: UUID, device_id: UUID) -> bool:
        """Know it no more."""
        touched = await self.tx.execute("DELETE FROM devices WHERE id = $1 AND user_id = $2", device_id, user_id)
        return touched == 1

    async def of(self, user_id: UUID) -> list[Row]:
        """All devices of one person, without what their tokens prove."""
        return await self.tx.fetch(
            """
            SELECT id, name_sealed, remembered_until, seen_at, created_at FROM devices WHERE user_id = $1 ORDER BY id
            """,
            user_id,
        )

    async def ids(self, user_id: UUID) -> list[UUID]:
        """All devices of one person, by id."""
        return [row["id"] for row in await self.tx.fetch("SELECT id FROM devices WHERE user_id = $1", user_id)]

    async def delete_all(self, user_id: UUID) -> int:
        """Forget all devices of one person."""
        return await self.tx.execute("DELETE FROM devices WHERE user_id = $1", user_id)

    async def purge(self, kept_for: timedelta, at_most: int) -> int:
        """Forget those that nobody has used for so long."""
        return await self.tx.execute(
            """
            DELETE FROM devices
            WHERE id IN (
                SELECT id FROM devices WHERE seen_at < kit_now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED
            )
            """,
            kept_for,
            at_most,
        )

    async def make_room(self, user_id: UUID) -> None:
        """Know those no more that are beyond the limit, used least lately."""
        await self.tx.execute(
            """
            DELETE FROM devices
            WHERE id IN (SELECT id FROM devices WHERE user_id = $1 ORDER BY seen_at DESC, id DESC OFFSET $2)
            """,
            user_id,
            MOST_DEVICES,
        )

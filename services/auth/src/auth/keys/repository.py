from dataclasses import dataclass
from datetime import datetime, timedelta

from auth.keys.model import StoredKey
from kit.db.database import Transaction

_LOCK = 0x6B657973  # "keys"


@dataclass(frozen=True, slots=True)
class KeyRepository:
    """The platform's signing keys."""

    tx: Transaction

    async def lock(self) -> None:
        """Let only one process at a time make keys; held until the transaction ends."""
        await self.tx.execute("SELECT pg_advisory_xact_lock(hashtext(current_schema()), $1)", _LOCK)

    async def all(self) -> list[StoredKey]:
        """All keys in the order of their times."""
        rows = await self.tx.fetch(
            "SELECT kid, public_key, sealed_private, signs_from FROM signing_keys ORDER BY signs_from, kid"
        )
        return [StoredKey(row["kid"], row["public_key"], row["sealed_private"], row["signs_from"]) for row in rows]

    async def now(self) -> datetime:
        """The platform's time."""
        now: datetime = await self.tx.fetchval("SELECT kit_now()")
        return now

    async def add(self, key: StoredKey) -> None:
        """Announce a key."""
        await self.tx.execute(
            "INSERT INTO signing_keys (kid, public_key, sealed_private, signs_from) VALUES ($1, $2, $3, $4)",
            key.kid,
            key.public,
            key.sealed_private,
            key.signs_from,
        )

    async def remove(self, kid: str) -> bool:
        """Take a key away for good, and remember that; False when there is none such."""
        if not await self.tx.execute("DELETE FROM signing_keys WHERE kid = $1", kid):
            return False
        await self.tx.execute("INSERT INTO removed_keys (kid) VALUES ($1) ON CONFLICT (kid) DO NOTHING", kid)
        return True

    async def begin_now(self, kid: str) -> None:
        """Let a key that was announced sign at once."""
        await self.tx.execute("UPDATE signing_keys SET signs_from = kit_now() WHERE kid = $1", kid)

    async def removed(self, since: timedelta) -> list[str]:
        """Keys that were taken away lately."""
        rows = await self.tx.fetch(
            "SELECT kid FROM removed_keys WHERE removed_at > kit_now() - $1::interval ORDER BY removed_at, kid", since
        )
        return [row["kid"] for row in rows]

    async def forget_removed(self, kept_for: timedelta) -> int:
        """Forget keys that were taken away so long ago."""
        return await self.tx.execute("DELETE FROM removed_keys WHERE removed_at < kit_now() - $1::interval", kept_for)

    async def purge(self, kept_for: timedelta) -> int:
        """Destroy keys that were succeeded so long ago that nobody needs them."""
        return await self.tx.execute(
            """
            DELETE FROM signing_keys AS old
            WHERE (SELECT min(next.signs_from) FROM signing_keys AS next WHERE next.signs_from > old.signs_from)
                  < kit_now() - $1::interval
            """,
            kept_for,
        )

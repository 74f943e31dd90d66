from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.http.caller import MemberCaller
from kit.ids import BEFORE_ALL
from postrules.limits import Platform
from publisher.accounts.model import AccountKind
from publisher.connections.model import CONSENT_WITHIN, Connection


@dataclass(frozen=True, slots=True)
class ConnectionRepository:
    """Consents that were asked for."""

    tx: Transaction

    async def add(
        self,
        connection_id: UUID,
        caller: MemberCaller,
        platform: Platform,
        kind: AccountKind,
        *,
        state_hash: bytes,
        browser_hash: bytes,
    ) -> datetime:
        """Remember who asked; returns until when the consent may come."""
        expires_at: datetime = await self.tx.fetchval(
            """
            INSERT INTO connections
                (id, organization_id, user_id, session_id, platform, kind, state_hash, browser_hash, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, kit_now() + $9)
            RETURNING expires_at
            """,
            connection_id,
            caller.organization_id,
            caller.user_id,
            caller.session_id,
            platform,
            kind,
            state_hash,
            browser_hash,
            CONSENT_WITHIN,
        )
        return expires_at

    async def take(self, state_hash: bytes) -> Connection | None:
        """Spend a state, whosever it is; None when there is no such one, or it was spent before."""
        row = await self.tx.fetchrow("SELECT * FROM take_connection($1)", state_hash)
        return None if row is None else _connection(row)

    async def keep_code(self, connection: Connection, sealed: bytes) -> None:
        """Keep the sealed code until it is exchanged."""
        await self.tx.execute(
            "UPDATE connections SET code = $3 WHERE id = $1 AND organization_id = $2",
            connection.id,
            connection.organization_id,
            sealed,
        )

    async def codes(self, connection_ids: Collection[UUID]) -> list[Row]:
        """The sealed codes that are kept, of all organizations of the transaction."""
        return await self.tx.fetch(
            "SELECT id, platform, kind, user_id, code FROM connections WHERE id = ANY ($1) AND code IS NOT NULL",
            list(connection_ids),
        )

    async def lock(self, connection_id: UUID) -> bool:
        """Keep it until we commit; False when it is not there any more."""
        found = await self.tx.fetchval("SELECT true FROM connections WHERE id = $1 FOR UPDATE", connection_id)
        return found is not None

    async def finish(self, connection_id: UUID, connected: Sequence[UUID], refused: int) -> None:
        """Forget the code, remember what it connected, and how many accounts the plan had no room for."""
        await self.tx.execute(
            "UPDATE connections SET code = NULL, connected = $2, refused = $3 WHERE id = $1",
            connection_id,
            list(connected),
            refused,
        )

    async def connected(self, connection: Connection) -> tuple[tuple[UUID, ...], int]:
        """What it connected, and how many accounts the plan had no room for."""
        found = await self.tx.fetchrow(
            "SELECT connected, refused FROM connections WHERE id = $1 AND organization_id = $2",
            connection.id,
            connection.organization_id,
        )
        return (tuple(found["connected"]), found["refused"]) if found else ((), 0)

    async def forget_old(self) -> bool:
        """Forget what ended more than a day ago, whosever it was; True when something was forgotten."""
        return bool(await self.tx.fetchval("SELECT forget_connections()"))


@dataclass(frozen=True, slots=True)
class PersonsConnections:
    """The consents that one user was asked for, in all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, limit: int) -> list[Row]:
        """What is kept of them, without what opens anything."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, session_id, platform, kind, connected, created_at, expires_at, used_at
            FROM connections
            WHERE user_id = $1 AND organization_id = ANY ($2) AND id > $3
            ORDER BY id LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or BEFORE_ALL,
            limit,
        )

    async def remove(self, connection_ids: Collection[UUID]) -> int:
        """Delete them; how many."""
        return await self.tx.execute(
            "DELETE FROM connections WHERE id = ANY ($1) AND organization_id = ANY ($2)",
            list(connection_ids),
            self.tx.organization_ids,
        )


def _connection(row: Row) -> Connection:
    return Connection(
        id=row["id"],
        organization_id=row["organization_id"],
        user_id=row["user_id"],
        platform=Platform(row["platform"]),
        kind=AccountKind(row["kind"]),
        browser_hash=bytes(row["browser_hash"]),
        expires_at=row["expires_at"],
    )

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auth.api_keys.model import ApiKey, Grant, KeyState
from auth.api_keys.secrets import NewSecret
from auth.members.permissions import Role
from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class ApiKeyRepository:
    """The API keys of the transaction's organization."""

    tx: Transaction

    async def add(  # noqa: PLR0917 - what a key is made of
        self, key_id: UUID, name: str, grant: Grant, secret: NewSecret, made_by: UUID, life: timedelta
    ) -> None:
        """Keep a new key."""
        await self.tx.execute(
            """
            INSERT INTO api_keys
                (id, organization_id, name, role, scopes, allowed_addresses, secret_hash, hint, made_by, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, kit_now() + $10::interval)
            """,
            key_id,
            self.tx.organization_id,
            name,
            grant.role,
            list(grant.scopes),
            list(grant.allowed_addresses),
            secret.hashed,
            secret.hint,
            made_by,
            life,
        )

    async def lock_organization(self) -> None:
        """Let keys of one organization be made one after the other."""
        await self.tx.execute("SELECT FROM organizations WHERE id = $1 FOR NO KEY UPDATE", self.tx.organization_id)

    async def count_active(self) -> int:
        """How many are in use."""
        count: int = await self.tx.fetchval(
            """
            SELECT count(*) FROM api_keys
            WHERE organization_id = $1 AND ended_at IS NULL AND expires_at > kit_now()
            """,
            self.tx.organization_id,
        )
        return count

    async def find(self, key_id: UUID) -> ApiKey | None:
        """One key."""
        row = await self.tx.fetchrow(
            """
            SELECT id, name, role, scopes, allowed_addresses, hint, made_by, replaced_by, version,
                   expires_at, created_at, last_used_at, ended_at, expires_at <= kit_now() AS expired
            FROM api_keys
            WHERE organization_id = $1 AND id = $2
            """,
            self.tx.organization_id,
            key_id,
        )
        return None if row is None else _key(row)

    async def lock(self, key_id: UUID) -> ApiKey | None:
        """One key for update; other changes of it wait until we commit."""
        await self.tx.execute(
            "SELECT FROM api_keys WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE",
            self.tx.organization_id,
            key_id,
        )
        return await self.find(key_id)

    async def page(self, after: UUID | None, at_most: int) -> list[ApiKey]:
        """Keys in the order of their ids."""
        rows = await self.tx.fetch(
            """
            SELECT id, name, role, scopes, allowed_addresses, hint, made_by, replaced_by, version,
                   expires_at, created_at, last_used_at, ended_at, expires_at <= kit_now() AS expired
            FROM api_keys
            WHERE organization_id = $1 AND id > $2
            ORDER BY id
            LIMIT $3
            """,
            self.tx.organization_id,
            after or UUID(int=0),
            at_most,
        )
        return [_key(row) for row in rows]

    async def replace(self, key_id: UUID, successor: UUID, overlap: timedelta) -> bool:
        """Let a key end with its overlap; says whether it has ended at once."""
        ended: bool = await self.tx.fetchval(
            """
            UPDATE api_keys
            SET replaced_by = $3, version = version + 1, expires_at = least(expires_at, kit_now() + $4::interval),
                ended_at = CASE WHEN $4::interval <= interval '0' THEN kit_now() END
            WHERE organization_id = $1 AND id = $2
            RETURNING ended_at IS NOT NULL
            """,
            self.tx.organization_id,
            key_id,
            successor,
            overlap,
        )
        return ended

    async def end(self, key_id: UUID) -> int | None:
        """End a key; its new version, or None when it had ended before."""
        version: int | None = await self.tx.fetchval(
            """
            UPDATE api_keys SET ended_at = kit_now(), version = version + 1
            WHERE organization_id = $1 AND id = $2 AND ended_at IS NULL
            RETURNING version
            """,
            self.tx.organization_id,
            key_id,
        )
        return version

    async def purge(self, kept_for: timedelta) -> None:
        """Forget keys that have been over for so long."""
        await self.tx.execute(
            """
            DELETE FROM api_keys
            WHERE organization_id = $1 AND least(ended_at, expires_at) < kit_now() - $2::interval
            """,
            self.tx.organization_id,
            kept_for,
        )


@dataclass(frozen=True, slots=True)
class KeyInUse:
    """What a key is exchanged by."""

    hashed: bytes
    grant: Grant
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Verification:
    """The one question that every exchange asks."""

    tx: Transaction

    async def find(self, key_id: UUID) -> KeyInUse | None:
        """A key that is good now."""
        row = await self.tx.fetchrow(
            """
            SELECT k.secret_hash, k.role, k.scopes, k.allowed_addresses, k.expires_at
            FROM api_keys AS k JOIN organizations AS o ON o.id = k.organization_id AND o.suspended_at IS NULL
            WHERE k.organization_id = $1 AND k.id = $2 AND k.ended_at IS NULL AND k.expires_at > kit_now()
            """,
            self.tx.organization_id,
            key_id,
        )
        if row is None:
            return None
        return KeyInUse(row["secret_hash"], _grant(row), row["expires_at"])

    async def save_uses(self, last: Mapping[UUID, datetime]) -> None:
        """Write down when keys were last used, of all organizations that the transaction is bound to."""
        await self.tx.execute(
            """
            WITH used AS (SELECT * FROM unnest($2::uuid[], $3::timestamptz[]) AS u (id, at)),
            held AS (
                SELECT k.id FROM api_keys AS k
                WHERE k.id = ANY ($2) AND k.organization_id = ANY ($1)
                ORDER BY k.id
                FOR NO KEY UPDATE
            )
            UPDATE api_keys AS k SET last_used_at = greatest(k.last_used_at, used.at)
            FROM used JOIN held USING (id)
            WHERE k.id = used.id AND k.organization_id = ANY ($1)
            """,
            self.tx.organization_ids,
            list(last),
            list(last.values()),
        )


@dataclass(frozen=True, slots=True)
class PersonsApiKeys:
    """Keys that one person has made, of all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, at_most: int) -> list[Row]:
        """The keys, without anything by which one could be used."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, name, role, scopes, allowed_addresses, expires_at, created_at, ended_at
            FROM api_keys
            WHERE made_by = $1 AND organization_id = ANY ($2) AND id > $3
            ORDER BY id
            LIMIT $4
            """,
            user_id,
            self.tx.organization_ids,
            after or UUID(int=0),
            at_most,
        )

    async def unlink(self, user_id: UUID, at_most: int) -> int:
        """Let keys be nobody's: they are the organization's and go on."""
        return await self.tx.execute(
            """
            UPDATE api_keys SET made_by = NULL
            WHERE id IN (
                SELECT id FROM api_keys
                WHERE made_by = $1 AND organization_id = ANY ($2)
                ORDER BY id LIMIT $3 FOR UPDATE
            )
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )


def _grant(row: Row) -> Grant:
    return Grant(Role(row["role"]), row["scopes"], row["allowed_addresses"])


def _key(row: Row) -> ApiKey:
    state = KeyState.EXPIRED if row["expired"] else KeyState.ACTIVE
    return ApiKey(
        id=row["id"],
        name=row["name"],
        grant=_grant(row),
        hint=row["hint"],
        made_by=row["made_by"],
        replaced_by=row["replaced_by"],
        version=row["version"],
        state=state if row["ended_at"] is None else KeyState.ENDED,
        expires_at=row["expires_at"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        ended_at=row["ended_at"],
    )

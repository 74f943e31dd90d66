from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from auth.members.permissions import Role
from auth.oauth_clients.model import Client, Registration
from kit.db.database import Row, Transaction

_COLUMNS: Final = """
    id, organization_id, name, public, redirect_uris, scopes, role, secret_hash, made_by, version, ended_at,
    created_at, CASE WHEN old_secret_until > kit_now() THEN old_secret_hash END AS old_secret_hash,
    CASE WHEN old_secret_until > kit_now() THEN old_secret_until END AS old_secret_until
"""


@dataclass(frozen=True, slots=True)
class ClientRepository:
    """The programs of the transaction's organization."""

    tx: Transaction

    async def add(
        self, client_id: UUID, registration: Registration, secret_hash: bytes | None, made_by: UUID
    ) -> None:
        """Register a program; without a secret it is public."""
        await self.tx.execute(
            """
            INSERT INTO oauth_clients
                (id, organization_id, name, public, redirect_uris, scopes, role, secret_hash, made_by)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            """,
            client_id,
            self.tx.organization_id,
            registration.name,
            secret_hash is None,
            list(registration.redirect_uris),
            list(registration.scopes),
            registration.role,
            secret_hash,
            made_by,
        )

    async def lock_organization(self) -> None:
        """Let programs of one organization be registered one after the other."""
        await self.tx.execute("SELECT FROM organizations WHERE id = $1 FOR NO KEY UPDATE", self.tx.organization_id)

    async def count(self) -> int:
        """How many there are that have not ended."""
        count: int = await self.tx.fetchval(
            "SELECT count(*) FROM oauth_clients WHERE organization_id = $1 AND ended_at IS NULL",
            self.tx.organization_id,
        )
        return count

    async def find(self, client_id: UUID) -> Client | None:
        """One program that has not ended; those of a suspended organization are none."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM oauth_clients
            WHERE organization_id = $1 AND id = $2 AND ended_at IS NULL
              AND NOT EXISTS (SELECT FROM organizations AS o WHERE o.id = $1 AND o.suspended_at IS NOT NULL)
            """,  # noqa: S608 - ours
            self.tx.organization_id,
            client_id,
        )
        return None if row is None else _client(row)

    async def owner(self) -> str:
        """The name of the organization whose programs these are."""
        name: str = await self.tx.fetchval("SELECT name FROM organizations WHERE id = $1", self.tx.organization_id)
        return name

    async def lock(self, client_id: UUID) -> Client | None:
        """One program for update."""
        await self.tx.execute(
            "SELECT FROM oauth_clients WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE",
            self.tx.organization_id,
            client_id,
        )
        return await self.find(client_id)

    async def page(self, after: UUID | None, at_most: int) -> list[Client]:
        """Programs that have not ended, in the order of their ids."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM oauth_clients
            WHERE organization_id = $1 AND id > $2 AND ended_at IS NULL
            ORDER BY id
            LIMIT $3
            """,  # noqa: S608 - ours
            self.tx.organization_id,
            after or UUID(int=0),
            at_most,
        )
        return [_client(row) for row in rows]

    async def save(self, client_id: UUID, registration: Registration) -> None:
        """Write what the organization says of it now."""
        await self.tx.execute(
            """
            UPDATE oauth_clients
            SET name = $3, redirect_uris = $4, scopes = $5, role = $6, version = version + 1
            WHERE organization_id = $1 AND id = $2
            """,
            self.tx.organization_id,
            client_id,
            registration.name,
            list(registration.redirect_uris),
            list(registration.scopes),
            registration.role,
        )

    async def save_secret(self, client_id: UUID, secret_hash: bytes, overlap: timedelta) -> None:
        """Write another secret; the present one is good for so long."""
        await self.tx.execute(
            """
            UPDATE oauth_clients
            SET old_secret_hash = secret_hash, old_secret_until = kit_now() + $4::interval, secret_hash = $3,
                version = version + 1
            WHERE organization_id = $1 AND id = $2
            """,
            self.tx.organization_id,
            client_id,
            secret_hash,
            overlap,
        )

    async def end(self, client_id: UUID) -> None:
        """Let a program be one no more."""
        await self.tx.execute(
            """
            UPDATE oauth_clients SET ended_at = kit_now(), version = version + 1
            WHERE organization_id = $1 AND id = $2
            """,
            self.tx.organization_id,
            client_id,
        )


@dataclass(frozen=True, slots=True)
class PersonsClients:
    """Programs that one person has registered, of all organizations that the transaction is bound to."""

    tx: Transaction

    async def page(self, user_id: UUID, after: UUID | None, at_most: int) -> list[Row]:
        """The programs, without anything that one could show."""
        return await self.tx.fetch(
            """
            SELECT id, organization_id, name, public, redirect_uris, scopes, role, created_at, ended_at
            FROM oauth_clients
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
        """Let programs be nobody's: they are the organization's and go on."""
        return await self.tx.execute(
            """
            UPDATE oauth_clients SET made_by = NULL
            WHERE id IN (
                SELECT id FROM oauth_clients
                WHERE made_by = $1 AND organization_id = ANY ($2)
                ORDER BY id LIMIT $3 FOR UPDATE
            )
            """,
            user_id,
            self.tx.organization_ids,
            at_most,
        )


async def found(tx: Transaction, client_id: UUID) -> Client | None:
    """A program that has not ended, whosever it is; from here on the transaction is bound to its organization."""
    row = await tx.fetchrow("SELECT organization_id FROM oauth_client($1) WHERE NOT ended", client_id)
    if row is None:
        return None
    await tx.bind(row["organization_id"])
    return await ClientRepository(tx).find(client_id)


def _client(row: Row) -> Client:
    role = None if row["role"] is None else Role(row["role"])
    return Client(
        id=row["id"],
        organization_id=row["organization_id"],
        public=row["public"],
        registration=Registration(row["name"], row["redirect_uris"], row["scopes"], role),
        secrets=[each for each in (row["secret_hash"], row["old_secret_hash"]) if each is not None],
        made_by=row["made_by"],
        version=row["version"],
        ended_at=row["ended_at"],
        created_at=row["created_at"],
        old_secret_until=row["old_secret_until"],
    )

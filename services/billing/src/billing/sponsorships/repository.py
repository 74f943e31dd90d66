from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from billing.sponsorships.errors import SponsorshipNotFound
from billing.sponsorships.model import Sponsorship
from kit.db.database import Transaction
from kit.ids import AFTER_ALL

TOPIC: Final = "sponsorships"
"""Under which the loop is woken that brings clients up to what their agency pays for."""

_COLUMNS: Final = "id, organization_id, agency_id, delegation_id, plan, ended_because, ended_at, version, created_at"


@dataclass(frozen=True, slots=True)
class DelegationRepository:
    """For whom people of an agency may act; rows are seen by both sides."""

    tx: Transaction

    async def save(
        self,
        delegation_id: UUID,
        client_id: UUID,
        agency_id: UUID,
        ends_at: datetime | None,
        version: int,
        *,
        revoked: bool,
    ) -> None:
        """Write what is known of a delegation; what is older than the row changes nothing."""
        await self.tx.execute(
            """
            INSERT INTO delegations AS held (delegation_id, organization_id, agency_id, ends_at, revoked, version)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (delegation_id) DO UPDATE
            SET ends_at = coalesce(excluded.ends_at, held.ends_at), revoked = held.revoked OR excluded.revoked,
                version = excluded.version
            WHERE held.version < excluded.version
            """,
            delegation_id,
            client_id,
            agency_id,
            ends_at,
            revoked,
            version,
        )

    async def between(self, agency_id: UUID, client_id: UUID) -> UUID | None:
        """The delegation by which an agency acts for a client now, held against its end."""
        found: UUID | None = await self.tx.fetchval(
            """
            SELECT delegation_id FROM delegations
            WHERE agency_id = $1 AND organization_id = $2 AND NOT revoked AND ends_at > kit_now()
            ORDER BY ends_at DESC LIMIT 1 FOR UPDATE
            """,
            agency_id,
            client_id,
        )
        return found


@dataclass(frozen=True, slots=True)
class SponsorshipRepository:
    """Sponsorships in which the transaction's organization is the agency or the client."""

    tx: Transaction

    async def add(self, sponsorship_id: UUID, client_id: UUID, delegation_id: UUID, plan: str) -> bool:
        """The transaction's organization pays for this client; False when somebody does already."""
        added = await self.tx.execute(
            """
            INSERT INTO sponsorships (id, organization_id, agency_id, delegation_id, plan)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (organization_id) WHERE ended_at IS NULL DO NOTHING
            """,
            sponsorship_id,
            client_id,
            self.tx.organization_id,
            delegation_id,
            plan,
        )
        self.tx.stir(TOPIC)
        return added == 1

    async def clients(self) -> int:
        """For how many clients the transaction's organization pays."""
        found: int = await self.tx.fetchval(
            "SELECT count(*) FROM sponsorships WHERE agency_id = $1 AND ended_at IS NULL", self.tx.organization_id
        )
        return found

    async def find(self, sponsorship_id: UUID) -> Sponsorship:
        """One of them, for update.

        Raises:
            SponsorshipNotFound: it is not there, or neither side is ours.
        """
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM sponsorships WHERE id = $1 AND (organization_id = $2 OR agency_id = $2) FOR UPDATE
            """,  # noqa: S608 - our own columns
            sponsorship_id,
            self.tx.organization_id,
        )
        if row is None:
            raise SponsorshipNotFound
        return Sponsorship(**row)

    async def of_delegation(self, delegation_id: UUID) -> list[Sponsorship]:
        """Those that go on by a delegation, for update."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM sponsorships
            WHERE delegation_id = $1 AND (organization_id = $2 OR agency_id = $2) AND ended_at IS NULL FOR UPDATE
            """,  # noqa: S608 - our own columns
            delegation_id,
            self.tx.organization_id,
        )
        return [Sponsorship(**row) for row in rows]

    async def end(self, sponsorship_id: UUID, because: str) -> int:
        """Nobody pays any more; returns the new version."""
        version: int = await self.tx.fetchval(
            """
            UPDATE sponsorships SET plan = '', settled = false, ended_because = $2, ended_at = kit_now(),
                version = version + 1
            WHERE id = $1 AND (organization_id = $3 OR agency_id = $3) RETURNING version
            """,
            sponsorship_id,
            because,
            self.tx.organization_id,
        )
        self.tx.stir(TOPIC)
        return version

    async def give(self, plan: str) -> None:
        """The transaction's organization gives its clients this plan from now on; they are settled afterwards."""
        moved = await self.tx.execute(
            """
            UPDATE sponsorships SET plan = $2, settled = false, version = version + 1
            WHERE agency_id = $1 AND ended_at IS NULL AND plan <> $2
            """,
            self.tx.organization_id,
            plan,
        )
        if moved:
            self.tx.stir(TOPIC)

    async def taken(self) -> list[str]:
        """The plan that an agency pays for, if one does."""
        rows = await self.tx.fetch(
            "SELECT plan FROM sponsorships WHERE organization_id = $1 AND ended_at IS NULL AND plan <> ''",
            self.tx.organization_id,
        )
        return [row["plan"] for row in rows]

    async def mark_settled(self) -> None:
        """What the transaction's organization may use was brought up to all of them."""
        await self.tx.execute(
            "UPDATE sponsorships SET settled = true WHERE organization_id = $1 AND NOT settled",
            self.tx.organization_id,
        )

    async def to_settle(self, at_most: int) -> list[UUID]:
        """Clients, of whatever tenant, that are to be brought up to what is paid for them."""
        rows = await self.tx.fetch("SELECT organization_id FROM clients_to_settle($1)", at_most)
        return [row["organization_id"] for row in rows]

    async def page(self, before: UUID | None, at_most: int) -> list[Sponsorship]:
        """Those of both sides, the newest first."""
        rows = await self.tx.fetch(
            f"""
            (SELECT {_COLUMNS} FROM sponsorships
             WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3)
            UNION ALL
            (SELECT {_COLUMNS} FROM sponsorships
             WHERE agency_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3)
            ORDER BY id DESC LIMIT $3
            """,  # noqa: S608 - our own columns
            self.tx.organization_id,
            before or AFTER_ALL,
            at_most,
        )
        return [Sponsorship(**row) for row in rows]

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from auth.eligibility.model import Claim, ClaimState, Owned
from kit.db.database import Row, Transaction

_COLUMNS = """
    id, code_hash, version, expires_at, created_at,
    CASE WHEN state = 'pending' AND expires_at <= kit_now() THEN 'lapsed' ELSE state END AS state
"""


@dataclass(frozen=True, slots=True)
class EligibilityRepository:
    """What decides whether somebody may have a subscription."""

    tx: Transaction

    async def account(self, user_id: UUID) -> tuple[bool, bool] | None:
        """Whether somebody has proven an address, and whether their account is suspended."""
        row = await self.tx.fetchrow(
            """
            SELECT verified_at IS NOT NULL AS verified, suspended_at IS NOT NULL AS suspended FROM users WHERE id = $1
            """,
            user_id,
        )
        return None if row is None else (row["verified"], row["suspended"])

    async def owned(self) -> list[Owned]:
        """The organizations that the transaction is bound to."""
        rows = await self.tx.fetch(
            """
            SELECT o.id AS organization_id, q.plan, EXISTS (
                SELECT FROM subscription_claims AS c
                WHERE c.organization_id = o.id AND c.state = 'pending' AND c.expires_at > kit_now()
            ) AS claim_pending
            FROM organizations AS o LEFT JOIN quota_limits AS q ON q.organization_id = o.id
            WHERE o.id = ANY ($1)
            ORDER BY o.id
            """,
            list(self.tx.organization_ids),
        )
        return [Owned(**row) for row in rows]


@dataclass(frozen=True, slots=True)
class ClaimRepository:
    """Claims of the transaction's organization, whose lock orders all that happens to them."""

    tx: Transaction

    async def forget_lapsed(self, code_hash: bytes) -> None:
        """A claim of ours that has lapsed is not in the way of another; nor is one of the same code."""
        await self.tx.execute(
            """
            UPDATE subscription_claims SET state = 'withdrawn', version = version + 1
            WHERE organization_id = $1 AND state = 'pending' AND expires_at <= kit_now()
            """,
            self.tx.organization_id,
        )
        await self.tx.fetchval("SELECT lapse_claims_of($1)", code_hash)

    async def of_code(self, code_hash: bytes) -> Claim | None:
        """Our own claim of a code that was not withdrawn."""
        row = await self.tx.fetchrow(
            f"""
            SELECT {_COLUMNS} FROM subscription_claims
            WHERE organization_id = $1 AND code_hash = $2 AND state <> 'withdrawn'
            """,  # noqa: S608 - ours
            self.tx.organization_id,
            code_hash,
        )
        return None if row is None else _claim(row)

    async def add(self, claim_id: UUID, code_hash: bytes, member_id: UUID, life: timedelta) -> bool:
        """Claim; False when another organization has claimed this code."""
        touched = await self.tx.execute(
            """
            INSERT INTO subscription_claims (id, organization_id, code_hash, claimed_by, expires_at)
            VALUES ($1, $2, $3, $4, kit_now() + $5::interval)
            ON CONFLICT (code_hash) WHERE state <> 'withdrawn' DO NOTHING
            """,
            claim_id,
            self.tx.organization_id,
            code_hash,
            member_id,
            life,
        )
        return touched == 1

    async def find(self, claim_id: UUID) -> Claim | None:
        """One claim."""
        row = await self.tx.fetchrow(
            f"SELECT {_COLUMNS} FROM subscription_claims WHERE organization_id = $1 AND id = $2",  # noqa: S608 - ours
            self.tx.organization_id,
            claim_id,
        )
        return None if row is None else _claim(row)

    async def page(self, after: UUID | None, at_most: int) -> list[Claim]:
        """Claims in the order of their ids."""
        rows = await self.tx.fetch(
            f"""
            SELECT {_COLUMNS} FROM subscription_claims WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT $3
            """,  # noqa: S608 - ours
            self.tx.organization_id,
            after or UUID(int=0),
            at_most,
        )
        return [_claim(row) for row in rows]

    async def withdraw(self, claim_id: UUID) -> None:
        """Take one back."""
        await self.tx.execute(
            """
            UPDATE subscription_claims SET state = 'withdrawn', version = version + 1
            WHERE organization_id = $1 AND id = $2 AND state = 'pending'
            """,
            self.tx.organization_id,
            claim_id,
        )

    async def link(self) -> None:
        """What was claimed has come."""
        await self.tx.execute(
            """
            UPDATE subscription_claims SET state = 'linked', version = version + 1
            WHERE organization_id = $1 AND state = 'pending'
            """,
            self.tx.organization_id,
        )


@dataclass(frozen=True, slots=True)
class PersonsClaims:
    """What one user has claimed, for all organizations that the transaction is bound to."""

    tx: Transaction

    async def all(self, user_id: UUID) -> list[Row]:
        """For which organization, when, and what became of it."""
        return await self.tx.fetch(
            """
            SELECT c.id, c.organization_id, c.state, c.created_at
            FROM members AS m JOIN subscription_claims AS c ON c.claimed_by = m.id
            WHERE m.user_id = $1 AND m.organization_id = ANY ($2)
            ORDER BY c.id
            """,
            user_id,
            self.tx.organization_ids,
        )

    async def unlink(self, user_id: UUID) -> int:
        """They stay as nobody's: the organization has claimed them."""
        return await self.tx.execute(
            """
            UPDATE subscription_claims AS c SET claimed_by = NULL
            FROM members AS m
            WHERE m.user_id = $1 AND m.organization_id = ANY ($2) AND c.claimed_by = m.id
            """,
            user_id,
            self.tx.organization_ids,
        )


def _claim(row: Row) -> Claim:
    return Claim(**{**row, "state": ClaimState(row["state"])})

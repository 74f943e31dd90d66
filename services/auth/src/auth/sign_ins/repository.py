from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from auth.sign_ins.model import MOST_FACTOR_ATTEMPTS, Proof, SignIn
from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class SignInRepository:
    """Sign-ins that wait for a second factor."""

    tx: Transaction

    async def add(self, sign_in: SignIn, life: timedelta) -> None:
        """Let one wait."""
        await self.tx.execute(
            """
            INSERT INTO sign_ins (id, user_id, proofs, organization_id, expires_at, identity_provider_id)
            VALUES ($1, $2, $3, $4, kit_now() + $5::interval, $6)
            """,
            sign_in.id,
            sign_in.user_id,
            sorted(sign_in.proofs),
            sign_in.organization_id,
            life,
            sign_in.identity_provider_id,
        )

    async def attempt(self, sign_in_id: UUID) -> SignIn | None:
        """Count a try of a factor before it is made; None when there may be none any more."""
        row = await self.tx.fetchrow(
            """
            UPDATE sign_ins SET attempts = attempts + 1
            WHERE id = $1 AND attempts < $2 AND expires_at > kit_now()
            RETURNING id, user_id, proofs, organization_id, identity_provider_id
            """,
            sign_in_id,
            MOST_FACTOR_ATTEMPTS,
        )
        return _sign_in(row)

    async def find(self, sign_in_id: UUID) -> SignIn | None:
        """One of which a try is left; None when there is none such."""
        row = await self.tx.fetchrow(
            """
            SELECT id, user_id, proofs, organization_id, identity_provider_id
            FROM sign_ins
            WHERE id = $1 AND attempts < $2 AND expires_at > kit_now()
            """,
            sign_in_id,
            MOST_FACTOR_ATTEMPTS,
        )
        return _sign_in(row)

    async def take(self, sign_in_id: UUID) -> bool:
        """Use one up; False when somebody else has."""
        return await self.tx.execute("DELETE FROM sign_ins WHERE id = $1", sign_in_id) == 1

    async def of(self, user_id: UUID) -> list[Row]:
        """Those of one person."""
        return await self.tx.fetch(
            "SELECT proofs, organization_id, attempts, created_at, expires_at FROM sign_ins WHERE user_id = $1",
            user_id,
        )

    async def delete(self, user_id: UUID) -> int:
        """Forget those of one person."""
        return await self.tx.execute("DELETE FROM sign_ins WHERE user_id = $1", user_id)

    async def purge(self, at_most: int) -> int:
        """Forget those that nobody finished."""
        return await self.tx.execute(
            """
            DELETE FROM sign_ins
            WHERE id IN (SELECT id FROM sign_ins WHERE expires_at < kit_now() LIMIT $1 FOR UPDATE SKIP LOCKED)
            """,
            at_most,
        )


def _sign_in(row: Row | None) -> SignIn | None:
    if row is None:
        return None
    proofs = frozenset(Proof(each) for each in row["proofs"])
    return SignIn(row["id"], row["user_id"], proofs, row["organization_id"], row["identity_provider_id"])

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from auth.factors.model import App, Demand, Factor
from auth.sign_ins.model import Proof
from kit.db.database import Row, Transaction

ENROLLED: Final = """
    EXISTS (SELECT FROM passkeys WHERE user_id = $1) AS passkey,
    EXISTS (SELECT FROM totp_factors WHERE user_id = $1 AND activated_at IS NOT NULL) AS totp,
    EXISTS (SELECT FROM recovery_codes WHERE user_id = $1) AS recovery_code
"""
"""Columns for a question about the person $1; `offered` reads them."""


def offered(row: Row) -> tuple[Proof, ...]:
    """The kinds in use, the one to offer first at the front; recovery codes only stand in for another."""
    if not (row["passkey"] or row["totp"]):
        return ()
    return tuple(each for each in (Proof.PASSKEY, Proof.TOTP, Proof.RECOVERY_CODE) if row[each.value])


@dataclass(frozen=True, slots=True)
class FactorRepository:
    """The second factors of a person, of whatever kind."""

    tx: Transaction

    async def enrolled(self, user_id: UUID) -> tuple[Proof, ...]:
        """The kinds in use, the one to offer first at the front."""
        row = await self.tx.fetchrow(f"SELECT {ENROLLED}", user_id)
        return () if row is None else offered(row)

    async def demanded_by(self, user_id: UUID, at_most: int) -> list[Demand]:
        """Organizations of a person's that demand a second factor; of all tenants, only of this person's."""
        rows = await self.tx.fetch(
            "SELECT organization_id, name FROM demanding_organizations_of($1, $2)", user_id, at_most
        )
        return [Demand(**row) for row in rows]

    async def of(self, user_id: UUID) -> list[Factor]:
        """All that are in use, oldest first."""
        rows = await self.tx.fetch(
            """
            SELECT id, 'totp' AS kind, sealed_name, created_at, last_used_at, NULL AS version, NULL AS backed_up
            FROM totp_factors
            WHERE user_id = $1 AND activated_at IS NOT NULL
            UNION ALL
            SELECT id, 'passkey', sealed_name, created_at, last_used_at, version, backed_up
            FROM passkeys
            WHERE user_id = $1
            ORDER BY id
            """,
            user_id,
        )
        return [Factor(**row) for row in rows]


@dataclass(frozen=True, slots=True)
class AppRepository:
    """Authenticator apps."""

    tx: Transaction

    async def add(self, app: App, sealed_name: bytes, at_most: int) -> bool:
        """Add one that is not in use yet; False when there are as many as one may have."""
        added = await self.tx.execute(
            """
            INSERT INTO totp_factors (id, user_id, sealed_name, sealed_secret)
            SELECT $1, $2, $3, $4
            WHERE (SELECT count(*) FROM totp_factors WHERE user_id = $2) < $5
            """,
            app.id,
            app.user_id,
            sealed_name,
            app.sealed_secret,
            at_most,
        )
        return added == 1

    async def find(self, app_id: UUID, user_id: UUID, activate_within: timedelta) -> App | None:
        """One of a person's, unless it waited for its first code too long."""
        row = await self.tx.fetchrow(
            """
            SELECT id, user_id, sealed_secret, activated_at IS NOT NULL AS active
            FROM totp_factors
            WHERE id = $1 AND user_id = $2 AND (activated_at IS NOT NULL OR created_at > kit_now() - $3::interval)
            """,
            app_id,
            user_id,
            activate_within,
        )
        return None if row is None else App(**row)

    async def active(self, user_id: UUID) -> list[App]:
        """Those in use."""
        rows = await self.tx.fetch(
            """
            SELECT id, user_id, sealed_secret, true AS active
            FROM totp_factors
            WHERE user_id = $1 AND activated_at IS NOT NULL
            ORDER BY id
            """,
            user_id,
        )
        return [App(**row) for row in rows]

    async def activate(self, app_id: UUID, step: int) -> bool:
        """Take one into use with the step of its first code; False when it is already, or gone."""
        touched = await self.tx.execute(
            """
            UPDATE totp_factors SET activated_at = kit_now(), last_used_at = kit_now(), last_step = $2
            WHERE id = $1 AND activated_at IS NULL
            """,
            app_id,
            step,
        )
        return touched == 1

    async def use(self, app_id: UUID, step: int) -> bool:
        """Use up a step: it and all before it are worth nothing any more; False when somebody was first."""
        touched = await self.tx.execute(
            """
            UPDATE totp_factors SET last_step = $2, last_used_at = kit_now()
            WHERE id = $1 AND activated_at IS NOT NULL AND last_step < $2
            """,
            app_id,
            step,
        )
        return touched == 1

    async def delete(self, app_id: UUID, user_id: UUID) -> bool | None:
        """Forget one; whether it was in use, None when there is none such."""
        active: bool | None = await self.tx.fetchval(
            "DELETE FROM totp_factors WHERE id = $1 AND user_id = $2 RETURNING activated_at IS NOT NULL",
            app_id,
            user_id,
        )
        return active

    async def purge(self, never_activated_for: timedelta, at_most: int, user_id: UUID | None = None) -> int:
        """Forget those whose first code never came, of one person or of all."""
        return await self.tx.execute(
            """
            DELETE FROM totp_factors
            WHERE id IN (
                SELECT id FROM totp_factors
                WHERE activated_at IS NULL AND created_at <= kit_now() - $1::interval
                  AND ($3::uuid IS NULL OR user_id = $3)
                LIMIT $2 FOR UPDATE SKIP LOCKED
            )
            """,
            never_activated_for,
            at_most,
            user_id,
        )


@dataclass(frozen=True, slots=True)
class RecoveryCodeRepository:
    """Recovery codes, by keyed hash."""

    tx: Transaction

    async def replace(self, user_id: UUID, hashes: Sequence[bytes]) -> None:
        """From here on these are good and no others."""
        await self.delete(user_id)
        await self.tx.execute(
            "INSERT INTO recovery_codes (user_id, code_hash) SELECT $1, unnest($2::bytea[])", user_id, list(hashes)
        )

    async def use(self, user_id: UUID, hashed: bytes) -> bool:
        """Use one up; False when there is none such, or somebody was first."""
        touched = await self.tx.execute(
            "DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2", user_id, hashed
        )
        return touched == 1

    async def left(self, user_id: UUID) -> int:
        """How many are good."""
        count: int = await self.tx.fetchval("SELECT count(*) FROM recovery_codes WHERE user_id = $1", user_id)
        return count

    async def delete(self, user_id: UUID) -> int:
        """Forget all of one person's."""
        return await self.tx.execute("DELETE FROM recovery_codes WHERE user_id = $1", user_id)


@dataclass(frozen=True, slots=True)
class PersonsFactors:
    """What is held of one person's factors, without what opens anything."""

    tx: Transaction

    async def apps(self, user_id: UUID) -> list[Row]:
        """Their apps."""
        return await self.tx.fetch(
            """
            SELECT id, sealed_name, activated_at, last_used_at, created_at
            FROM totp_factors
            WHERE user_id = $1
            ORDER BY id
            """,
            user_id,
        )

    async def recovery_codes(self, user_id: UUID) -> list[Row]:
        """Since when they have recovery codes, one row each."""
        return await self.tx.fetch("SELECT created_at FROM recovery_codes WHERE user_id = $1", user_id)

    async def delete(self, user_id: UUID) -> dict[str, int]:
        """Forget them; rows by table."""
        return {
            "totp_factors": await self.tx.execute("DELETE FROM totp_factors WHERE user_id = $1", user_id),
            "recovery_codes": await self.tx.execute("DELETE FROM recovery_codes WHERE user_id = $1", user_id),
        }

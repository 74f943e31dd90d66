from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from auth.factors.model import Factor
from auth.passkeys.model import Asserted, Challenge, Described, NewPasskey, Passkey
from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class ChallengeRepository:
    """Questions to authenticators."""

    tx: Transaction

    async def add(self, value: bytes, challenge: Challenge, life: timedelta) -> None:
        """Ask; an earlier question of the same session or sign-in, for the same purpose, is void."""
        await self.tx.execute(
            "DELETE FROM passkey_challenges WHERE user_id = $1 AND about = $2 AND purpose = $3",
            challenge.user_id,
            challenge.about,
            challenge.purpose,
        )
        await self.tx.execute(
            """
            INSERT INTO passkey_challenges (challenge, purpose, user_id, about, expires_at)
            VALUES ($1, $2, $3, $4, kit_now() + $5::interval)
            """,
            value,
            challenge.purpose,
            challenge.user_id,
            challenge.about,
            life,
        )

    async def take(self, value: bytes, challenge: Challenge) -> bool:
        """Use a question up; False when it was not asked, not for this, long ago, or was answered before."""
        taken = await self.tx.fetchval(
            """
            DELETE FROM passkey_challenges
            WHERE challenge = $1 AND purpose = $2 AND user_id IS NOT DISTINCT FROM $3
              AND about IS NOT DISTINCT FROM $4
            RETURNING expires_at > kit_now()
            """,
            value,
            challenge.purpose,
            challenge.user_id,
            challenge.about,
        )
        return bool(taken)

    async def purge(self, at_most: int) -> int:
        """Forget what nobody answered."""
        return await self.tx.execute(
            """
            DELETE FROM passkey_challenges
            WHERE challenge IN (
                SELECT challenge FROM passkey_challenges WHERE expires_at < kit_now() LIMIT $1
            )
            """,
            at_most,
        )


@dataclass(frozen=True, slots=True)
class PasskeyRepository:
    """Passkeys."""

    tx: Transaction

    async def handle_of(self, user_id: UUID, otherwise: bytes) -> bytes | None:
        """What authenticators call a person; chosen once. None when the account is gone."""
        handle: bytes | None = await self.tx.fetchval(
            """
            UPDATE users SET passkey_handle = coalesce(passkey_handle, $2) WHERE id = $1 RETURNING passkey_handle
            """,
            user_id,
            otherwise,
        )
        return handle

    async def described(self, user_id: UUID) -> list[Described]:
        """A person's passkeys as browsers are told of them."""
        rows = await self.tx.fetch(
            "SELECT credential_id, transports FROM passkeys WHERE user_id = $1 ORDER BY id", user_id
        )
        return [Described(row["credential_id"], tuple(row["transports"])) for row in rows]

    async def add(self, passkey_id: UUID, user_id: UUID, made: NewPasskey, sealed_name: bytes) -> bool:
        """Add one; False when it is somebody's already."""
        added = await self.tx.execute(
            """
            INSERT INTO passkeys (id, user_id, credential_id, public_key, sign_count, transports,
                                  backup_eligible, backed_up, sealed_name)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT (credential_id) DO NOTHING
            """,
            passkey_id,
            user_id,
            made.credential_id,
            made.public_key,
            made.sign_count,
            list(made.transports),
            made.backup_eligible,
            made.backed_up,
            sealed_name,
        )
        return added == 1

    async def count(self, user_id: UUID) -> int:
        """How many a person has."""
        count: int = await self.tx.fetchval("SELECT count(*) FROM passkeys WHERE user_id = $1", user_id)
        return count

    async def find(self, credential_id: bytes) -> Passkey | None:
        """A passkey by the id that its authenticator gave it."""
        row = await self.tx.fetchrow(
            """
            SELECT p.id, p.user_id, u.passkey_handle AS handle, p.public_key, p.sign_count, p.backup_eligible
            FROM passkeys AS p JOIN users AS u ON u.id = p.user_id
            WHERE p.credential_id = $1
            """,
            credential_id,
        )
        return None if row is None else Passkey(**row)

    async def use(self, passkey_id: UUID, asserted: Asserted) -> int | None:
        """Note that it was shown; the highest count seen before, None when it was removed meanwhile."""
        seen: int | None = await self.tx.fetchval(
            """
            UPDATE passkeys AS p
            SET sign_count = greatest(p.sign_count, $2), backed_up = $3, last_used_at = kit_now()
            FROM (SELECT id, sign_count FROM passkeys WHERE id = $1 FOR UPDATE) AS before
            WHERE p.id = before.id
            RETURNING before.sign_count
            """,
            passkey_id,
            asserted.sign_count,
            asserted.backed_up,
        )
        return seen

    async def lock(self, passkey_id: UUID, user_id: UUID) -> Factor | None:
        """One of a person's for update, as its owner sees it."""
        row = await self.tx.fetchrow(
            """
            SELECT id, sealed_name, created_at, last_used_at, version, backed_up
            FROM passkeys
            WHERE id = $1 AND user_id = $2
            FOR NO KEY UPDATE
            """,
            passkey_id,
            user_id,
        )
        return None if row is None else Factor(kind="passkey", **row)

    async def rename(self, passkey_id: UUID, sealed_name: bytes) -> None:
        """Give it another name."""
        await self.tx.execute(
            "UPDATE passkeys SET sealed_name = $2, version = version + 1 WHERE id = $1", passkey_id, sealed_name
        )

    async def delete(self, passkey_id: UUID, user_id: UUID) -> bool:
        """Forget one; False when there is none such."""
        touched = await self.tx.execute("DELETE FROM passkeys WHERE id = $1 AND user_id = $2", passkey_id, user_id)
        return touched == 1


@dataclass(frozen=True, slots=True)
class PersonsPasskeys:
    """What is held of one person's passkeys; public keys and what authenticators call them are handed to nobody."""

    tx: Transaction

    async def passkeys(self, user_id: UUID) -> list[Row]:
        """Their passkeys."""
        return await self.tx.fetch(
            """
            SELECT id, sealed_name, transports, backed_up, last_used_at, created_at
            FROM passkeys
            WHERE user_id = $1
            ORDER BY id
            """,
            user_id,
        )

    async def challenges(self, user_id: UUID) -> list[Row]:
        """What their authenticators were asked and have not answered."""
        return await self.tx.fetch(
            "SELECT purpose, created_at, expires_at FROM passkey_challenges WHERE user_id = $1", user_id
        )

    async def delete(self, user_id: UUID) -> dict[str, int]:
        """Forget them; rows by table."""
        return {
            "passkeys": await self.tx.execute("DELETE FROM passkeys WHERE user_id = $1", user_id),
            "passkey_challenges": await self.tx.execute("DELETE FROM passkey_challenges WHERE user_id = $1", user_id),
        }

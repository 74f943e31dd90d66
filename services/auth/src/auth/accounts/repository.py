from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.accounts.model import Account, Identity, PersonsAddress, Profile, Verification
from kit.db.database import Row, Transaction

_VERIFICATION = """
    SELECT v.id, v.password_hash, v.expires_at <= kit_now() AS expired,
           i.id AS identity_id, i.user_id, i.verified_at IS NOT NULL AS verified, i.sealed
    FROM verifications AS v JOIN identities AS i ON i.id = v.identity_id
    WHERE v.id = $1
"""


@dataclass(frozen=True, slots=True)
class AccountRepository:
    """Users, their addresses, and the proofs of these under way."""

    tx: Transaction

    async def add(self, identity: Identity, blind: bytes, sealed: bytes, password_hash: str, locale: str) -> bool:
        """Make a user with this address, unless somebody has it; waits for a twin that is being made."""
        made = await self.tx.execute(
            """
            WITH taken AS (
                INSERT INTO identities (id, user_id, kind, blind, sealed)
                VALUES ($1, $2, 'email', $3, $4)
                ON CONFLICT (kind, blind) DO NOTHING
                RETURNING user_id
            )
            INSERT INTO users (id, password_hash, locale) SELECT user_id, $5, $6 FROM taken
            """,
            identity.id,
            identity.user_id,
            blind,
            sealed,
            password_hash,
            locale,
        )
        return made == 1

    async def lock_identity(self, blind: bytes) -> Identity | None:
        """The address for update, if somebody has it."""
        row = await self.tx.fetchrow(
            """
            SELECT id, user_id, verified_at IS NOT NULL AS verified
            FROM identities
            WHERE kind = 'email' AND blind = $1
            FOR NO KEY UPDATE
            """,
            blind,
        )
        return None if row is None else Identity(row["id"], row["user_id"], row["verified"])

    async def password_of(self, user_id: UUID) -> str:
        """The hash of the password."""
        found: str = await self.tx.fetchval("SELECT password_hash FROM users WHERE id = $1", user_id)
        return found

    async def save_password(self, user_id: UUID, password_hash: str, *, instead_of: str | None = None) -> None:
        """Store another hash; with `instead_of`, only while that one is still stored."""
        await self.tx.execute(
            "UPDATE users SET password_hash = $2 WHERE id = $1 AND ($3::text IS NULL OR password_hash = $3)",
            user_id,
            password_hash,
            instead_of,
        )

    async def add_verification(
        self, verification_id: UUID, identity_id: UUID, password_hash: str, life: timedelta
    ) -> None:
        """Begin a proof of the address."""
        await self.tx.execute(
            """
            INSERT INTO verifications (id, identity_id, password_hash, expires_at)
            VALUES ($1, $2, $3, kit_now() + $4::interval)
            """,
            verification_id,
            identity_id,
            password_hash,
            life,
        )

    async def find_verification(self, verification_id: UUID) -> Verification | None:
        """A proof with its address."""
        return _verification(await self.tx.fetchrow(_VERIFICATION, verification_id))

    async def lock_verification(self, verification_id: UUID) -> Verification | None:
        """A proof with its address; all proofs of one address wait for one another."""
        return _verification(await self.tx.fetchrow(_VERIFICATION + " FOR NO KEY UPDATE OF i", verification_id))

    async def mark_verified(self, verification: Verification, sealed: bytes) -> int:
        """The address is proven: its user has the proof's password, other proofs are void; returns the version."""
        identity = verification.identity
        await self.tx.execute(
            "UPDATE identities SET verified_at = kit_now(), sealed = $2 WHERE id = $1", identity.id, sealed
        )
        await self.tx.execute(
            "UPDATE verifications SET used_at = kit_now(), password_hash = '' WHERE identity_id = $1", identity.id
        )
        version: int = await self.tx.fetchval(
            """
            UPDATE users SET password_hash = $2, verified_at = kit_now(), version = version + 1
            WHERE id = $1
            RETURNING version
            """,
            identity.user_id,
            verification.password_hash,
        )
        return version

    async def find(self, blind: bytes) -> Account | None:
        """Whose address this is, with what signing in needs."""
        row = await self.tx.fetchrow(
            """
            SELECT u.id, u.password_hash, i.verified_at IS NOT NULL AS verified, u.epoch
            FROM identities AS i JOIN users AS u ON u.id = i.user_id
            WHERE i.kind = 'email' AND i.blind = $1
            """,
            blind,
        )
        return None if row is None else Account(row["id"], row["password_hash"], row["verified"], row["epoch"])

    async def profile(self, user_id: UUID) -> Profile | None:
        """The user with the address that was proven first."""
        row = await self.tx.fetchrow(
            """
            SELECT id, user_id, sealed, verified_at IS NOT NULL AS verified
            FROM identities
            WHERE user_id = $1 AND kind = 'email'
            ORDER BY verified_at NULLS LAST, id
            LIMIT 1
            """,
            user_id,
        )
        if row is None:
            return None
        return Profile(row["user_id"], SealedAddress(row["id"], row["sealed"]), row["verified"])

    async def owns(self, user_id: UUID, blind: bytes) -> bool:
        """Whether the address is the user's, and proven."""
        found: bool = await self.tx.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM identities
                WHERE kind = 'email' AND blind = $2 AND user_id = $1 AND verified_at IS NOT NULL
            )
            """,
            user_id,
            blind,
        )
        return found

    async def purge_verifications(self, after: timedelta, at_most: int) -> int:
        """Forget proofs that ended so long ago."""
        return await self.tx.execute(
            """
            DELETE FROM verifications
            WHERE id IN (SELECT id FROM verifications WHERE expires_at < kit_now() - $1::interval LIMIT $2)
            """,
            after,
            at_most,
        )


@dataclass(frozen=True, slots=True)
class PersonsAccount:
    """The account of one person, with all addresses."""

    tx: Transaction

    async def addresses(self, user_id: UUID) -> list[PersonsAddress]:
        """Their addresses; those that nobody has proven may be a stranger's."""
        rows = await self.tx.fetch(
            "SELECT id, blind, sealed, verified_at, created_at FROM identities WHERE user_id = $1 ORDER BY id",
            user_id,
        )
        return [
            PersonsAddress(
                row["blind"], SealedAddress(row["id"], row["sealed"]), row["verified_at"], row["created_at"]
            )
            for row in rows
        ]

    async def user(self, user_id: UUID) -> list[Row]:
        """The account itself."""
        return await self.tx.fetch("SELECT id, locale, verified_at, created_at FROM users WHERE id = $1", user_id)

    async def verifications(self, user_id: UUID) -> list[Row]:
        """Proofs of their addresses."""
        return await self.tx.fetch(
            """
            SELECT v.identity_id, v.created_at, v.expires_at, v.used_at
            FROM verifications AS v JOIN identities AS i ON i.id = v.identity_id
            WHERE i.user_id = $1
            ORDER BY v.id
            """,
            user_id,
        )

    async def lock(self, user_id: UUID) -> bool:
        """The account for deletion, after its addresses, as everybody locks them; False when it is gone."""
        await self.tx.execute("SELECT FROM identities WHERE user_id = $1 ORDER BY id FOR UPDATE", user_id)
        found = await self.tx.fetchval("SELECT true FROM users WHERE id = $1 FOR UPDATE", user_id)
        return bool(found)

    async def is_in_use(self, user_id: UUID) -> bool:
        """Whether something of theirs came into being while the rest went."""
        found: bool = await self.tx.fetchval(
            """
            SELECT EXISTS (SELECT FROM sessions WHERE user_id = $1)
                OR EXISTS (SELECT FROM activity WHERE user_id = $1)
                OR EXISTS (SELECT FROM devices WHERE user_id = $1)
                OR EXISTS (SELECT FROM sign_ins WHERE user_id = $1)
                OR EXISTS (SELECT FROM federated_identities WHERE user_id = $1)
                OR EXISTS (SELECT FROM federation_flows WHERE user_id = $1)
                OR EXISTS (SELECT FROM mail_preferences WHERE user_id = $1)
                OR EXISTS (SELECT FROM passkeys WHERE user_id = $1)
                OR EXISTS (SELECT FROM passkey_challenges WHERE user_id = $1)
                OR EXISTS (SELECT FROM totp_factors WHERE user_id = $1)
                OR EXISTS (SELECT FROM recovery_codes WHERE user_id = $1)
                OR EXISTS (SELECT FROM security_notices WHERE user_id = $1)
                OR EXISTS (SELECT FROM impersonations WHERE user_id = $1)
                OR EXISTS (SELECT FROM suspensions WHERE user_id = $1)
                OR EXISTS (SELECT FROM organizations_of_user($1))
                OR EXISTS (
                    SELECT FROM outgoing_mails AS m JOIN identities AS i ON i.id = m.about WHERE i.user_id = $1
                )
            """,
            user_id,
        )
        return found

    async def delete(self, user_id: UUID) -> dict[str, int]:
        """Forget proofs, addresses and account; rows by table."""
        return {
            "verifications": await self.tx.execute(
                """
                DELETE FROM verifications WHERE identity_id IN (SELECT id FROM identities WHERE user_id = $1)
                """,
                user_id,
            ),
            "identities": await self.tx.execute("DELETE FROM identities WHERE user_id = $1", user_id),
            "users": await self.tx.execute("DELETE FROM users WHERE id = $1", user_id),
        }


def _verification(row: Row | None) -> Verification | None:
    if row is None:
        return None
    identity = Identity(row["identity_id"], row["user_id"], row["verified"])
    address = SealedAddress(identity.id, row["sealed"])
    return Verification(row["id"], identity, address, row["password_hash"], row["expired"])

from dataclasses import dataclass
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.accounts.model import Account, Identity, PersonsAddress, Profile
from kit.db.database import Row, Transaction


@dataclass(frozen=True, slots=True)
class AccountRepository:
    """Users and their addresses."""

    tx: Transaction

    async def add(self, identity: Identity, password_hash: str, locale: str) -> bool:
        """Make a user with this proven address, unless somebody has it; waits for a twin that is being made."""
        made = await self.tx.execute(
            """
            WITH taken AS (
                INSERT INTO identities (id, user_id, kind, blind, sealed, verified_at)
                VALUES ($1, $2, $3, $4, $5, kit_now())
                ON CONFLICT (kind, blind) DO NOTHING
                RETURNING user_id
            )
            INSERT INTO users (id, password_hash, locale, verified_at, version)
            SELECT user_id, $6, $7, kit_now(), 2 FROM taken
            """,
            identity.id,
            identity.user_id,
            identity.kind,
            identity.blind,
            identity.sealed,
            password_hash,
            locale,
        )
        return made == 1

    async def add_identity(self, identity: Identity) -> bool:
        """Give a user another proven address; False when somebody has it."""
        return (
            await self.tx.execute(
                """
                INSERT INTO identities (id, user_id, kind, blind, sealed, verified_at)
                VALUES ($1, $2, $3, $4, $5, kit_now())
                ON CONFLICT DO NOTHING
                """,
                identity.id,
                identity.user_id,
                identity.kind,
                identity.blind,
                identity.sealed,
            )
            == 1
        )

    async def replace_identity(self, identity: Identity, instead_of: bytes) -> bool:
        """Give an address another value; False when it is not `instead_of` any more, or somebody has the new one."""
        return (
            await self.tx.execute(
                """
                UPDATE identities SET blind = $3, sealed = $4, verified_at = kit_now()
                WHERE id = $1 AND user_id = $2 AND blind = $5
                  AND NOT EXISTS (SELECT FROM identities AS other
                                  WHERE other.kind = identities.kind AND other.blind = $3)
                """,
                identity.id,
                identity.user_id,
                identity.blind,
                identity.sealed,
                instead_of,
            )
            == 1
        )

    async def put_identity(self, identity: Identity) -> bool:
        """Give an address this value whatever it is now, also when it was taken away; False when somebody has it."""
        return (
            await self.tx.execute(
                """
                INSERT INTO identities (id, user_id, kind, blind, sealed, verified_at)
                SELECT $1, $2, $3, $4, $5, kit_now()
                WHERE NOT EXISTS (SELECT FROM identities WHERE kind = $3 AND blind = $4 AND id <> $1)
                ON CONFLICT (id) DO UPDATE SET blind = $4, sealed = $5, verified_at = kit_now()
                """,
                identity.id,
                identity.user_id,
                identity.kind,
                identity.blind,
                identity.sealed,
            )
            == 1
        )

    async def forget_identities_since(self, user_id: UUID, challenge_id: UUID, but: Identity) -> None:
        """Take away what a user has proven since a challenge was begun."""
        await self.tx.execute(
            """
            DELETE FROM identities
            WHERE user_id = $1 AND id <> $3
              AND verified_at >= (SELECT created_at FROM challenges WHERE id = $2)
            """,
            user_id,
            challenge_id,
            but.id,
        )

    async def remove_identity(self, identity_id: UUID) -> None:
        """Take an address away."""
        await self.tx.execute("DELETE FROM identities WHERE id = $1", identity_id)

    async def identities(self, user_id: UUID) -> list[Identity]:
        """The proven addresses of a user, for update; the first of each kind is the one that counts."""
        rows = await self.tx.fetch(
            """
            SELECT id, user_id, kind, blind, sealed FROM identities
            WHERE user_id = $1 AND verified_at IS NOT NULL
            ORDER BY verified_at, id
            FOR NO KEY UPDATE
            """,
            user_id,
        )
        return [Identity(**row) for row in rows]

    async def identity(self, user_id: UUID, kind: str) -> Identity | None:
        """The proven address of this kind that counts."""
        return next((each for each in await self.identities(user_id) if each.kind == kind), None)

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

    async def find(self, kind: str, blind: bytes) -> Account | None:
        """Whose address this is, with what signing in needs."""
        row = await self.tx.fetchrow(
            """
            SELECT u.id, u.password_hash, i.verified_at IS NOT NULL AS verified, u.epoch
            FROM identities AS i JOIN users AS u ON u.id = i.user_id
            WHERE i.kind = $1 AND i.blind = $2
            """,
            kind,
            blind,
        )
        return None if row is None else _account(row)

    async def profile(self, user_id: UUID) -> Profile | None:
        """The user with the addresses that were proven first."""
        rows = await self.tx.fetch(
            """
            SELECT DISTINCT ON (i.kind) i.kind, i.id, i.sealed, u.verified_at IS NOT NULL AS verified
            FROM users AS u LEFT JOIN identities AS i ON i.user_id = u.id
            WHERE u.id = $1
            ORDER BY i.kind, i.verified_at NULLS LAST, i.id
            """,
            user_id,
        )
        if not rows:
            return None
        sealed = {row["kind"]: SealedAddress(row["id"], row["sealed"]) for row in rows if row["kind"] is not None}
        return Profile(user_id, sealed.get("email"), sealed.get("phone"), rows[0]["verified"])

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


@dataclass(frozen=True, slots=True)
class PersonsAccount:
    """The account of one person, with all addresses."""

    tx: Transaction

    async def addresses(self, user_id: UUID) -> list[PersonsAddress]:
        """Their addresses; those that nobody has proven may be a stranger's."""
        rows = await self.tx.fetch(
            "SELECT id, kind, blind, sealed, verified_at, created_at FROM identities WHERE user_id = $1 ORDER BY id",
            user_id,
        )
        return [
            PersonsAddress(
                row["kind"],
                row["blind"],
                SealedAddress(row["id"], row["sealed"]),
                row["verified_at"],
                row["created_at"],
            )
            for row in rows
        ]

    async def user(self, user_id: UUID) -> list[Row]:
        """The account itself."""
        return await self.tx.fetch("SELECT id, locale, verified_at, created_at FROM users WHERE id = $1", user_id)

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
        """Forget addresses and account; rows by table."""
        return {
            "identities": await self.tx.execute("DELETE FROM identities WHERE user_id = $1", user_id),
            "users": await self.tx.execute("DELETE FROM users WHERE id = $1", user_id),
        }


def _account(row: Row) -> Account:
    return Account(row["id"], row["password_hash"], row["verified"], row["epoch"])

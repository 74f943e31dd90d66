from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Transaction


@dataclass(frozen=True, slots=True)
class PasswordRepository:
    """The passwords of users, as hashes."""

    tx: Transaction

    async def of(self, user_id: UUID) -> str | None:
        """The hash of a user's password; None when the account is gone."""
        found: str | None = await self.tx.fetchval("SELECT password_hash FROM users WHERE id = $1", user_id)
        return found

    async def needs_factor(self, user_id: UUID) -> bool:
        """Whether a user's password is good enough only beside a second factor."""
        return bool(await self.tx.fetchval("SELECT password_needs_factor FROM users WHERE id = $1", user_id))

    async def save(
        self, user_id: UUID, password_hash: str, *, needs_factor: bool, instead_of: str | None = None
    ) -> bool:
        """Store another one; with `instead_of`, only while that one is still stored."""
        return (
            await self.tx.execute(
                """
                UPDATE users SET password_hash = $2, password_needs_factor = $4
                WHERE id = $1 AND ($3::text IS NULL OR password_hash = $3)
                """,
                user_id,
                password_hash,
                instead_of,
                needs_factor,
            )
            == 1
        )

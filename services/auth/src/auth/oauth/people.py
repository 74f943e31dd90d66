from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from auth.accounts.repository import AccountRepository
from auth.accounts.sealing import Addresses
from kit.db.database import Database


@dataclass(frozen=True, slots=True)
class PeopleService:
    """What a program may know of the person it acts for."""

    database: Database
    addresses: Addresses

    async def told(self, user_id: UUID, scopes: Sequence[str]) -> dict[str, Any]:
        """The account, and its mail address where the person let the program see it."""
        told: dict[str, Any] = {"sub": str(user_id)}
        if "email" not in scopes:
            return told
        async with self.database.transaction() as tx:
            profile = await AccountRepository(tx).profile(user_id)
        if profile is not None and profile.address is not None:
            (email,) = await self.addresses.open([profile.address])
            if email is not None:
                told |= {"email": email, "email_verified": profile.verified}
        return told

"""What staff are known by, at rest: address and secret of the code app sealed under the platform's own key."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from auth.accounts.address import EmailAddress
from auth.staff.model import Member
from kit.seal import Keyring

_PURPOSE: Final = "auth staff"
_ADDRESS: Final = b"staff.email_sealed:"
_TOTP: Final = b"staff.totp_sealed:"


@dataclass(frozen=True, slots=True)
class StaffSeals:
    """Hashes, seals and opens; the hash is another one than that of customers, so the two cannot be compared."""

    keyring: Keyring

    async def blind(self, email: EmailAddress) -> bytes:
        """What an address is looked up by."""
        secret = await self.keyring.secret(None, _PURPOSE)
        return hmac.digest(secret, email.value.encode(), hashlib.sha256)

    async def attempts(self, blind: bytes) -> bytes:
        """By what attempts with an address are counted; it leads to nobody's row."""
        secret = await self.keyring.secret(None, _PURPOSE)
        return hmac.digest(secret, b"attempts\0" + blind, hashlib.sha256)

    async def seal_address(self, staff_id: UUID, email: EmailAddress) -> bytes:
        """The address as it was typed."""
        return await self.keyring.seal(None, email.display.encode(), _ADDRESS + staff_id.bytes)

    async def address(self, staff_id: UUID, sealed: bytes) -> str:
        """One address."""
        return (await self.keyring.open(None, sealed, _ADDRESS + staff_id.bytes)).decode()

    async def addresses(self, members: Sequence[Member]) -> list[str | None]:
        """Several addresses, with one look-up."""
        opened = await self.keyring.open_many(
            None, [(each.email_sealed, _ADDRESS + each.id.bytes) for each in members]
        )
        return [None if each is None else each.decode() for each in opened]

    async def seal_totp(self, staff_id: UUID, secret: bytes) -> bytes:
        """The secret of a code app."""
        return await self.keyring.seal(None, secret, _TOTP + staff_id.bytes)

    async def totp(self, staff_id: UUID, sealed: bytes) -> bytes:
        """The secret again."""
        return await self.keyring.open(None, sealed, _TOTP + staff_id.bytes)

"""Addresses at rest: sealed, and found again by a keyed hash."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from auth.accounts.address import EmailAddress, SealedAddress
from auth.accounts.handle import Handle
from auth.accounts.phone import PhoneNumber
from kit.seal import Keyring

_PURPOSE: Final = "auth identities"
_IDENTITY: Final = b"identities.sealed:"
_CHALLENGE: Final = b"challenges.sealed:"
_INVITATION: Final = b"invitations.email_sealed:"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Hashes, seals and opens addresses; whose key was shredded opens as None.

    An address that nobody has proven is sealed under the platform's own key, and under the person's once it is. So
    signing up does the same for every address, needs no key that is not in memory, and leaves no key of an account
    that never was; and whoever types a stranger's address does not put it under a key of theirs.
    """

    keyring: Keyring

    async def blind(self, handle: Handle) -> bytes:
        """What an address is looked up by, in identities and invitations of all organizations; needs nobody's key."""
        return await self._hashed(handle.kind, handle.value)

    async def network(self, number: PhoneNumber) -> bytes:
        """What numbers are counted by that begin alike."""
        return await self._hashed("network", number.network)

    async def seal_claimed(self, challenge_id: UUID, handle: Handle) -> bytes:
        """Seal an address that somebody says is theirs."""
        return await self.keyring.seal(None, handle.display.encode(), _CHALLENGE + challenge_id.bytes)

    async def seal_proven(self, user_id: UUID, identity_id: UUID, claimed: SealedAddress) -> bytes:
        """Seal a claimed address anew, under the key of the person who has proven it.

        Raises:
            KeyShredded: the person was forgotten.
        """
        address = await self.keyring.open(None, claimed.sealed, _CHALLENGE + claimed.row_id.bytes)
        return await self.keyring.seal(None, address, _IDENTITY + identity_id.bytes, subject=f"user:{user_id}")

    async def seal_own(self, user_id: UUID, identity_id: UUID, handle: Handle) -> bytes:
        """Seal an address that is known to be somebody's, under the key of that person."""
        place = _IDENTITY + identity_id.bytes
        return await self.keyring.seal(None, handle.display.encode(), place, subject=f"user:{user_id}")

    async def seal_former(self, user_id: UUID, challenge_id: UUID, proven: SealedAddress) -> bytes:
        """Seal a proven address anew for the challenge that may bring it back, still under the key of its person.

        Raises:
            KeyShredded: the person was forgotten.
        """
        address = await self.keyring.open(None, proven.sealed, _IDENTITY + proven.row_id.bytes)
        return await self.keyring.seal(None, address, _CHALLENGE + challenge_id.bytes, subject=f"user:{user_id}")

    async def open_claimed(self, several: Sequence[SealedAddress]) -> list[str | None]:
        """The addresses of challenges as they were typed, with one look-up for all keys."""
        return await self._opened(None, _CHALLENGE, several)

    async def seal_owned(self, user_id: UUID, identity_id: UUID, email: EmailAddress) -> bytes:
        """Seal an address that is proven from the start, under the key of its person.

        Raises:
            KeyShredded: the person was forgotten.
        """
        place = _IDENTITY + identity_id.bytes
        return await self.keyring.seal(None, email.display.encode(), place, subject=f"user:{user_id}")

    async def open(self, several: Sequence[SealedAddress]) -> list[str | None]:
        """The addresses of identities as they were typed, with one look-up for all keys."""
        return await self._opened(None, _IDENTITY, several)

    async def seal_invited(self, organization_id: UUID, invitation_id: UUID, email: EmailAddress) -> bytes:
        """Seal the address of an invitation, under a key of its own that the organization's wraps.

        Raises:
            KeyShredded: the organization was forgotten.
        """
        place = _INVITATION + invitation_id.bytes
        subject = f"invitation:{invitation_id}"
        return await self.keyring.seal(organization_id, email.display.encode(), place, subject=subject)

    async def open_invited(self, organization_id: UUID, several: Sequence[SealedAddress]) -> list[str | None]:
        """The addresses of one organization's invitations as they were typed, with one look-up for all keys."""
        return await self._opened(organization_id, _INVITATION, several)

    async def _hashed(self, kind: str, value: str) -> bytes:
        secret = await self.keyring.secret(None, _PURPOSE)
        return hmac.digest(secret, f"{kind}\0{value}".encode(), hashlib.sha256)

    async def _opened(
        self, organization_id: UUID | None, place: bytes, several: Sequence[SealedAddress]
    ) -> list[str | None]:
        sealed = [(each.sealed, place + each.row_id.bytes) for each in several]
        opened = await self.keyring.open_many(organization_id, sealed)
        return [None if each is None else each.decode() for each in opened]

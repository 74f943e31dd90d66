from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from auth.impersonations.model import Impersonation
from kit.seal import Keyring

_PLACE: Final = b"impersonations.reason_sealed:"


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why staff acted, sealed under the key of the person they acted for."""

    keyring: Keyring

    async def seal(self, impersonation_id: UUID, user_id: UUID, reason: str) -> bytes:
        """Seal a reason.

        Raises:
            KeyShredded: the person was forgotten.
        """
        place = _PLACE + impersonation_id.bytes
        return await self.keyring.seal(None, reason.encode(), place, subject=f"user:{user_id}")

    async def opened(self, several: Sequence[Impersonation]) -> list[Impersonation]:
        """Impersonations with their reasons, with one look-up for all keys."""
        sealed = [(each.reason_sealed, _PLACE + each.id.bytes) for each in several]
        opened = await self.keyring.open_many(None, sealed)
        return [
            replace(each, reason=None if reason is None else reason.decode())
            for each, reason in zip(several, opened, strict=True)
        ]

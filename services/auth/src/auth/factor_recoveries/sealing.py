from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from auth.factor_recoveries.model import FactorRecovery
from kit.seal import Keyring

_PLACE: Final = b"factor_recoveries.reason_sealed:"


@dataclass(frozen=True, slots=True)
class RecoveryReasons:
    """Why staff began a recovery, sealed under the key of the person it is about."""

    keyring: Keyring

    async def seal(self, recovery_id: UUID, user_id: UUID, reason: str) -> bytes:
        """Seal a reason.

        Raises:
            KeyShredded: the person was forgotten.
        """
        return await self.keyring.seal(None, reason.encode(), _PLACE + recovery_id.bytes, subject=f"user:{user_id}")

    async def opened(self, several: Sequence[FactorRecovery]) -> list[FactorRecovery]:
        """Recoveries with their reasons, with one look-up for all keys."""
        sealed = [(each.reason_sealed, _PLACE + each.id.bytes) for each in several]
        opened = await self.keyring.open_many(None, sealed)
        return [
            replace(each, reason=None if reason is None else reason.decode())
            for each, reason in zip(several, opened, strict=True)
        ]

"""Access tokens of staff: for an audience of their own, with role and permissions."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from auth.keys.service import KeyRing
from auth.sessions.access import AccessTokens
from auth.staff.model import StaffTokens
from auth.staff.permissions import MATRIX, StaffRole
from auth.tokens.model import TokenMint
from kit.clock import Clock


@dataclass(frozen=True, slots=True)
class StaffAccess:
    """Makes what the next requests of a member of staff need."""

    keys: KeyRing
    access_tokens: AccessTokens
    refresh_tokens: TokenMint
    clock: Clock

    async def tokens(  # noqa: PLR0917 - what a token says
        self, session_id: UUID, staff_id: UUID, role: StaffRole, epoch: int, counter: int, life: timedelta
    ) -> StaffTokens:
        """Both tokens of a session."""
        permissions = sorted(MATRIX[role])
        claims: dict[str, object] = {
            "sub": str(staff_id),
            "sid": str(session_id),
            "epoch": epoch,
            "principal": "staff",
            "staff_role": role.value,
            "permissions": " ".join(permissions),
        }
        key = await self.keys.signer()
        return StaffTokens(
            access_token=self.access_tokens.sign(key, claims, self.clock.now(), life),
            expires_in=int(life.total_seconds()),
            refresh_token=self.refresh_tokens.make(session_id, counter=counter),
            session_id=session_id,
            staff_id=staff_id,
            role=role,
            permissions=permissions,
        )

"""Staff of the platform: tokens of an audience of their own, which open the doors of staff and no others.

An endpoint of staff asks for what it needs, and gets who calls:

    async def suspend(user_id: UUID, staff: Annotated[StaffCaller, staff_permitted("users.suspend")], ...) -> ...
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar
from uuid import UUID

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from kit.errors import Forbidden
from kit.http.caller import Door, TokenRefused, bearer_token, verifier_of
from kit.http.idempotency import Idempotency, KeyHeader, key_of

_bearer = HTTPBearer(
    auto_error=False, scheme_name="Staff", bearerFormat="JWT", description="An access token of the platform's staff"
)


class PermissionMissing(Forbidden):
    """Your role among the staff does not allow this."""

    code = "permission-missing"


@dataclass(frozen=True, slots=True)
class StaffCaller:
    """A member of staff, as the access token says; never a customer's `Caller`, so neither passes for the other."""

    staff_id: UUID
    session_id: UUID
    role: str
    permissions: frozenset[str]
    epoch: int
    kind: ClassVar[str] = "staff"

    @property
    def id(self) -> UUID:
        """Who did it, for the audit trail."""
        return self.staff_id

    def may(self, permission: str) -> bool:
        """Whether the role allows this."""
        return permission in self.permissions


async def current_staff(
    request: Request, _shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> StaffCaller:
    """The verified member of staff who makes this request; a customer's token is refused."""
    claims = await verifier_of(request).verify_staff(bearer_token(request.headers.getlist("authorization")))
    if claims.staff_role is None:
        raise TokenRefused
    structlog.contextvars.bind_contextvars(staff_id=str(claims.user_id))
    return StaffCaller(claims.user_id, claims.session_id, claims.staff_role, claims.permissions, claims.epoch)


Verified = Annotated[StaffCaller, Depends(current_staff)]


class _AnyStaff:
    """Lets in whoever is staff."""

    door: ClassVar[Door] = Door("staff")

    async def __call__(self, staff: Verified) -> StaffCaller:
        """Who it is."""
        return staff


@dataclass(frozen=True, slots=True)
class _StaffPermitted:
    """Lets in staff whose role allows this."""

    permission: str

    @property
    def door(self) -> Door:
        """What this declares."""
        return Door("staff", self.permission)

    async def __call__(self, staff: Verified) -> StaffCaller:
        """Who it is, if their role allows it."""
        if not staff.may(self.permission):
            raise PermissionMissing(permission=self.permission)
        return staff


CurrentStaff = Annotated[StaffCaller, Depends(_AnyStaff())]


def staff_permitted(permission: str) -> Any:
    """A dependency that lets in only staff whose role allows this."""
    return Depends(_StaffPermitted(permission))


async def staff_idempotency(request: Request, staff: Verified, idempotency_key: KeyHeader = None) -> Idempotency:
    """The key of a request of staff; optional, honoured when sent."""
    return await key_of(request, f"staff:{staff.staff_id}", idempotency_key)


StaffIdempotencyKey = Annotated[Idempotency, Depends(staff_idempotency)]

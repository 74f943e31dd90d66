from typing import Final

from fastapi import APIRouter, Response

from auth.roles.schemas import PermissionOut, RoleOut, RolesOut
from contracts.names import ROLES
from contracts.permissions import PERMISSIONS, ROLE_MEANINGS
from kit.http.caller import OpenToAnybody

router = APIRouter(prefix="/v1/roles", tags=["roles"], dependencies=[OpenToAnybody])

PUBLISHED: Final = RolesOut(
    roles=[
        RoleOut(
            name=role,
            says=ROLE_MEANINGS[role],
            permissions=[name for name, permission in PERMISSIONS.items() if role in permission.roles],
        )
        for role in ROLES
    ],
    permissions=[
        PermissionOut(
            name=name,
            says=permission.says,
            roles=[role for role in ROLES if role in permission.roles],
            delegable=permission.delegable,
        )
        for name, permission in PERMISSIONS.items()
    ],
)


@router.get("")
async def read_roles(response: Response) -> RolesOut:
    """Every role, every permission, and which role has which."""
    response.headers["cache-control"] = "public, max-age=3600"
    return PUBLISHED

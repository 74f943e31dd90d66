from typing import Annotated

from fastapi import APIRouter, Depends

from generation.doors import Manager, Reader
from generation.moderations.schemas import ChangePolicy, PolicyOut
from generation.moderations.service import ModerationService
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/generation/moderation",
    tags=["generation"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing),
)

Moderations = Annotated[ModerationService, Depends(part(ModerationService))]


@router.get("")
async def read_moderation(caller: Reader, moderations: Moderations) -> PolicyOut:
    """What is allowed, held back for a person, or blocked, by category."""
    return PolicyOut.of(await moderations.read(caller))


@router.put("")
async def change_moderation(body: ChangePolicy, caller: Manager, moderations: Moderations) -> PolicyOut:
    """Say what is allowed, held back or blocked; what concerns minors is always blocked."""
    return PolicyOut.of(await moderations.change(caller, {str(key): value for key, value in body.categories.items()}))

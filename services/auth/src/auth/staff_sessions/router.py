from typing import Annotated

from fastapi import APIRouter, Depends, status

from auth.accounts.address import AddressInvalid
from auth.passwords.errors import TooManyPasswords
from auth.sessions.errors import RefreshTokenForged, RefreshTokenReused
from auth.sign_ins.answering import CurrentVisitor
from auth.staff.errors import StaffCredentialsWrong, StaffSessionEnded, TooManyStaffAttempts
from auth.staff.router import never_kept
from auth.staff.schemas import ProveStaff, RefreshStaff, SignInStaff, StaffTokensOut
from auth.staff_sessions.service import StaffSessionService
from kit.http.app import part
from kit.http.caller import OpenToAnybody, TokenRefused
from kit.http.problem import problems
from kit.http.staff import CurrentStaff

router = APIRouter(prefix="/v1/staff/sessions", tags=["staff"])

Sessions = Annotated[StaffSessionService, Depends(part(StaffSessionService))]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(never_kept), OpenToAnybody],
    responses=problems(StaffCredentialsWrong, AddressInvalid, TooManyStaffAttempts, TooManyPasswords),
)
async def sign_in_staff(body: SignInStaff, sessions: Sessions, visitor: CurrentVisitor) -> StaffTokensOut:
    """Sign in as a member of staff, with password and code; for eight hours, or half an hour without use."""
    tokens = await sessions.sign_in(body.email, body.password.get_secret_value(), body.code, visitor.agent)
    return StaffTokensOut.model_validate(tokens)


@router.post(
    "/refresh",
    dependencies=[Depends(never_kept), OpenToAnybody],
    responses=problems(RefreshTokenForged, RefreshTokenReused, StaffSessionEnded),
)
async def refresh_staff_session(body: RefreshStaff, sessions: Sessions) -> StaffTokensOut:
    """Exchange the refresh token for the next one and a new access token."""
    return StaffTokensOut.model_validate(await sessions.refresh(body.refresh_token.get_secret_value()))


@router.post(
    "/current/proofs",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(
        TokenRefused, StaffCredentialsWrong, StaffSessionEnded, TooManyStaffAttempts, TooManyPasswords
    ),
)
async def prove_staff(body: ProveStaff, staff: CurrentStaff, sessions: Sessions) -> None:
    """Show password and code again, for what reaches far; good for ten minutes."""
    await sessions.prove(staff, body.password.get_secret_value(), body.code)


@router.delete("/current", status_code=status.HTTP_204_NO_CONTENT, responses=problems(TokenRefused))
async def sign_out_staff(staff: CurrentStaff, sessions: Sessions) -> None:
    """End this session."""
    await sessions.sign_out(staff)

from typing import Annotated

from fastapi import APIRouter, Depends, status

from auth.accounts.address import AddressDisposable, AddressInvalid
from auth.accounts.phone import NumberInvalid, NumberNotServed
from auth.challenges.errors import LinkExpired, LinkMalformed, TextCodeOver, TextCodeWrong, TooManyTexts
from auth.challenges.schemas import AskedOut
from auth.changes.errors import AddressTaken, LastAddress, TooManyChanges
from auth.changes.schemas import ChangeAddress, ConfirmByText, FollowLink
from auth.changes.service import AddressChangeService
from auth.mails.language import Language
from auth.sign_ins.errors import StepUpNeeded
from kit.http.app import part
from kit.http.caller import OpenToAnybody, PersonalCaller, TokenRefused
from kit.http.problem import problems

router = APIRouter(prefix="/v1", tags=["accounts"])

Changes = Annotated[AddressChangeService, Depends(part(AddressChangeService))]


@router.post(
    "/me/address-changes",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(
        TokenRefused,
        StepUpNeeded,
        AddressInvalid,
        AddressDisposable,
        NumberInvalid,
        NumberNotServed,
        TooManyChanges,
        TooManyTexts,
    ),
)
async def change_address(body: ChangeAddress, caller: PersonalCaller, changes: Changes) -> AskedOut:
    """Ask for another mail address or phone number; a link or code goes there. A taken one is answered alike."""
    token = await changes.ask(caller, body.email, body.phone)
    return AskedOut(request_token=None if body.phone is None else token)


@router.post(
    "/me/address-changes/confirm",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(TokenRefused, StepUpNeeded, LinkMalformed, LinkExpired, AddressTaken),
)
async def confirm_address(body: FollowLink, caller: PersonalCaller, changes: Changes) -> None:
    """Prove the new address; the former one is told, and all other sessions end."""
    await changes.confirm(caller, body.token)


@router.post(
    "/me/address-changes/confirm-by-text",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(TokenRefused, StepUpNeeded, TextCodeWrong, TextCodeOver, AddressTaken),
)
async def confirm_number(body: ConfirmByText, caller: PersonalCaller, changes: Changes) -> None:
    """Prove the new number; the former one is told, and all other sessions end."""
    await changes.confirm_by_text(caller, body.request_token, body.code)


@router.delete(
    "/me/phone", status_code=status.HTTP_204_NO_CONTENT, responses=problems(TokenRefused, StepUpNeeded, LastAddress)
)
async def remove_phone(caller: PersonalCaller, changes: Changes) -> None:
    """Take the phone number off the account; all other sessions end."""
    await changes.remove_phone(caller)


@router.post(
    "/address-changes/undo",
    dependencies=[OpenToAnybody],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(LinkMalformed, LinkExpired, AddressTaken),
)
async def undo_change(body: FollowLink, changes: Changes, language: Language) -> None:
    """Bring a former address back, within 72 hours: all sessions end, and a new password has to be set."""
    await changes.undo(body.token, language)

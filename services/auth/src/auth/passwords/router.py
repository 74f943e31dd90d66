from typing import Annotated

from fastapi import APIRouter, Depends, status

from auth.accounts.address import AddressInvalid
from auth.accounts.phone import NumberInvalid
from auth.challenges.errors import LinkExpired, LinkMalformed, TextCodeOver, TextCodeWrong, TooManyTexts
from auth.challenges.schemas import AskedOut
from auth.mails.language import Language
from auth.passwords.errors import PasswordRefused, PasswordWrong, TooManyPasswords
from auth.passwords.schemas import AskForReset, ChangePassword, ResetPassword, ResetPasswordByText
from auth.passwords.service import PasswordService
from auth.sessions.errors import TooManyAttempts
from auth.sign_ins.answering import CurrentVisitor
from auth.sign_ins.errors import StepUpNeeded
from kit.http.app import part
from kit.http.caller import OpenToAnybody, PersonalCaller, TokenRefused
from kit.http.problem import problems

router = APIRouter(prefix="/v1", tags=["passwords"])

Passwords = Annotated[PasswordService, Depends(part(PasswordService))]


@router.post(
    "/password-resets",
    dependencies=[OpenToAnybody],
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(AddressInvalid, NumberInvalid, TooManyTexts),
)
async def ask_for_reset(body: AskForReset, passwords: Passwords, language: Language) -> AskedOut:
    """Ask for a link or code with which a password can be set; who has no account is answered alike."""
    token = await passwords.ask_for_reset(body.email, body.phone, language)
    return AskedOut(request_token=None if body.phone is None else token)


@router.post(
    "/password-resets/complete",
    dependencies=[OpenToAnybody],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(LinkMalformed, LinkExpired, PasswordRefused, TooManyPasswords),
)
async def reset_password(body: ResetPassword, passwords: Passwords) -> None:
    """Set a password with the token of a link: good once, for 30 minutes. All sessions end; then sign in."""
    await passwords.reset(body.token, body.password.get_secret_value())


@router.post(
    "/password-resets/complete-by-text",
    dependencies=[OpenToAnybody],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(TextCodeWrong, TextCodeOver, PasswordRefused, TooManyPasswords),
)
async def reset_password_by_text(body: ResetPasswordByText, passwords: Passwords) -> None:
    """Set a password with the code of a text message: good once, for ten minutes. All sessions end; then sign in."""
    await passwords.reset_by_text(body.request_token, body.code, body.password.get_secret_value())


@router.put(
    "/me/password",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(TokenRefused, PasswordWrong, StepUpNeeded, PasswordRefused, TooManyPasswords, TooManyAttempts),
)
async def change_password(
    body: ChangePassword, caller: PersonalCaller, passwords: Passwords, visitor: CurrentVisitor
) -> None:
    """Set another password. All other sessions end; this one goes on with its next refresh."""
    present = None if body.present is None else body.present.get_secret_value()
    await passwords.change(caller, visitor, present, body.password.get_secret_value())

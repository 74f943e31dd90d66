from typing import Annotated

from fastapi import APIRouter, Depends, status

from auth.accounts.address import AddressInvalid
from auth.accounts.errors import (
    LinkExpired,
    LinkMalformed,
    LinkOfAnother,
    LinkUsed,
)
from auth.accounts.schemas import Accepted, MeOut, ResendVerification, SignUp, VerifiedOut, VerifyAddress
from auth.accounts.service import AccountService
from auth.mails.language import Language
from auth.organizations.schemas import MembershipOut
from auth.organizations.service import OrganizationService
from auth.passwords.errors import PasswordRefused, TooManyPasswords
from auth.system.current import insist_on_open_sign_ups
from auth.system.errors import SignUpsClosed
from kit.errors import Unauthenticated
from kit.http.app import part
from kit.http.caller import OpenToAnybody, PersonalCaller, TokenRefused
from kit.http.pagination import Page, PageRequest
from kit.http.problem import problems

router = APIRouter(prefix="/v1", tags=["accounts"])

Accounts = Annotated[AccountService, Depends(part(AccountService))]
Organizations = Annotated[OrganizationService, Depends(part(OrganizationService))]


@router.post(
    "/accounts",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[OpenToAnybody, Depends(insist_on_open_sign_ups)],
    responses=problems(AddressInvalid, PasswordRefused, TooManyPasswords, SignUpsClosed),
)
async def sign_up(body: SignUp, accounts: Accounts, language: Language) -> Accepted:
    """Open an account; a mail with a link follows. The answer is the same for an address that has one."""
    await accounts.sign_up(body.email, body.password.get_secret_value(), language)
    return Accepted()


@router.post(
    "/accounts/verification-mails",
    dependencies=[OpenToAnybody],
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(AddressInvalid),
)
async def resend_verification(body: ResendVerification, accounts: Accounts, language: Language) -> Accepted:
    """Ask for another mail; the answer is the same for an address without an account."""
    await accounts.resend(body.email, language)
    return Accepted()


@router.post(
    "/accounts/verify",
    dependencies=[OpenToAnybody],
    responses=problems(LinkMalformed, LinkExpired, LinkUsed, LinkOfAnother, TooManyPasswords),
)
async def verify_address(body: VerifyAddress, accounts: Accounts) -> VerifiedOut:
    """Prove an address with the token of a mail's link and the password of that sign-up; good once, for 24 hours."""
    return VerifiedOut(user_id=await accounts.verify(body.token, body.password.get_secret_value()))


@router.get("/me", responses=problems(Unauthenticated, TokenRefused))
async def read_me(caller: PersonalCaller, accounts: Accounts, organizations: Organizations) -> MeOut:
    """Who I am, and the first of my memberships; the rest is at /v1/organizations."""
    me = await accounts.me(caller)
    memberships, cursor = await organizations.mine(caller, PageRequest())
    items = [MembershipOut.model_validate(each) for each in memberships]
    return MeOut(
        user_id=me.user_id,
        email=me.email,
        verified=me.verified,
        memberships=Page(items=items, next_cursor=cursor),
        impersonation_id=None if caller.actor_id is None else caller.session_id,
    )

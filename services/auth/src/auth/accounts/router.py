from typing import Annotated

from fastapi import APIRouter, Depends, status

from auth.accounts.address import AddressDisposable, AddressInvalid
from auth.accounts.errors import LinkOfAnother, LinkUsed
from auth.accounts.phone import NumberInvalid, NumberNotServed
from auth.accounts.schemas import (
    MeOut,
    ResendText,
    ResendVerification,
    SignUp,
    VerifiedOut,
    VerifyAddress,
    VerifyPhone,
)
from auth.accounts.service import AccountService
from auth.challenges.errors import LinkExpired, LinkMalformed, TextCodeOver, TextCodeWrong, TooManyTexts
from auth.challenges.schemas import Accepted, AskedOut
from auth.eligibility.service import EligibilityService
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
Eligibility = Annotated[EligibilityService, Depends(part(EligibilityService))]
Organizations = Annotated[OrganizationService, Depends(part(OrganizationService))]


@router.post(
    "/accounts",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[OpenToAnybody, Depends(insist_on_open_sign_ups)],
    responses=problems(
        AddressInvalid,
        AddressDisposable,
        NumberInvalid,
        NumberNotServed,
        PasswordRefused,
        TooManyPasswords,
        TooManyTexts,
        SignUpsClosed,
    ),
)
async def sign_up(body: SignUp, accounts: Accounts, language: Language) -> AskedOut:
    """Sign up; a mail with a link or a text message with a code follows. A known address is answered alike."""
    token = await accounts.sign_up(body.email, body.phone, body.password.get_secret_value(), language)
    return AskedOut(request_token=None if body.phone is None else token)


@router.post(
    "/accounts/verification-mails",
    dependencies=[OpenToAnybody],
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(AddressInvalid),
)
async def resend_verification(body: ResendVerification, accounts: Accounts, language: Language) -> Accepted:
    """Ask for another mail; the answer is the same for an address that has no account, or has not signed up."""
    await accounts.resend(body.email, language)
    return Accepted()


@router.post(
    "/accounts/verification-texts",
    dependencies=[OpenToAnybody],
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(TextCodeOver, TooManyTexts),
)
async def resend_text(body: ResendText, accounts: Accounts) -> Accepted:
    """Ask for the same code once more, whatever it is for; half a minute after the last one at the earliest."""
    await accounts.resend_text(body.request_token)
    return Accepted()


@router.post(
    "/accounts/verify",
    dependencies=[OpenToAnybody],
    responses=problems(LinkMalformed, LinkExpired, LinkUsed, LinkOfAnother, TooManyPasswords),
)
async def verify_address(body: VerifyAddress, accounts: Accounts) -> VerifiedOut:
    """Prove an address with the token of a mail's link and the password of that sign-up; good once, for 24 hours."""
    return VerifiedOut(user_id=await accounts.verify(body.token, body.password.get_secret_value()))


@router.post("/accounts/verify-phone", dependencies=[OpenToAnybody], responses=problems(TextCodeWrong, TextCodeOver))
async def verify_phone(body: VerifyPhone, accounts: Accounts) -> VerifiedOut:
    """Prove a number with the code of a text message; good once, for ten minutes and five tries."""
    return VerifiedOut(user_id=await accounts.verify_phone(body.request_token, body.code))


@router.get("/me", responses=problems(Unauthenticated, TokenRefused))
async def read_me(
    caller: PersonalCaller, accounts: Accounts, organizations: Organizations, eligibility: Eligibility
) -> MeOut:
    """Who I am, and the first of my memberships; the rest is at /v1/organizations."""
    me = await accounts.me(caller)
    memberships, cursor = await organizations.mine(caller, PageRequest())
    items = [MembershipOut.model_validate(each) for each in memberships]
    return MeOut(
        user_id=me.user_id,
        email=me.email,
        phone=me.phone,
        verified=me.verified,
        memberships=Page(items=items, next_cursor=cursor),
        subscription_eligible=(await eligibility.mine(caller)).eligible,
        impersonation_id=None if caller.actor_id is None else caller.session_id,
    )

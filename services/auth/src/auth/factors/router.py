from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response, status

from auth.factors.errors import (
    AlreadyActive,
    CodeWrong,
    FactorDemanded,
    FactorNotFound,
    NothingToRecover,
    PasswordTooShort,
    ProofRefused,
    TooManyFactors,
    WrongFactor,
)
from auth.factors.schemas import (
    ActivateApp,
    AskForPasskey,
    CompleteSignIn,
    EnrolApp,
    EnrolmentOut,
    FactorsOut,
    Prove,
    ProvenOut,
    RecoveryCodesOut,
)
from auth.factors.service import FactorService
from auth.factors.showing import ShowingService
from auth.organizations.errors import OrganizationNotFound
from auth.passkeys.schemas import OptionsOut
from auth.passwords.errors import TooManyPasswords
from auth.sessions.errors import SessionEnded, TooManyAttempts
from auth.sessions.router import never_kept
from auth.sessions.schemas import FactorNeededOut, TokensOut
from auth.sign_ins.answering import CurrentVisitor, answered
from auth.sign_ins.errors import AccountSuspended, SignInOver, StepUpNeeded
from auth.sign_ins.model import Wish
from kit.http.app import part
from kit.http.caller import OpenToAnybody, PersonalCaller, TokenRefused
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/me/factors", tags=["second factors"], responses=problems(TokenRefused, StepUpNeeded, SessionEnded)
)
showing = APIRouter(prefix="/v1/sessions", tags=["sessions"], dependencies=[Depends(never_kept)])

Factors = Annotated[FactorService, Depends(part(FactorService))]
Showing = Annotated[ShowingService, Depends(part(ShowingService))]


@router.get("")
async def list_factors(caller: PersonalCaller, factors: Factors) -> FactorsOut:
    """My second factors, and how many recovery codes are left."""
    return FactorsOut.of(await factors.overview(caller))


@router.post(
    "/totp",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(never_kept)],
    responses=problems(TooManyFactors),
)
async def enrol_app(body: EnrolApp, caller: PersonalCaller, factors: Factors) -> EnrolmentOut:
    """Add an authenticator app. Its secret is shown this once; it counts once its first code was right."""
    return EnrolmentOut.model_validate(await factors.enrol_app(body.name, caller))


@router.post(
    "/totp/{factor_id}/activate",
    dependencies=[Depends(never_kept)],
    responses=problems(FactorNotFound, CodeWrong, AlreadyActive),
)
async def activate_app(
    factor_id: UUID, body: ActivateApp, caller: PersonalCaller, factors: Factors
) -> RecoveryCodesOut:
    """Take an app into use with a code of it; with the first factor come recovery codes.

    This session counts as proven with the app from here on. When the others end, refresh: access tokens are void.
    """
    codes = await factors.activate_app(factor_id, body.code, caller, end_others=body.end_other_sessions)
    return RecoveryCodesOut(recovery_codes=codes)


@router.delete(
    "/totp/{factor_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(FactorNotFound, FactorDemanded, PasswordTooShort),
)
async def remove_app(
    factor_id: UUID, caller: PersonalCaller, factors: Factors, *, end_other_sessions: bool = True
) -> None:
    """Remove an authenticator app; unless told otherwise, all other sessions end."""
    await factors.remove_app(factor_id, caller, end_others=end_other_sessions)


@router.post("/recovery-codes", dependencies=[Depends(never_kept)], responses=problems(NothingToRecover))
async def renew_recovery_codes(caller: PersonalCaller, factors: Factors) -> RecoveryCodesOut:
    """Ten new recovery codes, shown this once; earlier ones are void."""
    return RecoveryCodesOut(recovery_codes=await factors.renew_codes(caller))


@showing.post(
    "/second-factor",
    dependencies=[OpenToAnybody],
    status_code=status.HTTP_201_CREATED,
    responses=problems(SignInOver, WrongFactor, TooManyAttempts, AccountSuspended, OrganizationNotFound),
)
async def complete_sign_in(
    body: CompleteSignIn, showing: Showing, visitor: CurrentVisitor, response: Response
) -> TokensOut | FactorNeededOut:
    """Complete a sign-in with the second factor it owes; at most five tries."""
    wish = Wish(visitor, remember_device=body.remember_device)
    return answered(await showing.complete(body.sign_in_token.get_secret_value(), body.shown(), wish), response)


@showing.post("/second-factor/passkey-challenges", dependencies=[OpenToAnybody], responses=problems(SignInOver))
async def ask_for_second_passkey(body: AskForPasskey, showing: Showing) -> OptionsOut:
    """Begin to complete a sign-in with a passkey: what to hand to `navigator.credentials.get()`."""
    return OptionsOut.model_validate(await showing.ask(body.sign_in_token.get_secret_value()))


@showing.post("/current/proofs/passkey-challenges", responses=problems(TokenRefused, ProofRefused))
async def ask_for_fresh_passkey(caller: PersonalCaller, showing: Showing) -> OptionsOut:
    """Begin to show once more that it is you with a passkey: what to hand to `navigator.credentials.get()`."""
    return OptionsOut.model_validate(await showing.ask_again(caller))


@showing.post(
    "/current/proofs", responses=problems(TokenRefused, ProofRefused, SessionEnded, TooManyAttempts, TooManyPasswords)
)
async def prove(body: Prove, caller: PersonalCaller, showing: Showing, visitor: CurrentVisitor) -> ProvenOut:
    """Show once more that it is you, for what is sensitive; good for ten minutes.

    Who has second factors shows one of these. Access tokens from before are void: refresh.
    """
    if body.password is not None:
        return ProvenOut.model_validate(
            await showing.prove_password(body.password.get_secret_value(), caller, visitor)
        )
    return ProvenOut.model_validate(await showing.prove(body.shown(), caller, visitor))

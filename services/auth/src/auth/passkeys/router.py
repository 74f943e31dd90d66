from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response, status

from auth.factors.errors import FactorDemanded, FactorNotFound, PasswordTooShort, TooManyFactors, WrongFactor
from auth.organizations.errors import OrganizationNotFound
from auth.passkeys.errors import PasskeyKnown, PasskeyRefused
from auth.passkeys.schemas import (
    AddPasskey,
    OptionsOut,
    PasskeyAddedOut,
    PasskeyOut,
    RenamePasskey,
    SignInWithPasskey,
)
from auth.passkeys.service import PasskeyService
from auth.sessions.errors import SessionEnded
from auth.sessions.router import never_kept
from auth.sessions.schemas import FactorNeededOut, TokensOut
from auth.sign_ins.answering import CurrentVisitor, answered
from auth.sign_ins.errors import AccountSuspended, StepUpNeeded
from auth.sign_ins.model import Wish
from kit.http.app import part
from kit.http.caller import OpenToAnybody, PersonalCaller, TokenRefused
from kit.http.etag import Changed, ConditionMissing, Expected, Versioned
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/me/factors", tags=["second factors"], responses=problems(TokenRefused, StepUpNeeded, SessionEnded)
)
entering = APIRouter(prefix="/v1/sessions", tags=["sessions"], dependencies=[Depends(never_kept)])

Passkeys = Annotated[PasskeyService, Depends(part(PasskeyService))]


@router.post("/passkey-challenges", dependencies=[Depends(never_kept)], responses=problems(TooManyFactors))
async def begin_passkey(caller: PersonalCaller, passkeys: Passkeys) -> OptionsOut:
    """Begin to add a passkey: what to hand to `navigator.credentials.create()`."""
    return OptionsOut.model_validate(await passkeys.begin(caller))


@router.post(
    "/passkeys",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(never_kept)],
    responses=problems(PasskeyRefused, PasskeyKnown, TooManyFactors),
)
async def add_passkey(
    body: AddPasskey, caller: PersonalCaller, passkeys: Passkeys, versions: Versioned
) -> PasskeyAddedOut:
    """Add a passkey, to sign in with it alone or beside a password; with the first factor come recovery codes."""
    held, codes = await passkeys.add(body.name, body.credential.plain(), caller, end_others=body.end_other_sessions)
    versions.tag(held.version or 1)
    return PasskeyAddedOut.of(held, codes)


@router.patch("/passkeys/{factor_id}", responses=problems(FactorNotFound, Changed, ConditionMissing))
async def rename_passkey(  # noqa: PLR0917 - FastAPI passes them all by name
    factor_id: UUID,
    body: RenamePasskey,
    caller: PersonalCaller,
    passkeys: Passkeys,
    expected: Expected,
    versions: Versioned,
) -> PasskeyOut:
    """Give a passkey another name."""
    held = await passkeys.rename(factor_id, body.name, caller, expected)
    versions.tag(held.version or 1)
    return PasskeyOut.model_validate(held)


@router.delete(
    "/passkeys/{factor_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(FactorNotFound, FactorDemanded, PasswordTooShort),
)
async def remove_passkey(
    factor_id: UUID, caller: PersonalCaller, passkeys: Passkeys, *, end_other_sessions: bool = True
) -> None:
    """Remove a passkey; unless told otherwise, all other sessions end."""
    await passkeys.remove(factor_id, caller, end_others=end_other_sessions)


@entering.post("/passkey-challenges", dependencies=[OpenToAnybody])
async def ask_for_passkey(passkeys: Passkeys) -> OptionsOut:
    """Begin to sign in with a passkey: what to hand to `navigator.credentials.get()`; no address is asked for."""
    return OptionsOut.model_validate(await passkeys.ask())


@entering.post(
    "/passkey",
    dependencies=[OpenToAnybody],
    status_code=status.HTTP_201_CREATED,
    responses=problems(WrongFactor, AccountSuspended, OrganizationNotFound),
)
async def sign_in_with_passkey(
    body: SignInWithPasskey, passkeys: Passkeys, visitor: CurrentVisitor, response: Response
) -> TokensOut | FactorNeededOut:
    """Sign in with a passkey and nothing else; it must verify its user, by a PIN, a finger or a face."""
    return answered(await passkeys.sign_in(body.assertion.plain(), Wish(visitor, body.organization_id)), response)

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.responses import RedirectResponse

from auth.accounts.address import AddressInvalid
from auth.federation.beginning import Beginning
from auth.federation.errors import (
    AddressNotVerifiedThere,
    FederationOver,
    NoProviderForAddress,
    NotAMember,
    ProviderOfAnotherDomain,
    ProviderSwitchedOff,
    RedirectNotAllowed,
)
from auth.federation.model import CALLBACK, FLOW_LIFE, cookie_of
from auth.federation.schemas import BeginFederated, BegunOut, CompleteFederated, ProvidersOut
from auth.federation.service import FederatedSignIn
from auth.federation.travel import Back, Begun, Travel
from auth.mails.language import Language
from auth.openid.errors import ProviderRefused
from auth.organizations.errors import OrganizationNotFound
from auth.sessions.router import never_kept
from auth.sessions.schemas import FactorNeededOut, TokensOut
from auth.sign_ins.answering import CurrentVisitor, answered, factor_needed
from auth.sign_ins.cookies import wants_cookies
from auth.sign_ins.errors import AccountSuspended
from auth.sign_ins.model import Wish
from kit.http.app import part
from kit.http.caller import OpenToAnybody
from kit.http.problem import problems

router = APIRouter(prefix="/v1", tags=["federation"], dependencies=[OpenToAnybody])

SignIns = Annotated[FederatedSignIn, Depends(part(FederatedSignIn))]
Beginnings = Annotated[Beginning, Depends(part(Beginning))]
Travels = Annotated[Travel, Depends(part(Travel))]
Given = Annotated[str, Query(max_length=4096)]


def keep_in_cookie(request: Request, response: Response, begun: Begun) -> None:
    """In cookie mode the browser keeps the request token where no script reads it."""
    if wants_cookies(request):
        response.set_cookie(
            cookie_of(begun.flow_id),
            begun.request_token,
            max_age=int(FLOW_LIFE.total_seconds()),
            path="/",
            secure=True,
            httponly=True,
            samesite="lax",
        )


def request_token(request: Request, body: CompleteFederated, travel: Travel) -> str:
    """The token of the body, or in cookie mode that of the flow's own cookie."""
    if body.request_token is not None:
        return body.request_token.get_secret_value()
    return request.cookies.get(cookie_of(travel.flow_of(body.code.get_secret_value())), "")


@router.get("/federation/providers")
async def list_providers(beginning: Beginnings) -> ProvidersOut:
    """Which providers everybody may sign in with."""
    return ProvidersOut(items=list(beginning.offered))


@router.post(
    "/sessions/federated",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(never_kept)],
    responses=problems(ProviderSwitchedOff, NoProviderForAddress, RedirectNotAllowed, AddressInvalid),
)
async def begin_federated_sign_in(
    body: BeginFederated, beginning: Beginnings, request: Request, response: Response
) -> BegunOut:
    """Begin to sign in with a provider. The answer for an address says nothing of whether it has an account here."""
    begun = await beginning.sign_in(body.provider, body.email, body.redirect, body.organization_id)
    keep_in_cookie(request, response, begun)
    return BegunOut.model_validate(begun)


@router.get(
    f"{CALLBACK.removeprefix('/v1')}/{{provider}}",
    status_code=status.HTTP_303_SEE_OTHER,
    response_class=RedirectResponse,
)
async def come_back_from_provider(  # noqa: PLR0917 - FastAPI passes them all by name
    provider: str, travel: Travels, state: Given = "", code: Given = "", error: Given = "", iss: Given = ""
) -> Response:
    """Where providers send browsers, which go on to the application with a code for the browser that began."""
    place = await travel.take_back(Back(provider, state, code, error, iss))
    response = RedirectResponse(place, status.HTTP_303_SEE_OTHER)
    response.headers["cache-control"] = "no-store"
    response.headers["referrer-policy"] = "no-referrer"
    return response


@router.post(
    "/sessions/federated/complete",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(never_kept)],
    responses=factor_needed
    | problems(
        FederationOver,
        ProviderRefused,
        AddressNotVerifiedThere,
        ProviderOfAnotherDomain,
        NotAMember,
        AccountSuspended,
        OrganizationNotFound,
    ),
)
async def complete_federated_sign_in(  # noqa: PLR0917 - FastAPI passes them all by name
    body: CompleteFederated,
    sign_ins: SignIns,
    travel: Travels,
    visitor: CurrentVisitor,
    language: Language,
    request: Request,
    response: Response,
) -> TokensOut | FactorNeededOut:
    """Complete a sign-in with what the browser came back with; good once, in the browser that began."""
    code, kept = body.code.get_secret_value(), request_token(request, body, travel)
    outcome = await sign_ins.complete(code, kept, Wish(visitor), language)
    response.delete_cookie(cookie_of(travel.flow_of(code)), path="/", secure=True, httponly=True)
    return answered(outcome, response)

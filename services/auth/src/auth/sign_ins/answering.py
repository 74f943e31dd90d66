"""How every door that lets people in reads who comes, and answers."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Request, Response, status
from pydantic import SecretStr

from auth.sessions.model import Tokens
from auth.sessions.schemas import FactorNeededOut, TokensOut
from auth.sign_ins import cookies
from auth.sign_ins.model import Outcome, Visitor
from auth.tokens.mints import Mints
from auth.tokens.model import TokenForged
from kit.errors import FieldError, Invalid
from kit.http.app import part

LONGEST_AGENT: Final = 200

factor_needed: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": FactorNeededOut, "description": "A second factor is owed"}
}


async def visitor(request: Request, mints: Annotated[Mints, Depends(part(Mints))]) -> Visitor:
    """Where the request comes from: the gateway names the address and takes away what clients claim."""
    address = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    agent = "".join(each for each in request.headers.get("user-agent", "") if each.isprintable())
    return Visitor(address[:45], agent[:LONGEST_AGENT], _device(request, mints), cookies.wants_cookies(request))


def _device(request: Request, mints: Mints) -> UUID | None:
    """What the device's token proves; one that is not ours counts as none, so that nobody is kept out by it."""
    shown = request.headers.get(cookies.DEVICE_HEADER) or request.cookies.get(cookies.DEVICE)
    try:
        return None if shown is None else mints.device.read(shown).ids[0]
    except TokenForged:
        return None


def answered(outcome: Outcome, response: Response) -> TokensOut | FactorNeededOut:
    """The tokens, or with status 202 what is owed."""
    if isinstance(outcome, Tokens):
        return given(outcome, response)
    response.status_code = status.HTTP_202_ACCEPTED
    return FactorNeededOut.model_validate(outcome)


def given(tokens: Tokens, response: Response) -> TokensOut:
    """The tokens, in the body or in cookies, as the visitor wished."""
    told = TokensOut.model_validate(tokens)
    if tokens.csrf_token is None:
        return told
    cookies.give(response, tokens)
    return told.model_copy(update={"access_token": None, "refresh_token": None, "device_token": None})


def refresh_token(stated: SecretStr | None, request: Request) -> str:
    """The refresh token of the body, or in cookie mode the one in the cookie.

    Raises:
        Invalid: there is none.
    """
    if stated is not None:
        return stated.get_secret_value()
    shown = request.cookies.get(cookies.REFRESH) if cookies.wants_cookies(request) else None
    if shown is None:
        raise Invalid(errors=[FieldError("#/refresh_token", "State the refresh token, or send it in its cookie.")])
    return shown


CurrentVisitor = Annotated[Visitor, Depends(visitor)]

"""The doors for programs: they speak RFC 6749 and its kin, forms in and its error bodies out."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from auth.oauth.authorizing import Authorizing, NotAProgram
from auth.oauth.engine import Decided, refused
from auth.oauth.errors import UserinfoRefused
from auth.oauth.forms import FormMalformed, form_of, pairs_of
from auth.oauth.pages import Pages
from auth.oauth.people import PeopleService
from auth.oauth.server import Server
from auth.oauth.tokens import ProgramTokens
from kit.errors import Unauthenticated
from kit.http.app import part
from kit.http.caller import OpenToAnybody, TokenRefused, TokenVerifier, Verifier, bearer_token
from kit.http.problem import problems
from kit.http.tokens import Claims

router = APIRouter(tags=["OAuth"], dependencies=[OpenToAnybody])

Tokens = Annotated[ProgramTokens, Depends(part(ProgramTokens))]
_NEVER_KEPT: Final = {"cache-control": "no-store", "pragma": "no-cache"}


@router.get("/.well-known/oauth-authorization-server")
@router.get("/.well-known/openid-configuration")
async def read_metadata(server: Annotated[Server, Depends(part(Server))], response: Response) -> dict[str, Any]:
    """Where everything is and what is understood (RFC 8414, OpenID Connect Discovery)."""
    response.headers["cache-control"] = "public, max-age=300"
    return server.metadata()


@router.get("/v1/oauth/authorize", response_class=RedirectResponse, status_code=303)
async def authorize(
    request: Request,
    authorizing: Annotated[Authorizing, Depends(part(Authorizing))],
    pages: Annotated[Pages, Depends(part(Pages))],
) -> Response:
    """Begin: a browser is sent here by a program, and from here to the page on which its person decides.

    Only code with PKCE (S256). What is wrong is told to the program at its redirect_uri; where that is not one of
    the program's own, the person sees it and is sent nowhere.
    """
    try:
        token, back = await authorizing.ask(pairs_of(request.url.query))
    except (NotAProgram, FormMalformed):
        return pages.refused()
    where = back if token is None else f"{pages.public_url}/v1/oauth/consent?request={token}"
    return RedirectResponse(where, 303, headers=_NEVER_KEPT)


@router.post("/v1/oauth/token")
async def exchange_for_tokens(request: Request, tokens: Tokens) -> Response:
    """Exchange a code, a refresh token or the program's own secret for tokens (RFC 6749, sections 4 to 6)."""
    try:
        return _answered(await tokens.exchange(await form_of(request)))
    except (FormMalformed, UnicodeDecodeError) as error:
        return _answered(refused("invalid_request", _plain(error)))


@router.post("/v1/oauth/introspect")
async def introspect_token(request: Request, tokens: Tokens, verifier: Verifier) -> Response:
    """What one of the program's own tokens is worth (RFC 7662)."""
    try:
        form = await form_of(request)
    except (FormMalformed, UnicodeDecodeError) as error:
        return _answered(refused("invalid_request", _plain(error)))
    return _answered(await tokens.introspect(form, await _claims(verifier, form.fields.get("token", ""))))


@router.post("/v1/oauth/revoke")
async def revoke_token(request: Request, tokens: Tokens, verifier: Verifier) -> Response:
    """Take one of the program's own tokens back, with all that was granted with it (RFC 7009)."""
    try:
        form = await form_of(request)
    except (FormMalformed, UnicodeDecodeError) as error:
        return _answered(refused("invalid_request", _plain(error)))
    return _answered(await tokens.revoke(form, await _claims(verifier, form.fields.get("token", ""))))


@router.get("/v1/oauth/userinfo", responses=problems(UserinfoRefused))
@router.post("/v1/oauth/userinfo", responses=problems(UserinfoRefused))
async def read_userinfo(
    request: Request,
    response: Response,
    verifier: Verifier,
    tokens: Tokens,
    people: Annotated[PeopleService, Depends(part(PeopleService))],
) -> dict[str, Any]:
    """Whose account it is, for a program that was granted `openid` (OpenID Connect Core, section 5.3)."""
    response.headers["cache-control"] = "no-store"
    try:
        claims = await verifier.claims(bearer_token(request.headers.getlist("authorization")))
    except Unauthenticated as wrong:
        raise UserinfoRefused from wrong
    found = await tokens.person_of(claims) if claims.client_id is not None else None
    if found is None:
        raise UserinfoRefused
    user_id, grant = found
    return await people.told(user_id, grant.scopes)


async def _claims(verifier: TokenVerifier, token: str) -> Claims | None:
    """What an access token of ours says; nothing where it is none, or not good any more."""
    try:
        return await verifier.claims(token)
    except TokenRefused:
        return None


def _answered(decided: Decided) -> Response:
    told = {name: value for name, value in decided.headers if name.lower() == "www-authenticate"}
    return JSONResponse(decided.body, decided.status, headers=_NEVER_KEPT | told)


def _plain(error: Exception) -> str:
    return str(error) if isinstance(error, FormMalformed) else "The form is not UTF-8."

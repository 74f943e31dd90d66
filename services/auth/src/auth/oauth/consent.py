"""The consent page, for browsers: sign in, see what is asked, decide. It drives the same use-cases as the JSON doors.

It holds its person in a cookie of its own for ten minutes, which no other path needs. Forms are taken from our own
pages alone: browsers say where a form stood, and a decision carries what only the page of that session can know.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Annotated, Final
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from auth.accounts.address import AddressInvalid
from auth.factors.proving import ShownCode
from auth.factors.showing import ShowingService
from auth.oauth.asking import decided
from auth.oauth.authorizing import Authorizing
from auth.oauth.engine import Form
from auth.oauth.errors import RequestOver
from auth.oauth.forms import FormMalformed, form_of
from auth.oauth.pages import Pages
from auth.oauth.schemas import Decide
from auth.sessions.model import Tokens
from auth.sessions.service import SessionService
from auth.sign_ins.answering import CurrentVisitor
from auth.sign_ins.errors import SecondFactorRequired, StepUpNeeded
from auth.sign_ins.model import Proof, Wish
from kit.errors import DomainError, TooManyRequests
from kit.http.app import part
from kit.http.caller import Caller, OpenToAnybody, TokenRefused, Verifier

COOKIE: Final = "__Host-rostrum-consent"
_SECONDS: Final = 600

router = APIRouter(prefix="/v1/oauth/consent", include_in_schema=False, dependencies=[OpenToAnybody])


@dataclass(frozen=True, slots=True)
class ConsentMarks:
    """What a decision's form carries, so that no other page can decide in a person's name."""

    key: bytes = field(repr=False)

    def of(self, caller: Caller, request: str) -> str:
        """The mark of one person's session and one request."""
        return hmac.new(self.key, caller.session_id.bytes + request.encode(), hashlib.sha256).hexdigest()

    def match(self, caller: Caller, request: str, shown: str) -> bool:
        """Whether a form carries it."""
        return hmac.compare_digest(self.of(caller, request).encode(), shown.encode())


@dataclass(frozen=True, slots=True)
class ConsentDesk:
    """What every step of the page needs."""

    authorizing: Authorizing
    sessions: SessionService
    showing: ShowingService
    pages: Pages
    marks: ConsentMarks

    async def page(self, request: str, caller: Caller | None, trouble: str = "", status: int = 200) -> Response:
        """What a person sees: what is asked for, or first the form to sign in with."""
        try:
            if caller is None:
                client, owner = await self.authorizing.glance(request)
                return self.pages.sign_in(request, client.name, owner, trouble, status)
            shown = await self.authorizing.show(request, caller)
        except RequestOver:
            return self.pages.over()
        return self.pages.consent(request, self.marks.of(caller, request), shown, trouble, status)


Desk = Annotated[ConsentDesk, Depends(part(ConsentDesk))]


async def _signed_in(request: Request, verifier: Verifier) -> Caller | None:
    """Whoever has signed in on this page lately; a person, and nobody in their place."""
    token = request.cookies.get(COOKIE)
    if token is None:
        return None
    try:
        caller = await verifier.verify(token)
    except TokenRefused:
        return None
    plain = caller.kind == "user" and caller.scopes is None and caller.actor_id is None
    return caller if plain else None


SignedIn = Annotated[Caller | None, Depends(_signed_in)]


@router.get("")
async def show_consent(request: str, desk: Desk, caller: SignedIn) -> Response:
    """The page."""
    return await desk.page(request[:256], caller)


@router.post("/sign-in")
async def sign_in_to_consent(request: Request, desk: Desk, visitor: CurrentVisitor) -> Response:
    """Sign in on the page."""
    form = await _own_form(request, desk)
    token = form.fields.get("request", "")
    try:
        outcome = await desk.sessions.sign_in(
            form.fields.get("email", ""), None, form.fields.get("password", ""), Wish(visitor)
        )
    except (DomainError, AddressInvalid) as refusal:
        return await desk.page(token, None, refusal.title(), _status(refusal))
    if isinstance(outcome, Tokens):
        return _entered(token, outcome)
    return desk.pages.factor(token, outcome.sign_in_token)


@router.post("/second-factor")
async def complete_sign_in_to_consent(request: Request, desk: Desk, visitor: CurrentVisitor) -> Response:
    """Complete the sign-in on the page."""
    form = await _own_form(request, desk)
    token, sign_in = form.fields.get("request", ""), form.fields.get("sign_in", "")
    factor = form.fields.get("factor", "")
    proof = Proof(factor) if factor in (Proof.TOTP, Proof.RECOVERY_CODE) else Proof.TOTP
    try:
        shown = ShownCode(proof, form.fields.get("code", ""))
        return _entered(token, await desk.showing.complete(sign_in, shown, Wish(visitor)))
    except DomainError as refusal:
        return desk.pages.factor(token, sign_in, refusal.title(), _status(refusal))


@router.post("")
async def decide_on_consent(request: Request, desk: Desk, caller: SignedIn) -> Response:
    """The decision."""
    form = await _own_form(request, desk)
    token = form.fields.get("request", "")
    if caller is None or not desk.marks.match(caller, token, form.fields.get("csrf", "")):
        return await desk.page(token, caller, "Decide once more.", 403)
    chosen = form.fields.get("organization_id")
    try:
        body = Decide(
            decision="grant" if form.fields.get("decision") == "grant" else "deny",
            organization_id=UUID(chosen) if chosen else None,
        )
        where = await decided(desk.authorizing, token, body, caller)
    except RequestOver:
        return desk.pages.over()
    except StepUpNeeded:
        return await desk.page(token, None, "Sign in anew to decide.", 403)
    except SecondFactorRequired as refusal:
        return await desk.page(token, caller, refusal.title(), 403)
    except (DomainError, ValueError):
        return await desk.page(token, caller, "Choose one of your organizations.", 422)
    await desk.sessions.sign_out(caller)  # it was begun for this page alone
    response = RedirectResponse(where, 303, headers={"cache-control": "no-store"})
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return response


def _entered(token: str, tokens: Tokens) -> Response:
    """Back to the page, as somebody."""
    response = RedirectResponse(f"/v1/oauth/consent?request={token}", 303, headers={"cache-control": "no-store"})
    response.set_cookie(
        COOKIE, tokens.access_token, max_age=_SECONDS, path="/", secure=True, httponly=True, samesite="lax"
    )
    return response


async def _own_form(request: Request, desk: ConsentDesk) -> Form:
    """A form that stood on one of our own pages.

    Our pages send no referrer, so that `Origin` may be null; then `Sec-Fetch-Site` says it. What says neither is no
    browser, which nobody can lead here against the will of its owner.

    Raises:
        FormMalformed: it stood elsewhere.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    own = urlsplit(desk.pages.public_url)
    if site is not None and site != "same-origin":
        raise FormForeign
    if site is None and origin is not None and origin != f"{own.scheme}://{own.netloc}":
        raise FormForeign
    try:
        return await form_of(request)
    except (FormMalformed, UnicodeDecodeError) as error:
        raise FormForeign from error


class FormForeign(DomainError):
    """This form does not come from this page."""

    status = 403
    code = "form-foreign"


def _status(refusal: DomainError) -> int:
    return 429 if isinstance(refusal, TooManyRequests) else refusal.status

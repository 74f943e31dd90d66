from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.responses import HTMLResponse, JSONResponse

from inbox.doors import Reader, Replier
from inbox.forms.errors import FormNotTaken, HeldDecided, HeldNotFound
from inbox.forms.model import Submission
from inbox.forms.reading import read
from inbox.forms.repository import HeldSubmission
from inbox.forms.schemas import TRAP, FormOut, HeldOut, SubmittedOut
from inbox.forms.service import FormService
from inbox.forms.stamps import LONGEST
from inbox.sites.errors import OriginNotAllowed, SiteNotFound
from inbox.sites.pages import preflight, readable_by
from kit.errors import DomainError
from kit.http import problem
from kit.http.app import part
from kit.http.caller import NoOrganization, OpenToAnybody, RoleMissing, TokenRefused
from kit.http.middleware import is_json
from kit.http.pagination import Page, Paging
from kit.http.problem import problems

public = APIRouter(prefix="/v1/forms", tags=["contact forms"], dependencies=[OpenToAnybody])
router = APIRouter(
    prefix="/v1/held-submissions",
    tags=["contact forms"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing),
)

Forms = Annotated[FormService, Depends(part(FormService))]

_THANKS: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Message received</title><h1>Thank you</h1><p>Your message was received.</p></html>
"""


@public.post(
    "/{key}",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=SubmittedOut,
    responses=problems(SiteNotFound, OriginNotAllowed, FormNotTaken),
)
async def submit_form(key: str, request: Request, forms: Forms) -> Response:
    """Send a message through a contact form, as JSON or as a page's own form; a page is then shown, or gone on to."""
    origin = request.headers.get("origin", "")
    entered = await forms.enter(key, origin)
    kind = request.headers.get("content-type", "")
    try:
        wanted = read(kind, await request.body())
        after = forms.after(entered, wanted)
        received = await forms.submit(entered, wanted)
    except DomainError as wrong:
        return readable_by(origin, problem.answer_to(wrong))
    if is_json(kind) or "application/json" in request.headers.get("accept", ""):
        answer: Response = JSONResponse({"id": str(received)}, status.HTTP_202_ACCEPTED)
    elif after:
        answer = Response(status_code=status.HTTP_303_SEE_OTHER, headers={"location": after})
    else:
        answer = HTMLResponse(_THANKS)
    return readable_by(origin, answer)


@public.get("/{key}", response_model=FormOut, responses=problems(SiteNotFound, OriginNotAllowed))
async def show_form(key: str, request: Request, forms: Forms) -> Response:
    """What a page should know before it shows the form."""
    origin = request.headers.get("origin", "")
    stamp = await forms.stamp(await forms.enter(key, origin))
    told = FormOut(stamp=stamp, trap=TRAP, expires_in=LONGEST)
    return readable_by(origin, JSONResponse(told.model_dump(), headers={"cache-control": "no-store"}))


@public.options("/{key}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(SiteNotFound, OriginNotAllowed))
async def ask_for_form(key: str, request: Request, forms: Forms) -> Response:
    """Whether a page may send the form."""
    origin = request.headers.get("origin", "")
    await forms.enter(key, origin)
    return preflight(origin, "GET, POST")


@router.get("")
async def list_held_submissions(
    caller: Reader,
    forms: Forms,
    page: Paging,
    state: Annotated[Literal["held", "released", "discarded"], Query()] = "held",
) -> Page[HeldOut]:
    """What was held back as spam, the newest first; after thirty days it is deleted."""
    rows = await forms.held(caller, state, page.after(datetime, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, _place)
    return Page(items=[HeldOut.of(*each) for each in shown], next_cursor=cursor)


@router.post("/{held_id}/release", responses=problems(HeldNotFound, HeldDecided))
async def release_submission(held_id: UUID, caller: Replier, forms: Forms) -> HeldOut:
    """It is no spam: it becomes a conversation, moments later."""
    return HeldOut.of(*await forms.release(caller, held_id))


@router.post("/{held_id}/discard", responses=problems(HeldNotFound, HeldDecided))
async def discard_submission(held_id: UUID, caller: Replier, forms: Forms) -> HeldOut:
    """It is spam."""
    return HeldOut.of(*await forms.discard(caller, held_id))


def _place(shown: tuple[HeldSubmission, Submission | None]) -> tuple[datetime, UUID]:
    return shown[0].created_at, shown[0].id

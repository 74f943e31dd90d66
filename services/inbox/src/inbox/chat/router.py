from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response, WebSocket, status
from fastapi.responses import JSONResponse

from inbox.chat import widget
from inbox.chat.errors import ProofNeeded, ProofRefused, TooFast, VisitorUnknown
from inbox.chat.line import Line
from inbox.chat.schemas import Acknowledge, BeginVisit, HistoryOut, Say, TakenOut, VisitOut
from inbox.chat.service import ChatService
from inbox.chat.waking import Waking
from inbox.conversations.topics import of_conversation
from inbox.sites.errors import OriginNotAllowed, SiteNotFound
from inbox.sites.pages import preflight, readable_by
from inbox.sites.schemas import ChatLook
from kit.errors import DomainError
from kit.http import problem
from kit.http.app import part
from kit.http.caller import OpenToAnybody
from kit.http.problem import problems

public = APIRouter(prefix="/v1/chat", tags=["web chat"], dependencies=[OpenToAnybody])
visits = APIRouter(prefix="/v1/chat-visits", tags=["web chat"], dependencies=[OpenToAnybody])
lines = APIRouter(prefix="/v1/chat")

Chats = Annotated[ChatService, Depends(part(ChatService))]

SUBPROTOCOL: Final = "rostrum.chat.v1"
_TOKEN: Final = "visitor."  # noqa: S105 - the name of the place where a token stands
_LONGEST_WAIT: Final = 25
_YEAR: Final = 31_536_000


@public.get("/widget.js")
async def read_widget(request: Request) -> Response:
    """The script for a page, in its present form; a page that names its sum takes the path of that form instead."""
    return _script(request, "public, max-age=300")


@public.get("/widget.{version}.js", responses=problems(SiteNotFound))
async def read_widget_version(version: str, request: Request) -> Response:
    """The script in one form, which never changes."""
    if version != widget.VERSION:
        raise SiteNotFound
    return _script(request, f"public, max-age={_YEAR}, immutable")


@visits.post(
    "/{key}",
    response_model=VisitOut,
    responses=problems(SiteNotFound, OriginNotAllowed, ProofRefused, ProofNeeded),
)
async def begin_visit(key: str, body: BeginVisit, request: Request, chats: Chats) -> Response:
    """A browser comes, perhaps again: who it is, and how the chat looks."""
    origin = request.headers.get("origin", "")
    entered = await chats.enter(key, origin)
    try:
        present, token = await chats.begin(entered, body)
    except DomainError as wrong:
        return readable_by(origin, problem.answer_to(wrong))
    visitor = present.visitor
    told = VisitOut(
        token=token,
        visitor_id=visitor.id,
        look=ChatLook.model_validate(entered.site.options),
        proven=bool(visitor.customer),
        introduced=visitor.introduced,
        now=chats.database.clock.now(),
    )
    return _told(origin, told.model_dump(mode="json"))


@public.post(
    "/{key}/messages",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=TakenOut,
    responses=problems(SiteNotFound, OriginNotAllowed, VisitorUnknown, TooFast),
)
async def say(key: str, body: Say, request: Request, chats: Chats) -> Response:
    """Write to the team, where there is no WebSocket."""
    origin = request.headers.get("origin", "")
    entered = await chats.enter(key, origin)
    try:
        present = await chats.known(entered, _token(request))
        await chats.say(present, body)
    except DomainError as wrong:
        return readable_by(origin, problem.answer_to(wrong))
    return _told(origin, {"id": str(body.id)}, status.HTTP_202_ACCEPTED)


@public.get(
    "/{key}/messages",
    response_model=HistoryOut,
    responses=problems(SiteNotFound, OriginNotAllowed, VisitorUnknown),
)
async def read_messages(
    key: str,
    request: Request,
    chats: Chats,
    after: Annotated[UUID | None, Query(description="The last message that is known.")] = None,
    wait: Annotated[int, Query(ge=0, le=_LONGEST_WAIT, description="Seconds to wait for something new.")] = 0,
) -> Response:
    """What came after a message, or the newest, where there is no WebSocket."""
    origin = request.headers.get("origin", "")
    entered = await chats.enter(key, origin)
    try:
        present = await chats.known(entered, _token(request))
    except DomainError as wrong:
        return readable_by(origin, problem.answer_to(wrong))
    with Waking(chats.database.wakeups, chats.topics(present)) as waking:
        shown, own = await chats.history(present, after)
        if wait and after is not None and not shown:
            waking.also(of_conversation(each) for each in own)
            await waking.wait(float(wait))
            shown, _ = await chats.history(present, after)
    return _told(origin, {"items": [each.model_dump(mode="json") for each in shown]})


@public.post(
    "/{key}/receipts",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(SiteNotFound, OriginNotAllowed, VisitorUnknown),
)
async def acknowledge(key: str, body: Acknowledge, request: Request, chats: Chats) -> Response:
    """Say which messages of the team were received or read, where there is no WebSocket."""
    origin = request.headers.get("origin", "")
    entered = await chats.enter(key, origin)
    try:
        present = await chats.known(entered, _token(request))
        await chats.acknowledge(present, body.status, body.messages)
    except DomainError as wrong:
        return readable_by(origin, problem.answer_to(wrong))
    return readable_by(origin, Response(status_code=status.HTTP_204_NO_CONTENT))


@public.options(
    "/{key}/{what}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(SiteNotFound, OriginNotAllowed)
)
async def ask_for_chat(key: str, what: str, request: Request, chats: Chats) -> Response:
    """Whether a page may use the chat."""
    _ = what
    origin = request.headers.get("origin", "")
    await chats.enter(key, origin)
    return preflight(origin, "GET, POST")


@visits.options("/{key}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(SiteNotFound, OriginNotAllowed))
async def ask_for_visit(key: str, request: Request, chats: Chats) -> Response:
    """Whether a page may begin a visit."""
    origin = request.headers.get("origin", "")
    await chats.enter(key, origin)
    return preflight(origin, "POST")


@lines.websocket("/{key}/ws")
async def open_line(socket: WebSocket, key: str) -> None:
    """Both ways at once; the token stands in a subprotocol, where no log sees it."""
    chats: ChatService = socket.app.state.parts[ChatService]
    origin, offered = socket.headers.get("origin", ""), _offered(socket)
    token = next((each.removeprefix(_TOKEN) for each in offered if each.startswith(_TOKEN)), "")
    try:
        entered = await chats.enter(key, origin)
        present = await chats.known(entered, token)
    except DomainError as wrong:
        await socket.send_denial_response(problem.answer_to(wrong))
        return
    await socket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None)
    await Line(socket, chats, present, token, origin).run()


def _offered(socket: WebSocket) -> list[str]:
    return [each.strip() for each in socket.headers.get("sec-websocket-protocol", "").split(",")]


def _token(request: Request) -> str:
    return request.headers.get("visitor-token", "")[:200]


def _told(origin: str, told: object, code: int = status.HTTP_200_OK) -> Response:
    return readable_by(origin, JSONResponse(told, code, headers={"cache-control": "no-store"}))


def _script(request: Request, kept: str) -> Response:
    headers = {
        "cache-control": kept,
        "etag": f'"{widget.VERSION}"',
        "access-control-allow-origin": "*",
        "cross-origin-resource-policy": "cross-origin",
    }
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(widget.SCRIPT, media_type="text/javascript; charset=utf-8", headers=headers)

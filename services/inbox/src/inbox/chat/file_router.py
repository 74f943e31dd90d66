from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response, status
from fastapi.responses import JSONResponse, StreamingResponse

from inbox.chat.errors import FileNotThere, FileRefused, TooFast, VisitorUnknown
from inbox.chat.files import name_of
from inbox.chat.schemas import AddressOut, TakenOut
from inbox.chat.sharing import Sharing
from inbox.conversations.errors import ConversationNotFound
from inbox.doors import Replier
from inbox.media.errors import AddressExpired, MediaLost, MediaNotFound, MediaNotReady
from inbox.media.router import headers_of
from inbox.messages.errors import ContactForgotten
from inbox.sites.errors import OriginNotAllowed, SiteNotFound
from inbox.sites.pages import preflight, readable_by
from kit.errors import DomainError
from kit.http import problem
from kit.http.app import part
from kit.http.caller import NoOrganization, OpenToAnybody, RoleMissing, TokenRefused
from kit.http.problem import problems

public = APIRouter(prefix="/v1/chat-files", tags=["web chat"], dependencies=[OpenToAnybody])
router = APIRouter(
    prefix="/v1/conversation-files",
    tags=["messages"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing),
)

Files = Annotated[Sharing, Depends(part(Sharing))]
Name = Annotated[str, Header(alias="file-name", max_length=1000, description="Percent-encoded, in UTF-8.")]
_BYTES = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string"}}}}}


@public.post(
    "/{key}/{file_id}",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=TakenOut,
    responses=problems(SiteNotFound, OriginNotAllowed, VisitorUnknown, TooFast, FileRefused),
    openapi_extra=_BYTES,
)
async def send_file(key: str, file_id: UUID, request: Request, files: Files, name: Name = "") -> Response:
    """Send a file to the team, as a message whose id the browser has drawn; what it is, its bytes say."""
    origin = request.headers.get("origin", "")
    entered = await files.chats.enter(key, origin)
    try:
        present = await files.chats.known(entered, request.headers.get("visitor-token", "")[:200])
        await files.take(present, file_id, name_of(name), await request.body())
    except DomainError as wrong:
        return readable_by(origin, problem.answer_to(wrong))
    return _told(origin, {"id": str(file_id)}, status.HTTP_202_ACCEPTED)


@public.post(
    "/{key}/{file_id}/address",
    response_model=AddressOut,
    responses=problems(SiteNotFound, OriginNotAllowed, VisitorUnknown, FileNotThere),
)
async def ask_for_address(key: str, file_id: UUID, request: Request, files: Files) -> Response:
    """Where a file of one's own conversation is to be had, for a few minutes."""
    origin = request.headers.get("origin", "")
    entered = await files.chats.enter(key, origin)
    try:
        present = await files.chats.known(entered, request.headers.get("visitor-token", "")[:200])
        path, until = await files.address(present, file_id)
    except DomainError as wrong:
        return readable_by(origin, problem.answer_to(wrong))
    return _told(origin, AddressOut(path=path, expires_at=until).model_dump(mode="json"))


@public.get(
    "/{key}/{file_id}",
    response_class=StreamingResponse,
    responses=problems(SiteNotFound, AddressExpired, MediaNotFound, MediaNotReady, MediaLost),
)
async def read_file(
    key: str,
    file_id: UUID,
    request: Request,
    files: Files,
    *,
    expires: Annotated[int, Query(ge=0, le=1 << 40)],
    signature: Annotated[str, Query(max_length=64)],
) -> Response:
    """The bytes of a file, by an address that was signed for it; handed over as a file, never as a page."""
    origin = request.headers.get("origin", "")
    if origin:
        await files.chats.enter(key, origin)
    try:
        file = await files.open(key, file_id, expires, signature)
    except DomainError as wrong:
        return readable_by(origin, problem.answer_to(wrong))
    headers = headers_of(file) | {"cache-control": "no-store", "content-length": str(file.size)}
    return readable_by(origin, StreamingResponse(file.opened.pieces(0, file.size), 200, headers, file.media_type))


@public.options(
    "/{key}/{what:path}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(SiteNotFound, OriginNotAllowed)
)
async def ask_for_files(key: str, what: str, request: Request, files: Files) -> Response:
    """Whether a page may use the files of a chat."""
    _ = what
    origin = request.headers.get("origin", "")
    await files.chats.enter(key, origin)
    return preflight(origin, "GET, POST")


@router.post(
    "/{conversation_id}/{message_id}",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(ConversationNotFound, FileRefused, ContactForgotten),
    openapi_extra=_BYTES,
)
async def share_file(
    conversation_id: UUID, message_id: UUID, request: Request, caller: Replier, files: Files, *, name: Name = ""
) -> TakenOut:
    """Send a file over a web chat as a message of this id; sent again with it, it is one message."""
    await files.share(caller, conversation_id, message_id, name_of(name), await request.body())
    return TakenOut(id=message_id)


def _told(origin: str, told: object, code: int = status.HTTP_200_OK) -> Response:
    return readable_by(origin, JSONResponse(told, code, headers={"cache-control": "no-store"}))

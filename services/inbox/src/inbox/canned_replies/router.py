from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status

from inbox.arrangement.errors import NameTaken, NotArranged, SharedByAll, TooManyArranged
from inbox.canned_replies.schemas import CannedReplyOut, ChangeCannedReply, FillCannedReply, MakeCannedReply
from inbox.canned_replies.service import CannedReplyService
from inbox.conversations.errors import ConversationNotFound
from inbox.doors import Reader, Replier
from inbox.variables.errors import VariableMalformed, VariableUnknown
from inbox.variables.schemas import PreviewOut
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, Expected, Versioned
from kit.http.idempotency import IdempotencyKey
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/canned-replies",
    tags=["canned replies"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing),
)

Replies = Annotated[CannedReplyService, Depends(part(CannedReplyService))]


@router.get("", responses=problems(BadCursor))
async def list_canned_replies(
    caller: Reader, replies: Replies, page: Paging, prefix: Annotated[str, Query(max_length=32)] = ""
) -> Page[CannedReplyOut]:
    """Canned replies by short code, those of all and your own; with `prefix` those whose code begins so."""
    rows = await replies.page(caller, prefix, page.after(str, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, lambda each: (each.key, each.id))
    return Page(items=[CannedReplyOut.of(each) for each in shown], next_cursor=cursor)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(NameTaken, TooManyArranged, SharedByAll, VariableMalformed, VariableUnknown),
)
async def make_canned_reply(
    body: MakeCannedReply, caller: Replier, replies: Replies, key: IdempotencyKey
) -> CannedReplyOut:
    """Make a canned reply, for all (owners and admins) or for yourself."""
    return CannedReplyOut.of(await replies.make(caller, body, key))


@router.put(
    "/{reply_id}",
    responses=problems(NotArranged, NameTaken, SharedByAll, Changed, VariableMalformed, VariableUnknown),
)
async def change_canned_reply(
    reply_id: UUID,
    body: ChangeCannedReply,
    caller: Replier,
    replies: Replies,
    *,
    expected: Expected,
    versions: Versioned,
) -> CannedReplyOut:
    """Let a canned reply say something else."""
    changed = await replies.change(caller, reply_id, body, expected)
    versions.tag(changed.version)
    return CannedReplyOut.of(changed)


@router.delete("/{reply_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(NotArranged, SharedByAll))
async def delete_canned_reply(reply_id: UUID, caller: Replier, replies: Replies) -> None:
    """Delete a canned reply."""
    await replies.delete(caller, reply_id)


@router.post("/{reply_id}/fill", responses=problems(NotArranged, ConversationNotFound))
async def fill_canned_reply(reply_id: UUID, body: FillCannedReply, caller: Reader, replies: Replies) -> PreviewOut:
    """What a canned reply says in a conversation, to be looked at before it is sent; nothing is sent."""
    return PreviewOut.model_validate(await replies.fill(caller, reply_id, body.conversation_id))

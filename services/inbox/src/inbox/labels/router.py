from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from inbox.contacts.errors import ContactNotFound
from inbox.conversations.errors import ConversationContinued, ConversationNotFound
from inbox.doors import Arranger, Reader, Replier
from inbox.labels.errors import LabelNotFound, LabelTaken, NothingToLabel, TooManyLabels, TooManyOnOne, UnknownLabels
from inbox.labels.schemas import AppliedOut, ApplyLabels, CarriedOut, ChangeLabel, LabelOut, MakeLabel
from inbox.labels.service import LabelService
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, Expected, Versioned
from kit.http.idempotency import IdempotencyKey
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(prefix="/v1", tags=["labels"], responses=problems(TokenRefused, NoOrganization, RoleMissing))

Labels = Annotated[LabelService, Depends(part(LabelService))]


@router.get("/labels", responses=problems(BadCursor))
async def list_labels(caller: Reader, labels: Labels, page: Paging) -> Page[LabelOut]:
    """The organization's labels by name, and how many carry each."""
    rows = await labels.page(caller, page.after(str, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, lambda each: each[1])
    return Page(items=[LabelOut.model_validate(each) for each, _ in shown], next_cursor=cursor)


@router.post("/labels", status_code=status.HTTP_201_CREATED, responses=problems(LabelTaken, TooManyLabels))
async def make_label(body: MakeLabel, caller: Arranger, labels: Labels, key: IdempotencyKey) -> LabelOut:
    """Make a label."""
    return LabelOut.model_validate(await labels.make(caller, body, key))


@router.patch("/labels/{label_id}", responses=problems(LabelNotFound, LabelTaken, Changed))
async def change_label(
    label_id: UUID, body: ChangeLabel, caller: Arranger, labels: Labels, *, expected: Expected, versions: Versioned
) -> LabelOut:
    """Give a label another name or colour; it stays on what carries it."""
    changed = await labels.change(caller, label_id, body, expected)
    versions.tag(changed.version)
    return LabelOut.model_validate(changed)


@router.delete("/labels/{label_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(LabelNotFound))
async def delete_label(label_id: UUID, caller: Arranger, labels: Labels) -> None:
    """Delete a label; nothing carries it any more."""
    await labels.delete(caller, label_id)


@router.post(
    "/labels/apply",
    responses=problems(
        ConversationNotFound, ConversationContinued, ContactNotFound, UnknownLabels, NothingToLabel, TooManyOnOne
    ),
)
async def apply_labels(body: ApplyLabels, caller: Replier, labels: Labels) -> AppliedOut:
    """Put labels on many conversations and contacts and take others off; all or nothing, and twice is once."""
    added, removed = await labels.apply(caller, body)
    return AppliedOut(added=added, removed=removed)


@router.get("/conversations/{conversation_id}/labels", responses=problems(ConversationNotFound))
async def list_conversation_labels(conversation_id: UUID, caller: Reader, labels: Labels) -> CarriedOut:
    """The labels of a conversation."""
    return CarriedOut(label_ids=await labels.carried(caller, "conversation", conversation_id))


@router.get("/contacts/{contact_id}/labels")
async def list_contact_labels(contact_id: UUID, caller: Reader, labels: Labels) -> CarriedOut:
    """The labels of a contact."""
    return CarriedOut(label_ids=await labels.carried(caller, "contact", contact_id))

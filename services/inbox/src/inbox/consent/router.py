from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from inbox.consent.errors import ConsentInFuture
from inbox.consent.model import Entry
from inbox.consent.schemas import BlockedOut, ConsentEntryOut, ConsentOut, ConsentsOut, RecordConsent
from inbox.consent.service import ConsentService
from inbox.contacts.errors import ContactNotFound
from inbox.doors import Reader, Replier
from inbox.messages.errors import ContactForgotten
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.idempotency import IdempotencyKey
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/contacts", tags=["consent"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Consents = Annotated[ConsentService, Depends(part(ConsentService))]


@router.get("/blocked", responses=problems(BadCursor))
async def list_blocked_contacts(caller: Reader, consents: Consents, page: Paging) -> Page[BlockedOut]:
    """Whom nobody wants to hear from, the one blocked last first."""
    rows = await consents.blocked(caller, page.after(datetime, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, lambda each: each)
    return Page(items=[BlockedOut(contact_id=each, blocked_at=at) for at, each in shown], next_cursor=cursor)


@router.get("/{contact_id}/consents", responses=problems(ContactNotFound))
async def read_consents(contact_id: UUID, caller: Reader, consents: Consents) -> ConsentsOut:
    """How a contact stands to each purpose on each kind of channel; what is not told was never said."""
    return ConsentsOut(items=[ConsentOut.of(each) for each in await consents.standing(caller, contact_id)])


@router.post(
    "/{contact_id}/consents",
    status_code=status.HTTP_201_CREATED,
    responses=problems(ContactNotFound, ConsentInFuture, ContactForgotten),
)
async def record_consent(
    contact_id: UUID, body: RecordConsent, caller: Replier, consents: Consents, key: IdempotencyKey
) -> ConsentsOut:
    """Record that a contact has granted or withdrawn something; the history only grows, and the newest counts."""
    return ConsentsOut(items=[ConsentOut.of(each) for each in await consents.record(caller, contact_id, body, key)])


@router.get("/{contact_id}/consents/history", responses=problems(ContactNotFound, BadCursor))
async def list_consent_history(
    contact_id: UUID, caller: Reader, consents: Consents, page: Paging
) -> Page[ConsentEntryOut]:
    """All that was recorded of a contact's consent, the newest first, with what proves it."""
    rows = await consents.history(caller, contact_id, page.after(datetime, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, _place)
    return Page(items=[ConsentEntryOut.of(each) for each in shown], next_cursor=cursor)


@router.put("/{contact_id}/block", status_code=status.HTTP_204_NO_CONTENT, responses=problems(ContactNotFound))
async def block_contact(contact_id: UUID, caller: Replier, consents: Consents) -> None:
    """Hear nothing of a contact any more, and send them nothing; what they write is kept apart, unread."""
    await consents.block(caller, contact_id)


@router.delete("/{contact_id}/block", status_code=status.HTTP_204_NO_CONTENT, responses=problems(ContactNotFound))
async def unblock_contact(contact_id: UUID, caller: Replier, consents: Consents) -> None:
    """Hear of them again."""
    await consents.unblock(caller, contact_id)


def _place(entry: Entry) -> tuple[datetime, UUID]:
    return entry.at, entry.id

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status

from inbox.contacts.errors import ContactNotFound, IdentityTaken
from inbox.contacts.schemas import AddContact, ChangeContact, ContactOut, KnownBy
from inbox.contacts.service import ContactService
from inbox.doors import Reader, Replier
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, Expected, Versioned
from kit.http.idempotency import IdempotencyKey
from kit.http.pagination import Page, Paging
from kit.http.problem import problems
from kit.ids import AFTER_ALL

router = APIRouter(
    prefix="/v1/contacts", tags=["contacts"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Contacts = Annotated[ContactService, Depends(part(ContactService))]


@router.get("")
async def list_contacts(
    caller: Reader,
    contacts: Contacts,
    page: Paging,
    *,
    label_id: Annotated[UUID | None, Query(description="Only those that carry this label.")] = None,
) -> Page[ContactOut]:
    """The organization's contacts, the newest first."""
    after = page.after(UUID)
    rows = await contacts.page(caller, after[0] if after else AFTER_ALL, page.limit + 1, label_id)
    shown, cursor = page.cut(rows, lambda each: (each.id,))
    return Page(items=[ContactOut.of(each) for each in shown], next_cursor=cursor)


@router.post("", status_code=status.HTTP_201_CREATED, responses=problems(IdentityTaken))
async def add_contact(body: AddContact, caller: Replier, contacts: Contacts, key: IdempotencyKey) -> ContactOut:
    """Know of somebody before they write; whoever writes with one of these identities is this contact."""
    return ContactOut.of(await contacts.add(caller, body, key))


@router.post("/lookup")
async def look_up_contact(body: KnownBy, caller: Reader, contacts: Contacts) -> Page[ContactOut]:
    """Who is known by a number, in any national spelling of it; in a body, for numbers do not belong in addresses."""
    found = await contacts.lookup(caller, body.identity())
    return Page(items=[ContactOut.of(each) for each in found], next_cursor=None)


@router.patch("/{contact_id}", responses=problems(ContactNotFound, IdentityTaken, Changed))
async def change_contact(
    contact_id: UUID,
    body: ChangeContact,
    caller: Replier,
    contacts: Contacts,
    *,
    expected: Expected,
    versions: Versioned,
) -> ContactOut:
    """Call a contact something else, or know it by more."""
    contact = await contacts.change(caller, contact_id, body, expected)
    versions.tag(contact.version)
    return ContactOut.of(contact)


@router.get("/{contact_id}", responses=problems(ContactNotFound))
async def read_contact(contact_id: UUID, caller: Reader, contacts: Contacts, versions: Versioned) -> ContactOut:
    """One contact and by what it is known."""
    contact = await contacts.read(caller, contact_id)
    versions.tag(contact.version)
    return ContactOut.of(contact)

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from inbox.contacts.errors import ContactNotFound
from inbox.contacts.model import Contact
from inbox.contacts.schemas import ContactOut
from inbox.contacts.service import ContactService
from inbox.doors import Reader
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.pagination import Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/contacts", tags=["contacts"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Contacts = Annotated[ContactService, Depends(part(ContactService))]


@router.get("")
async def list_contacts(caller: Reader, contacts: Contacts, page: Paging) -> Page[ContactOut]:
    """The organization's contacts, the newest first."""
    rows = await contacts.page(caller, page.after(datetime, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, _place)
    return Page(items=[ContactOut.of(each) for each in shown], next_cursor=cursor)


@router.get("/{contact_id}", responses=problems(ContactNotFound))
async def read_contact(contact_id: UUID, caller: Reader, contacts: Contacts) -> ContactOut:
    """One contact and by what it is known."""
    return ContactOut.of(await contacts.read(caller, contact_id))


def _place(contact: Contact) -> tuple[datetime, UUID]:
    return contact.created_at, contact.id

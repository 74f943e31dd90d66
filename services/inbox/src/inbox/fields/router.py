from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from inbox.attributes.errors import ValueRefused
from inbox.attributes.schemas import SetAttributes, ValuesOut
from inbox.contacts.errors import ContactNotFound
from inbox.doors import Reader, Replier
from inbox.fields.service import FieldService
from inbox.messages.errors import ContactForgotten
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/contacts", tags=["attributes"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Fields = Annotated[FieldService, Depends(part(FieldService))]


@router.get("/{contact_id}/attributes", responses=problems(ContactNotFound))
async def read_contact_attributes(contact_id: UUID, caller: Reader, fields: Fields) -> ValuesOut:
    """What the organization knows of a contact, by key."""
    return ValuesOut(values=dict(await fields.values(caller, contact_id)))


@router.patch("/{contact_id}/attributes", responses=problems(ContactNotFound, ValueRefused, ContactForgotten))
async def set_contact_attributes(contact_id: UUID, body: SetAttributes, caller: Replier, fields: Fields) -> ValuesOut:
    """Set some of what is known of a contact: all of it, or nothing."""
    return ValuesOut(values=dict(await fields.set(caller, contact_id, body)))

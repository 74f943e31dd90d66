from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status

from inbox.attributes.errors import AttributeNotFound, AttributeTaken, ChoicesMissing, TooManyAttributes, ValueRefused
from inbox.attributes.model import AppliesTo
from inbox.attributes.schemas import (
    AttributeOut,
    AttributesOut,
    ChangeAttribute,
    MakeAttribute,
    SetAttributes,
    ValuesOut,
)
from inbox.attributes.service import AttributeService
from inbox.conversations.errors import ConversationNotFound
from inbox.doors import Arranger, Reader, Replier
from inbox.messages.errors import ContactForgotten
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, Expected, Versioned
from kit.http.idempotency import IdempotencyKey
from kit.http.problem import problems

router = APIRouter(prefix="/v1", tags=["attributes"], responses=problems(TokenRefused, NoOrganization, RoleMissing))

Attributes = Annotated[AttributeService, Depends(part(AttributeService))]


@router.get("/attributes")
async def list_attributes(
    caller: Reader, attributes: Attributes, applies_to: Annotated[AppliesTo | None, Query()] = None
) -> AttributesOut:
    """The attributes that the organization has defined, by key."""
    found = await attributes.all(caller, applies_to)
    return AttributesOut(items=[AttributeOut.model_validate(each) for each in found])


@router.post(
    "/attributes",
    status_code=status.HTTP_201_CREATED,
    responses=problems(AttributeTaken, TooManyAttributes, ChoicesMissing),
)
async def make_attribute(
    body: MakeAttribute, caller: Arranger, attributes: Attributes, key: IdempotencyKey
) -> AttributeOut:
    """Define an attribute."""
    return AttributeOut.model_validate(await attributes.make(caller, body, key))


@router.patch("/attributes/{attribute_id}", responses=problems(AttributeNotFound, ChoicesMissing, Changed))
async def change_attribute(
    attribute_id: UUID,
    body: ChangeAttribute,
    caller: Arranger,
    attributes: Attributes,
    *,
    expected: Expected,
    versions: Versioned,
) -> AttributeOut:
    """Give an attribute another name, a list other choices."""
    changed = await attributes.change(caller, attribute_id, body, expected)
    versions.tag(changed.version)
    return AttributeOut.model_validate(changed)


@router.delete(
    "/attributes/{attribute_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(AttributeNotFound)
)
async def delete_attribute(attribute_id: UUID, caller: Arranger, attributes: Attributes) -> None:
    """Delete an attribute with all its values."""
    await attributes.delete(caller, attribute_id)


@router.get("/conversations/{conversation_id}/attributes", responses=problems(ConversationNotFound))
async def read_conversation_attributes(conversation_id: UUID, caller: Reader, attributes: Attributes) -> ValuesOut:
    """The values of a conversation, by key."""
    return ValuesOut(values=dict(await attributes.values(caller, conversation_id)))


@router.patch(
    "/conversations/{conversation_id}/attributes",
    responses=problems(ConversationNotFound, ValueRefused, ContactForgotten),
)
async def set_conversation_attributes(
    conversation_id: UUID, body: SetAttributes, caller: Replier, attributes: Attributes
) -> ValuesOut:
    """Set some values of a conversation; all or none, and twice is once."""
    return ValuesOut(values=dict(await attributes.set(caller, conversation_id, body)))

from typing import Annotated

from fastapi import APIRouter, Depends

from inbox.conversations.errors import ConversationNotFound
from inbox.doors import Reader
from inbox.variables.errors import VariableMalformed, VariableUnknown
from inbox.variables.schemas import PreviewOut, PreviewText, VariablesOut
from inbox.variables.service import VariableService
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/variables", tags=["variables"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Variables = Annotated[VariableService, Depends(part(VariableService))]


@router.get("")
async def list_variables(caller: Reader, variables: Variables) -> VariablesOut:
    """The variables that canned replies, macros and templates may use, with the organization's attributes."""
    return VariablesOut(items=await variables.list(caller))


@router.post("/preview", responses=problems(ConversationNotFound, VariableMalformed, VariableUnknown))
async def preview_text(body: PreviewText, caller: Reader, variables: Variables) -> PreviewOut:
    """What a text will say in a conversation, and of which variables nothing is known there; nothing is sent."""
    return PreviewOut.model_validate(await variables.preview(caller, body))

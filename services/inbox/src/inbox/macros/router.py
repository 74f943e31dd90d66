from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from inbox.arrangement.errors import NameTaken, NotArranged, SharedByAll, TooManyArranged
from inbox.conversations.errors import ConversationNotFound
from inbox.doors import Reader, Replier
from inbox.macros.errors import RunIdTaken
from inbox.macros.schemas import ChangeMacro, MacroOut, MacroRunOut, MakeMacro, RunMacro, RunOnMany
from inbox.macros.service import MacroService
from inbox.variables.errors import VariableMalformed, VariableUnknown
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, Expected, Versioned
from kit.http.idempotency import IdempotencyKey
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems
from kit.jobs.errors import JobKeyReused, TooManyJobs
from kit.jobs.router import JobOut

router = APIRouter(
    prefix="/v1/macros", tags=["macros"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Macros = Annotated[MacroService, Depends(part(MacroService))]


@router.get("", responses=problems(BadCursor))
async def list_macros(caller: Reader, macros: Macros, page: Paging) -> Page[MacroOut]:
    """Macros by name, those of all and your own."""
    rows = await macros.page(caller, page.after(str, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, lambda each: (each.key, each.id))
    return Page(items=[MacroOut.of(each) for each in shown], next_cursor=cursor)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(NameTaken, TooManyArranged, SharedByAll, VariableMalformed, VariableUnknown),
)
async def make_macro(body: MakeMacro, caller: Replier, macros: Macros, key: IdempotencyKey) -> MacroOut:
    """Make a macro, for all (owners and admins) or for yourself."""
    return MacroOut.of(await macros.make(caller, body, key))


@router.put(
    "/{macro_id}",
    responses=problems(NotArranged, NameTaken, SharedByAll, Changed, VariableMalformed, VariableUnknown),
)
async def change_macro(
    macro_id: UUID, body: ChangeMacro, caller: Replier, macros: Macros, *, expected: Expected, versions: Versioned
) -> MacroOut:
    """Let a macro do something else."""
    changed = await macros.change(caller, macro_id, body, expected)
    versions.tag(changed.version)
    return MacroOut.of(changed)


@router.delete("/{macro_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(NotArranged, SharedByAll))
async def delete_macro(macro_id: UUID, caller: Replier, macros: Macros) -> None:
    """Delete a macro; what it did stays."""
    await macros.delete(caller, macro_id)


@router.post("/{macro_id}/runs", responses=problems(NotArranged, ConversationNotFound, RunIdTaken))
async def run_macro(macro_id: UUID, body: RunMacro, caller: Replier, macros: Macros) -> MacroRunOut:
    """Run a macro in a conversation, in one commit; what became of each action. The same id again does no more."""
    return await macros.run(caller, macro_id, body)


@router.post(
    "/{macro_id}/jobs",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(NotArranged, JobKeyReused, TooManyJobs),
)
async def run_macro_on_many(macro_id: UUID, body: RunOnMany, caller: Replier, macros: Macros) -> JobOut:
    """Run a macro in many conversations, in each once; how far it is stands at `/v1/macro-jobs/{id}`."""
    return JobOut.of(await macros.run_on_many(caller, macro_id, body))

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status

from generation.doors import Manager, Reader
from generation.templates.errors import TemplateNotFound, TooManyTemplates
from generation.templates.model import Category, library
from generation.templates.schemas import LibraryOut, OwnTemplateOut, TemplateOut, WriteTemplate
from generation.templates.service import TemplateService
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/generation", tags=["generation"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Templates = Annotated[TemplateService, Depends(part(TemplateService))]


@router.get("/template-library")
async def read_template_library(
    _caller: Reader, *, category: Annotated[Category | None, Query()] = None
) -> LibraryOut:
    """Our own templates, with what is to be filled in and tips."""
    found = [each for each in library().values() if category in {None, each.category}]
    return LibraryOut(items=[TemplateOut.of(each) for each in found])


@router.post(
    "/templates", status_code=status.HTTP_201_CREATED, responses=problems(TooManyTemplates, IdempotencyKeyReused)
)
async def add_template(
    body: WriteTemplate, caller: Manager, templates: Templates, idempotency: IdempotencyKey
) -> OwnTemplateOut:
    """A template of the organization's own."""
    return OwnTemplateOut.of(await templates.add(body.template(), caller, idempotency))


@router.get("/templates", responses=problems(BadCursor))
async def list_templates(caller: Reader, templates: Templates, page: Paging) -> Page[OwnTemplateOut]:
    """The organization's own, the newest first."""
    after = page.after(UUID)
    found = await templates.page(caller, after[0] if after else None, page.limit + 1)
    shown, cursor = page.cut(found, lambda each: (each.own.id,))
    return Page(items=[OwnTemplateOut.of(each) for each in shown], next_cursor=cursor)


@router.get("/templates/{template_id}", responses=problems(TemplateNotFound))
async def read_template(
    template_id: UUID,
    caller: Reader,
    templates: Templates,
    *,
    number: Annotated[int | None, Query(ge=1, le=10_000, description="As it was; as it is unless named.")] = None,
) -> OwnTemplateOut:
    """One of the organization's own."""
    return OwnTemplateOut.of(await templates.find(template_id, number, caller))


@router.get("/templates/{template_id}/versions", responses=problems(TemplateNotFound, BadCursor))
async def list_template_versions(
    template_id: UUID, caller: Reader, templates: Templates, page: Paging
) -> Page[OwnTemplateOut]:
    """What it said, the newest first."""
    after = page.after(int)
    found = await templates.versions(template_id, caller, after[0] if after else 2**31 - 1, page.limit + 1)
    shown, cursor = page.cut(found, lambda each: (each.version.number,))
    return Page(items=[OwnTemplateOut.of(each) for each in shown], next_cursor=cursor)


@router.put("/templates/{template_id}", responses=problems(TemplateNotFound))
async def change_template(
    template_id: UUID, body: WriteTemplate, caller: Manager, templates: Templates
) -> OwnTemplateOut:
    """Let it say something else from now on, as a further version; what was written stays as it is."""
    return OwnTemplateOut.of(await templates.change(template_id, body.template(), caller))


@router.delete(
    "/templates/{template_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(TemplateNotFound)
)
async def retire_template(template_id: UUID, caller: Manager, templates: Templates) -> None:
    """Offer it no more; its versions stay, for texts that were written by them."""
    await templates.retire(template_id, caller)

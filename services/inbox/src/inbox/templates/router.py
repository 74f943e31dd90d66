from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response, status

from inbox.channels.errors import ChannelNotFound
from inbox.doors import Reader, TemplateManager
from inbox.templates.errors import (
    NothingToSubmit,
    SyncNotFound,
    TemplateExists,
    TemplateLimit,
    TemplateNotFound,
    TemplateRefused,
    TemplatesElsewhere,
    TemplateUnderWay,
    TemplateValuesWrong,
)
from inbox.templates.model import Status, Template, Version
from inbox.templates.repository import Chosen
from inbox.templates.rules import breaches
from inbox.templates.schemas import (
    CheckOut,
    CheckTemplate,
    CreateTemplate,
    PreviewOut,
    PreviewTemplate,
    SyncOut,
    SyncTemplates,
    TemplateOut,
    TemplateRulesOut,
    VersionOut,
    WriteTemplate,
)
from inbox.templates.service import TemplateService
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.etag import Changed, Expected, Versioned
from kit.http.idempotency import IdempotencyKey
from kit.http.pagination import Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/message-templates",
    tags=["templates"],
    responses=problems(TokenRefused, NoOrganization, RoleMissing),
)

Templates = Annotated[TemplateService, Depends(part(TemplateService))]


async def wanted(
    status: Annotated[Status | None, Query(description="Without it all but deleted ones.")] = None,
    language: Annotated[str | None, Query(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")] = None,
    name: Annotated[str | None, Query(pattern=r"^[a-z0-9_]{1,512}$")] = None,
) -> Chosen:
    """Which templates the query asks for."""
    return Chosen(status=status, language=language, name=name)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(ChannelNotFound, TemplatesElsewhere, TemplateExists, TemplateRefused, TemplateLimit),
)
async def create_template(
    body: CreateTemplate, caller: TemplateManager, templates: Templates, key: IdempotencyKey, versions: Versioned
) -> TemplateOut:
    """Write a template; a draft may break rules and says which, what is submitted may not."""
    template = await templates.create(caller, body, key)
    versions.tag(template.version)
    return TemplateOut.of(template)


@router.get("", responses=problems(ChannelNotFound, TemplatesElsewhere))
async def list_templates(
    caller: Reader,
    templates: Templates,
    page: Paging,
    chosen: Annotated[Chosen, Depends(wanted)],
    channel_id: Annotated[UUID | None, Query(description="Those of this channel's business account.")] = None,
) -> Page[TemplateOut]:
    """Templates by name and language."""
    rows = await templates.page(caller, chosen, channel_id, page.after(str, str, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, _place)
    return Page(items=[TemplateOut.of(each) for each in shown], next_cursor=cursor)


@router.get("/rules")
async def read_template_rules(caller: Reader) -> TemplateRulesOut:
    """WhatsApp's limits for templates, as they are known."""
    _ = caller
    return TemplateRulesOut.now()


@router.post("/check")
async def check_template(body: CheckTemplate, caller: Reader) -> CheckOut:
    """What WhatsApp would refuse, as far as it can be said beforehand; nothing is kept."""
    _ = caller
    return CheckOut.of(breaches(body.design()))


@router.post("/syncs", status_code=status.HTTP_202_ACCEPTED, responses=problems(ChannelNotFound, TemplatesElsewhere))
async def synchronise_templates(body: SyncTemplates, caller: TemplateManager, templates: Templates) -> SyncOut:
    """Read the list at WhatsApp: what was made elsewhere appears, what is gone is marked."""
    return SyncOut.of(await templates.synchronise(caller, body.channel_id))


@router.get("/syncs/{sync_id}", responses=problems(SyncNotFound))
async def read_template_sync(sync_id: UUID, caller: Reader, templates: Templates) -> SyncOut:
    """How far a reading has come."""
    return SyncOut.of(await templates.sync(caller, sync_id))


@router.get("/{template_id}", response_model=TemplateOut, responses=problems(TemplateNotFound))
async def read_template(
    template_id: UUID, caller: Reader, templates: Templates, versions: Versioned
) -> TemplateOut | Response:
    """One template."""
    template = await templates.read(caller, template_id)
    return versions.unchanged(template.version) or TemplateOut.of(template)


@router.put("/{template_id}/draft", responses=problems(TemplateNotFound, TemplateUnderWay, Changed))
async def write_template(
    template_id: UUID,
    body: WriteTemplate,
    caller: TemplateManager,
    templates: Templates,
    *,
    expected: Expected,
    versions: Versioned,
) -> TemplateOut:
    """Write its draft anew; what can be sent stays until the draft is approved."""
    template = await templates.write(caller, template_id, body, expected)
    versions.tag(template.version)
    return TemplateOut.of(template)


@router.post(
    "/{template_id}/submit",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(TemplateNotFound, NothingToSubmit, TemplateRefused, TemplateLimit, TemplateUnderWay),
)
async def submit_template(template_id: UUID, caller: TemplateManager, templates: Templates) -> TemplateOut:
    """Have WhatsApp review the draft; the answer comes as an event."""
    return TemplateOut.of(await templates.submit(caller, template_id))


@router.delete(
    "/{template_id}",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(TemplateNotFound, TemplateUnderWay),
)
async def delete_template(template_id: UUID, caller: TemplateManager, templates: Templates) -> TemplateOut:
    """Delete it in this language; nobody may use its name again for 30 days."""
    return TemplateOut.of(await templates.delete(caller, template_id))


@router.get("/{template_id}/versions", responses=problems(TemplateNotFound))
async def list_template_versions(
    template_id: UUID, caller: Reader, templates: Templates, page: Paging
) -> Page[VersionOut]:
    """What it has said, the newest first."""
    after = page.after(int)
    rows = await templates.versions(caller, template_id, None if after is None else after[0], page.limit + 1)
    shown, cursor = page.cut(rows, _number)
    return Page(items=[VersionOut.of(each) for each in shown], next_cursor=cursor)


@router.post("/{template_id}/preview", responses=problems(TemplateNotFound, TemplateValuesWrong))
async def preview_template(
    template_id: UUID, body: PreviewTemplate, caller: Reader, templates: Templates
) -> PreviewOut:
    """See it filled in; nothing is sent."""
    return PreviewOut.model_validate(await templates.preview(caller, template_id, body))


def _place(template: Template) -> tuple[str, str, UUID]:
    return template.name, template.language, template.id


def _number(version: Version) -> tuple[int]:
    return (version.number,)

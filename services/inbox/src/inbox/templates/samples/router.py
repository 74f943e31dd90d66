from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, status
from pydantic import Field

from inbox.doors import Reader, TemplateManager
from inbox.templates.samples.errors import SampleNotFound, SampleNotShowable
from inbox.templates.samples.model import Sample
from inbox.templates.samples.service import SampleService
from kit.http.app import part
from kit.http.caller import NoOrganization, RoleMissing, TokenRefused
from kit.http.idempotency import IdempotencyKey
from kit.http.models import Out
from kit.http.pagination import Page, Paging
from kit.http.problem import problems

PATH = "/v1/media/samples"

router = APIRouter(
    prefix=PATH, tags=["message templates"], responses=problems(TokenRefused, NoOrganization, RoleMissing)
)

Samples = Annotated[SampleService, Depends(part(SampleService))]

_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class SampleOut(Out):
    """A file that headers of templates, and of their cards, may name as `example.sample_id`."""

    id: UUID
    media_type: str = Field(examples=["image/png"])
    size: int = Field(description="In bytes.", examples=[51234])
    created_at: datetime


@router.post("", status_code=status.HTTP_201_CREATED, responses=problems(SampleNotShowable), openapi_extra=_BODY)
async def add_template_sample(
    request: Request, caller: TemplateManager, samples: Samples, key: IdempotencyKey
) -> SampleOut:
    """Add a JPEG, PNG, MP4 or PDF file of at most 16 MiB, sent as it is; WhatsApp gets it with the template."""
    return SampleOut.model_validate(await samples.add(caller, await request.body(), key))


@router.get("")
async def list_template_samples(caller: Reader, samples: Samples, page: Paging) -> Page[SampleOut]:
    """The organization's samples, the oldest first."""
    rows = await samples.page(caller, page.after(datetime, UUID), page.limit + 1)
    shown, cursor = page.cut(rows, _place)
    return Page(items=[SampleOut.model_validate(each) for each in shown], next_cursor=cursor)


@router.delete("/{sample_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(SampleNotFound))
async def delete_template_sample(sample_id: UUID, caller: TemplateManager, samples: Samples) -> None:
    """Delete a sample; what WhatsApp has of it stays."""
    await samples.delete(caller, sample_id)


def _place(sample: Sample) -> tuple[datetime, UUID]:
    return sample.created_at, sample.id

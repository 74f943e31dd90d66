from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from kit.http.models import Model, Out


class StartExport(Model):
    """Have a file of contacts written: of whom a segment or a query means; without either, of all."""

    segment_id: UUID | None = None
    query: dict[str, Any] | None = Field(
        None, description="One condition as segments have them; see `docs/howto/ask-for-contacts.md`."
    )


class ExportOut(Out):
    """A file of contacts, and how far it is."""

    id: UUID
    state: Literal["running", "finished", "failed", "cancelled", "expired"] = Field(
        description="`failed`: not whole; `POST /v1/contact-jobs/{job_id}/retry` tries items again that failed."
    )
    columns: list[str] = Field(description="Attributes that have a column, beside names, identities and labels.")
    rows: int = Field(description="Contacts written so far.")
    size: int = Field(description="Bytes written so far, without the first line.")
    job_id: UUID = Field(description="Its progress, rate and ETA: `GET /v1/contact-jobs/{id}`.")
    expires_at: datetime = Field(description="When the file goes.")
    created_at: datetime


class ExportAddressOut(Out):
    """Where a file is to be had, without any other proof."""

    path: str
    expires_at: datetime

from collections.abc import Mapping
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from compliance.exports.model import Export, ExportState
from compliance.persons.model import PersonKind
from compliance.persons.schemas import PersonIn, PersonOut
from kit.http.models import Model, Out


class RequestExport(Model):
    """Everything that is kept about one person."""

    person: PersonIn


class PartOut(Out):
    """What one service hands over."""

    service: str
    ready: bool
    rows: Mapping[str, int] = Field(description="How many rows of each table.")


class ExportOut(Out):
    """An export: an encrypted archive, once every service has handed its part over."""

    id: UUID
    person: PersonOut
    state: ExportState
    parts: list[PartOut]
    password: str | None = Field(
        description="Opens the archive (ZIP, AES-256). Told once, when the export is asked for, and kept by nobody."
    )
    size: int = Field(description="Of the archive, in bytes; 0 until it is ready.")
    sha256: str = Field(description="Of the archive, in hexadecimal; empty until it is ready.")
    requested_by: UUID
    created_at: datetime
    ready_at: datetime | None
    expires_at: datetime = Field(description="When the archive is deleted; until it is ready, when the request ends.")
    version: int

    @classmethod
    def of(cls, export: Export) -> Self:
        """The export as shown."""
        return cls(
            id=export.id,
            person=PersonOut(kind=PersonKind(export.person.kind), id=export.person.id),
            state=export.state,
            parts=[PartOut.model_validate(part) for part in export.parts],
            password=export.password,
            size=export.size,
            sha256=export.sha256,
            requested_by=export.requested_by,
            created_at=export.created_at,
            ready_at=export.ready_at,
            expires_at=export.expires_at,
            version=export.version,
        )

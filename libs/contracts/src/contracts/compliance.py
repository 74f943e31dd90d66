"""What compliance says: how requests of people go on, which keys are gone, how long things are kept.

What it asks of the services, and how they answer, stands in `contracts.privacy`.
"""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.audit import AuditEntry
from contracts.event import Audience, Event
from contracts.names import MANAGERS, Name
from contracts.privacy import AsksForErasure, AsksForExport, PersonKind, Way

RetentionName = Annotated[str, Field(pattern=r"^[a-z][a-z ]{0,39}$", examples=["messages"])]


class ExportRequested(AsksForExport):
    """Somebody asked for everything that is kept about one person; each service hands its part over."""

    type: ClassVar[str] = "compliance.export.requested.v1"


class ExportReady(Event):
    """An export is complete and can be fetched until it expires."""

    type: ClassVar[str] = "compliance.export.ready.v1"
    subject: ClassVar[str] = "export_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = MANAGERS

    export_id: UUID = Field(description="The request.")
    expires_at: AwareDatetime = Field(description="When the archive is deleted.")


class ErasureRequested(Event):
    """Somebody asked that a person be forgotten; until `begins_at` it can be taken back."""

    type: ClassVar[str] = "compliance.erasure.requested.v1"
    subject: ClassVar[str] = "erasure_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = MANAGERS

    erasure_id: UUID = Field(description="The request.")
    person_kind: PersonKind = Field(description="What the person is to us.")
    person_id: UUID = Field(description="The id of the contact or of the user.")
    way: Way = Field(description="What is to become of the rows.")
    begins_at: AwareDatetime = Field(description="The end of the grace.")


class ErasureCancelled(Event):
    """The request to forget somebody was taken back within its grace."""

    type: ClassVar[str] = "compliance.erasure.cancelled.v1"
    subject: ClassVar[str] = "erasure_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = MANAGERS

    erasure_id: UUID = Field(description="The request.")


class ErasureBegun(AsksForErasure):
    """The grace is over: everything that is kept about this person goes, and nothing of it comes back."""

    type: ClassVar[str] = "compliance.erasure.begun.v1"


class ErasureFinished(Event):
    """A person is forgotten: every service has answered, and their key is destroyed."""

    type: ClassVar[str] = "compliance.erasure.finished.v1"
    subject: ClassVar[str] = "erasure_id"
    audience: ClassVar[Audience] = "internal"
    browsers: ClassVar[frozenset[str] | None] = MANAGERS

    erasure_id: UUID = Field(description="The request.")
    person_kind: PersonKind = Field(description="What the person was to us.")
    person_id: UUID = Field(description="The id of the contact or of the user; it leads nowhere any more.")
    way: Way = Field(description="What became of the rows.")


class KeyDestroyed(Event):
    """A key is gone for good: what it sealed cannot be read again, wherever copies lie."""

    type: ClassVar[str] = "compliance.key.destroyed.v1"
    subject: ClassVar[str] = "owner_id"
    audience: ClassVar[Audience] = "internal"

    owner_kind: Name = Field(description="Whose key it was.", examples=["contact", "user", "organization"])
    owner_id: UUID = Field(description="The id of the person or of the organization.")


class RetentionChanged(Event):
    """An organization keeps something for another time than the platform does by itself."""

    type: ClassVar[str] = "compliance.retention.changed.v1"
    subject: ClassVar[str] = "organization_id"
    audience: ClassVar[Audience] = "internal"

    retention: RetentionName = Field(description="The class of what is kept, as the data map names it.")
    days: int | None = Field(None, ge=1, lt=36_501, description="How long; without it, as the platform does.")


class ComplianceAuditRecorded(AuditEntry):
    """Something about the audit trail, exports, erasure or retention was done that the audit trail keeps."""

    type: ClassVar[str] = "compliance.audit.recorded.v1"

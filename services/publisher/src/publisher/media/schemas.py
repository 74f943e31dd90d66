from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from kit.http.models import Model, Out
from kit.quota import Use
from publisher.media.model import LONGEST_ALT, MediaState, Medium
from publisher.media.workshop.verdict import FileKind


class DescribeMedia(Model):
    """What tells those about it who do not see it."""

    alt: Annotated[str, Field(max_length=LONGEST_ALT)]


class MediaOut(Out):
    """A picture, video or document; what it is (kind, type, size …) is null until it was looked at.

    `code` and `reason` say why it was refused.
    """

    id: UUID
    state: MediaState
    name: str
    alt: str
    kind: FileKind | None
    mime: str
    size_bytes: int
    received_bytes: int
    width: int | None
    height: int | None
    duration_ms: int | None
    frames_per_second: float | None
    animated: bool | None
    video_codec: str | None
    audio_codec: str | None
    pages: int | None
    code: str
    reason: str
    created_by: UUID | None
    created_at: datetime
    changed_at: datetime
    version: int

    @classmethod
    def of(cls, medium: Medium) -> "MediaOut":
        """It, as it is shown."""
        facts, declared = medium.facts, medium.declared
        return cls(
            id=medium.id,
            state=medium.state,
            name=declared.name,
            alt=declared.alt,
            kind=facts.kind if facts else None,
            mime=facts.mime if facts else declared.mime,
            size_bytes=facts.size_bytes if facts else declared.size,
            received_bytes=medium.received,
            width=(facts and facts.width) or None,
            height=(facts and facts.height) or None,
            duration_ms=facts.duration_ms if facts else None,
            frames_per_second=facts.frames_per_second if facts else None,
            animated=facts.animated if facts else None,
            video_codec=(facts and facts.video_codec) or None,
            audio_codec=(facts and facts.audio_codec) or None,
            pages=facts.pages if facts else None,
            code=medium.code,
            reason=medium.reason,
            created_by=medium.created_by,
            created_at=medium.created_at,
            changed_at=medium.changed_at,
            version=medium.version,
        )


class StorageOut(Out):
    """Storage in megabytes; `allowed` is null where there is no limit."""

    used: int
    reserved: int
    allowed: int | None

    @classmethod
    def of(cls, use: Use) -> "StorageOut":
        """How it stands."""
        return cls(used=use.used, reserved=use.reserved, allowed=use.allowed)

"""Pictures, videos and documents that an organization keeps to publish."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from kit.errors import FieldError
from kit.quota import Meter
from publisher.media.errors import FileTooLarge, MediaNotReady, UploadNotAcceptable
from publisher.media.workshop.sniffing import FILMS, PDF, TAKEN, type_named, type_of_name
from publisher.media.workshop.verdict import Facts

MEGABYTE: Final = 1_000_000
LARGEST_PICTURE: Final = 50 * MEGABYTE
LARGEST_DOCUMENT: Final = 100 * MEGABYTE
LARGEST_FILM: Final = 1000 * MEGABYTE
LONGEST_ALT: Final = 4000
LONGEST_NAME: Final = 200
MOST_UPLOADS: Final = 50
"""Of one organization at the same time."""

UPLOAD_WITHIN: Final = timedelta(hours=24)
STORAGE: Final = Meter("storage_mb", before_first=500, held=True)
"""Megabytes as they were declared; what is made of them for the platforms costs nobody anything."""


class MediaState(StrEnum):
    """Where a medium stands; what was refused is deleted by whoever has read why."""

    UPLOADING = "uploading"
    EXAMINING = "examining"
    READY = "ready"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Declared:
    """What is said of a file before its first byte."""

    size: int
    mime: str
    name: str = ""
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Medium:
    """One picture, video or document. `object` is where its bytes lie, once it is ready."""

    id: UUID
    organization_id: UUID
    state: MediaState
    declared: Declared
    received: int
    facts: Facts | None
    object: str
    code: str
    reason: str
    created_by: UUID | None
    version: int
    created_at: datetime
    changed_at: datetime
    expires_at: datetime

    @property
    def megabytes(self) -> int:
        """What it counts as, at least one."""
        return megabytes(self.declared.size)

    def opened(self) -> Facts:
        """What it is.

        Raises:
            MediaNotReady: it cannot be used yet, or never.
        """
        if self.state is not MediaState.READY or self.facts is None:
            raise MediaNotReady(self.reason or None, state=self.state.value)
        return self.facts


def megabytes(size: int) -> int:
    """What so many bytes count as."""
    return max(1, -(-size // MEGABYTE))


def checked(declared: Declared) -> Declared:
    """What was declared, if such a file may be uploaded.

    Raises:
        UploadNotAcceptable, FileTooLarge: it may not.
    """
    errors = []
    mime = type_named(declared.mime)
    if mime is None:
        known = ", ".join(sorted(TAKEN))
        errors.append(FieldError("Upload-Metadata filetype", f"Name the type of the file, one of {known}."))
    elif (promised := type_of_name(declared.name)) not in {None, mime} and not {promised, mime} <= FILMS:
        errors.append(FieldError("Upload-Metadata filename", f"This ending does not belong to {mime}."))
    for field, text, most in (("filename", declared.name, LONGEST_NAME), ("alt", declared.alt, LONGEST_ALT)):
        if len(text) > most or not all(char.isprintable() or char == "\n" for char in text):
            errors.append(FieldError(f"Upload-Metadata {field}", f"Use up to {most} printable characters."))
    if declared.size <= 0:
        errors.append(FieldError("Upload-Length", "Say how many bytes it has; an empty file is not taken."))
    if errors or mime is None:
        raise UploadNotAcceptable(errors=errors)
    most = LARGEST_FILM if mime in FILMS else LARGEST_DOCUMENT if mime == PDF else LARGEST_PICTURE
    if declared.size > most:
        raise FileTooLarge(f"It may have up to {most} bytes.", limit=most, actual=declared.size)
    return Declared(declared.size, mime, declared.name, declared.alt)


def facts_of(stored: Mapping[str, Any] | None) -> Facts | None:
    """What was seen in a file, as it was stored."""
    return None if stored is None else Facts(**stored)

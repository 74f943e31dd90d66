"""Files of a web chat: what a visitor may send, and how a file is shown to a browser that has no other proof."""

import base64
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote
from uuid import UUID

from inbox.chat.errors import FileRefused
from inbox.media import addresses
from inbox.media.model import type_of
from inbox.media.store import Kept

LARGEST_FILE: Final = 10 * 1024 * 1024
"""Bytes of a file that goes over a web chat, either way."""

_PURPOSE: Final = "files of chats"

FILE_EVERY: Final = timedelta(seconds=15)
FILES_AT_ONCE: Final = 5
"""How many a visitor may send: so many at once, and one more in so many seconds."""

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "image/jpeg": "image",
        "image/png": "image",
        "image/gif": "image",
        "image/webp": "image",
        "audio/ogg": "audio",
        "audio/mpeg": "audio",
        "audio/aac": "audio",
        "audio/amr": "audio",
        "video/mp4": "video",
        "video/3gpp": "video",
        "application/pdf": "document",
    }
)
"""As what a file goes, by what its bytes say; all else is refused, pages, scripts and archives above all."""

_PATH: Final = re.compile(r"^(?P<organization>[0-9a-f-]{36})/(?P<file>[0-9a-f-]{36})/(?P<key>[A-Za-z0-9_=-]+)$")


def kind_of(content: bytes) -> tuple[str, str]:
    """As what a file goes, and its type, whatever its sender calls it.

    Raises:
        FileRefused: it is empty, too large, or nothing that is taken.
    """
    if not content or len(content) > LARGEST_FILE:
        raise FileRefused(f"A file has 1 to {LARGEST_FILE} bytes.")
    media_type = type_of(content)
    if media_type not in KINDS:
        raise FileRefused("Pictures, sound, video and PDF are taken; this is none of them by its content.")
    return KINDS[media_type], media_type


def name_of(told: str) -> str:
    """A file's name as a header tells it, percent-encoded, as one harmless line without a folder."""
    name = unquote(told, errors="replace").replace("\\", "/").rpartition("/")[2]
    return "".join(each for each in name if each.isprintable())[:150].strip()


def told_place(organization_id: UUID, kept: Kept) -> str:
    """Where an upload lies until its message is read; whoever has it may open it, so it is kept sealed."""
    return f"{organization_id}/{kept.file_id}/{base64.urlsafe_b64encode(kept.key_sealed).decode()}"


def place_of(told: str) -> tuple[UUID, Kept] | None:
    """The same, read."""
    found = _PATH.match(told)
    if found is None:
        return None
    return UUID(found["organization"]), Kept(UUID(found["file"]), base64.urlsafe_b64decode(found["key"]))


def signed_path(secret: str, key: str, media_id: UUID, now: datetime) -> tuple[str, datetime]:
    """The address of a file below ours, and until when it leads there."""
    query, until = addresses.signed(secret, _PURPOSE, f"{key}\n{media_id}", now)
    return f"/v1/chat-files/{key}/{media_id}?{query}", until


def check_signed(secret: str, key: str, media_id: UUID, *, expires: int, signature: str, now: datetime) -> None:
    """Whether an address is ours and still good.

    Raises:
        AddressExpired: it is neither.
    """
    named = f"{key}\n{media_id}"
    addresses.check_signed(secret, _PURPOSE, named, expires=expires, signature=signature, now=now)

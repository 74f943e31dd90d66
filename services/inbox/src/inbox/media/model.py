"""What a medium may be: how large, of which type by its own bytes, and how it may be shown."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

_MEBIBYTE: Final = 1024 * 1024
LARGEST: Final[Mapping[str, int]] = {
    "image": 5 * _MEBIBYTE,
    "audio": 16 * _MEBIBYTE,
    "voice": 16 * _MEBIBYTE,
    "video": 16 * _MEBIBYTE,
    "document": 100 * _MEBIBYTE,
    "sticker": _MEBIBYTE // 2,
}
"""What WhatsApp allows, by kind (its media page of December 2025); a medium is refused at twice that."""

SHOWN: Final = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/webp",
        "image/gif",
        "audio/ogg",
        "audio/mpeg",
        "audio/aac",
        "audio/amr",
        "video/mp4",
        "video/3gpp",
    }
)
"""Types that a browser may show in place; anything else is handed over as a file."""

_SIGNS: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (0, b"#!AMR", "audio/amr"),
    (4, b"ftyp3g", "video/3gpp"),
    (4, b"ftyp", "video/mp4"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
)


def largest(kind: str) -> int:
    """How many bytes of this kind are taken in."""
    return 2 * LARGEST.get(kind, 100 * _MEBIBYTE)


def type_of(content: bytes) -> str:
    """The type as the bytes say; whoever sent it may have said anything."""
    for at, sign, media_type in _SIGNS:
        if content[at : at + len(sign)] == sign:
            return media_type
    return "application/octet-stream"


def same_digest(told: str, digest: str) -> bool:
    """Whether a checksum as the platform tells it (base64 or hexadecimal) is this one; none told is none wrong."""
    if not told:
        return True
    if told.lower() == digest:
        return True
    try:
        return base64.b64decode(told, validate=True) == bytes.fromhex(digest)
    except (binascii.Error, ValueError):
        return False

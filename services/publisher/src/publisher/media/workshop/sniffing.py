"""What a file is by its first bytes, whatever anybody says of it."""

from collections.abc import Mapping
from typing import Final

from publisher.media.workshop.verdict import Unfit

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
GIF: Final = "image/gif"
WEBP: Final = "image/webp"
MP4: Final = "video/mp4"
QUICKTIME: Final = "video/quicktime"
PDF: Final = "application/pdf"

PICTURES: Final = frozenset({JPEG, PNG, GIF, WEBP})
FILMS: Final = frozenset({MP4, QUICKTIME})
TAKEN: Final = PICTURES | FILMS | {PDF}

_ALIKE: Final[Mapping[str, str]] = {
    "image/jpg": JPEG,
    "image/pjpeg": JPEG,
    "video/x-m4v": MP4,
    "video/mov": QUICKTIME,
}
_ENDINGS: Final[Mapping[str, str]] = {
    "jpg": JPEG,
    "jpeg": JPEG,
    "jpe": JPEG,
    "png": PNG,
    "gif": GIF,
    "webp": WEBP,
    "mp4": MP4,
    "m4v": MP4,
    "mov": QUICKTIME,
    "qt": QUICKTIME,
    "pdf": PDF,
}
_NAMES: Final[Mapping[str, str]] = {
    JPEG: "a JPEG picture",
    PNG: "a PNG picture",
    GIF: "a GIF picture",
    WEBP: "a WebP picture",
    MP4: "an MP4 video",
    QUICKTIME: "a QuickTime video",
    PDF: "a PDF document",
}
_KNOWN: Final = "JPEG, PNG, GIF and WebP pictures, MP4 and QuickTime videos, and PDF documents are taken."


def type_named(told: str) -> str | None:
    """The type by this name, None for one that is not taken."""
    plain = told.partition(";")[0].strip().lower()
    plain = _ALIKE.get(plain, plain)
    return plain if plain in TAKEN else None


def type_of_name(name: str) -> str | None:
    """The type that a file name's ending promises; None where it promises nothing that we know."""
    return _ENDINGS.get(name.rpartition(".")[2].lower()) if "." in name else None


def sniffed(head: bytes) -> str:
    """The type of a file that begins so.

    Raises:
        Unfit: it is none that is taken.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[4:8] == b"ftyp":
        return _film(head[8:12])
    if head.startswith((b"%PDF-1.", b"%PDF-2.")):
        return PDF
    start = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<svg", b"<?xml", b"<!doctype", b"<html")):
        raise Unfit("unsafe-type", f"This is text that programs run (SVG, HTML or XML). Export it as PNG. {_KNOWN}")
    raise Unfit("unknown-type", f"This is none of the types that are taken. {_KNOWN}")


def _film(brand: bytes) -> str:
    if brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis"):
        raise Unfit("unknown-type", f"HEIC and AVIF pictures are not taken; export it as JPEG. {_KNOWN}")
    return QUICKTIME if brand == b"qt  " else MP4


def agreed(found: str, declared: str, name: str) -> None:
    """Let a file be only what was said of it; QuickTime and MP4 are one form with two names.

    Raises:
        Unfit: it is something else.
    """
    told = {type_named(declared) or declared, type_of_name(name) or found}
    for each in told:
        if each != found and not {each, found} <= FILMS:
            said = _NAMES.get(each, each)
            reason = f"It was said to be {said} and is {_NAMES[found]}. Give it its own type and ending."
            raise Unfit("type-mismatch", reason)

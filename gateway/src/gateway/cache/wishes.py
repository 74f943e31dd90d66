"""What a request says of kept answers (RFC 9110, section 13; RFC 9111, section 5.2.1)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_TAG: Final = rb'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS: Final = re.compile(rb"[ \t,]*%b(?:[ \t]*,[ \t,]*%b)*[ \t,]*" % (_TAG, _TAG))
_OPAQUE: Final = re.compile(rb'"[^"]*"')
_ANEW: Final = (b"no-cache", b"max-age=0")
_OF_NO_CONCERN: Final = frozenset((b"if-match", b"if-modified-since", b"if-range", b"if-unmodified-since", b"range"))


@dataclass(slots=True)
class Wishes:
    """What one request wants: an answer that was not kept, or one only if it has changed."""

    anew: bool = False
    unless: bytes = b""
    """The entity tags of If-None-Match."""


def wishes_of(passed: Sequence[bytes]) -> Wishes | None:
    """What a request wants, by the headers that pass; None when it asks for what is never kept."""
    wishes = Wishes()
    for at in range(0, len(passed), 4):
        name, value = passed[at], passed[at + 2]
        if name in _OF_NO_CONCERN:
            return None
        if name == b"if-none-match":
            wishes.unless = wishes.unless + b"," + value if wishes.unless else value
        elif name in (b"cache-control", b"pragma"):
            told = [each.strip() for each in value.lower().split(b",")]
            if b"no-store" in told:
                return None
            wishes.anew = wishes.anew or any(each in told for each in _ANEW)
    return wishes


def has(unless: bytes, etag: bytes) -> bool:
    """Whether If-None-Match names this tag, weak or strong; a list that cannot be read names none."""
    if not unless or not etag:
        return False
    if unless.strip() == b"*":
        return True
    opaque = etag.removeprefix(b"W/")
    return _TAGS.fullmatch(unless) is not None and opaque in _OPAQUE.findall(unless)


def unconditional(passed: Sequence[bytes]) -> list[bytes]:
    """The headers without If-None-Match, for the service is asked for the whole answer."""
    return [part for at in range(0, len(passed), 4) if passed[at] != b"if-none-match" for part in passed[at : at + 4]]

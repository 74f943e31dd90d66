"""Which language somebody reads, as far as their browser says."""

import re
from collections.abc import Collection
from typing import Final

FALLBACK: Final = "en"
_RANGE: Final = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9]{1,8})*\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?")
_MOST = 20


def preferred(accept_language: str | None, available: Collection[str]) -> str:
    """The best of the languages there are for an Accept-Language header; anything unreadable is ignored."""
    best, weight = FALLBACK, 0.0
    for part in (accept_language or "")[:500].split(",")[:_MOST]:
        found = _RANGE.fullmatch(part)
        if found is None:
            continue
        language, asked = found[1].lower(), float(found[2] or 1)
        if language in available and asked > weight:
            best, weight = language, asked
    return best

"""The part of a content that a request asks for (RFC 9110, 14)."""

import re
from typing import Final

_ONE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE)

Part = tuple[int, int]
"""From the first byte up to, not including, the last."""


class Unsatisfiable(Exception):
    """No byte of the content is in the range."""


def chosen(asked: str | None, size: int) -> Part | None:
    """The part, None for everything: also for several parts at once, which nobody needs to be given.

    Raises:
        Unsatisfiable: it begins behind the end.
    """
    found = _ONE.fullmatch(asked.strip()) if asked else None
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise Unsatisfiable
    return start, end

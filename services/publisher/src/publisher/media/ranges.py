"""The part of a content that a request asks for (RFC 9110, 14), and the answer."""

import re
from collections.abc import Mapping
from typing import Final

from fastapi.responses import Response, StreamingResponse

from publisher.media.store import MediaStore
from publisher.media.workshop.verdict import Facts

_ONE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)


class Unsatisfiable(Exception):
    """No byte of the content is in the range."""


def chosen(asked: str | None, size: int) -> tuple[int, int] | None:
    """From the first byte up to, not including, the last; None for everything, also for several parts at once.

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
        if last and int(last) < int(first):
            return None
    if start >= size:
        raise Unsatisfiable
    return start, end


def answer(store: MediaStore, key: str, facts: Facts, *, asked: str | None, headers: Mapping[str, str]) -> Response:
    """The bytes that were asked for, from the store piece by piece."""
    size = facts.size_bytes
    told = {
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox; default-src 'none'",
        "cross-origin-resource-policy": "cross-origin",
        **headers,
    }
    try:
        part = chosen(asked, size)
    except Unsatisfiable:
        return Response(status_code=416, headers={"content-range": f"bytes */{size}"})
    start, end = part or (0, size)
    told["content-length"] = str(end - start)
    if part is not None:
        told["content-range"] = f"bytes {start}-{end - 1}/{size}"
    return StreamingResponse(store.pieces(key, start, end), 200 if part is None else 206, told, facts.mime)

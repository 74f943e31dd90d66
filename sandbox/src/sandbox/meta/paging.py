"""Nodes and lists as the Graph API answers them: the fields that were asked for, page by page."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from starlette.requests import Request

from sandbox.json import Object
from sandbox.meta.refusals import wrong_parameter

_NESTED = re.compile(r"\{[^{}]*\}")


def only(request: Request, node: Object) -> Object:
    """The fields that were asked for, and the id."""
    fields = _NESTED.sub("", request.query_params.get("fields") or ",".join(node))
    wanted = {"id", *fields.split(",")}
    return {name: value for name, value in node.items() if name in wanted}


def page(request: Request, items: Sequence[Object]) -> Object:
    """A page with cursors; `next` only where there is more."""
    limit, begin = request.query_params.get("limit", "25"), _place(request.query_params.get("after"))
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= 1000):
        raise wrong_parameter("Param limit must be an integer between 1 and 1000.")
    end = begin + int(limit)
    shown: list[object] = [only(request, one) for one in items[begin:end]]
    paging: Object = {"cursors": {"before": _cursor(begin), "after": _cursor(min(end, len(items)))}}
    if end < len(items):
        paging["next"] = str(request.url.include_query_params(after=_cursor(end)))
    return {"data": shown, "paging": paging} if shown else {"data": shown}


def _cursor(place: int) -> str:
    return urlsafe_b64encode(str(place).encode()).decode()


def _place(cursor: str | None) -> int:
    try:
        return int(urlsafe_b64decode(cursor or "MA==").decode()[:9])
    except ValueError as broken:
        raise wrong_parameter("Param after is not a valid cursor.") from broken

"""Lists in pages by keyset: a cursor holds the sort values of the last item shown; nothing is skipped or repeated.

A list endpoint takes `page: Paging`, reads `page.after(...)` for the sort values, fetches `page.limit + 1` rows and
answers `page.cut(rows, sort_values)`.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
from fastapi import Depends, Query
from pydantic import BaseModel

from kit.errors import FieldError, Invalid

T = TypeVar("T")
R = TypeVar("R")

LONGEST_CURSOR = 1024
_ALPHABET = b"-_"


class BadCursor(Invalid):
    """This cursor does not come from this list."""

    code = "bad-cursor"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("cursor", "Use next_cursor of the page before, unchanged.")])


class Page(BaseModel, Generic[T]):
    """One page of a list; `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None = None


def encode_cursor(*values: str | float | bool | UUID | datetime) -> str:
    """An opaque cursor from the sort values of the last item shown."""
    plain = [_plain(value) for value in values]
    return base64.urlsafe_b64encode(orjson.dumps(plain)).rstrip(b"=").decode("ascii")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time in a cursor says its offset")
        return value.astimezone(UTC).isoformat()
    return str(value) if isinstance(value, UUID) else value


def decode_cursor(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The sort values of a cursor, of exactly these kinds (`str int float bool UUID datetime`).

    Raises:
        BadCursor: it was not made by `encode_cursor` from values of these kinds.
    """
    if len(cursor) > LONGEST_CURSOR:
        raise BadCursor
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        values = orjson.loads(base64.b64decode(padded, altchars=_ALPHABET, validate=True))
    except (UnicodeEncodeError, binascii.Error, orjson.JSONDecodeError) as error:
        raise BadCursor from error
    if not isinstance(values, list) or len(values) != len(kinds):
        raise BadCursor
    return tuple(_typed(value, kind) for value, kind in zip(values, kinds, strict=True))


def _typed(value: object, kind: type) -> Any:
    try:
        if kind is UUID and isinstance(value, str):
            return UUID(value)
        if kind is datetime and isinstance(value, str):
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                raise BadCursor
            return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadCursor from error
    if kind in (UUID, datetime) or type(value) is not kind:
        raise BadCursor
    if isinstance(value, str) and "\0" in value:
        raise BadCursor
    if type(value) is int and not -(2**63) <= value < 2**63:
        raise BadCursor
    return value


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is asked for."""

    limit: int = 25
    cursor: str | None = None

    def after(self, *kinds: type) -> tuple[Any, ...] | None:
        """The sort values to go on after, or None for the first page.

        Raises:
            BadCursor: the cursor was not made for this list.
        """
        return None if self.cursor is None else decode_cursor(self.cursor, *kinds)

    def cut(self, rows: Sequence[R], sort_values: Callable[[R], tuple[Any, ...]]) -> tuple[list[R], str | None]:
        """The rows to show and the next cursor, from `limit + 1` fetched rows."""
        shown = list(rows[: self.limit])
        more = len(rows) > self.limit
        return shown, encode_cursor(*sort_values(shown[-1])) if more else None


async def paging(
    limit: Annotated[int, Query(ge=1, le=100, description="How many items at most")] = 25,
    cursor: Annotated[
        str | None, Query(max_length=LONGEST_CURSOR, description="next_cursor of the page before")
    ] = None,
) -> PageRequest:
    """Which page the query asks for."""
    return PageRequest(limit, cursor)


Paging = Annotated[PageRequest, Depends(paging)]

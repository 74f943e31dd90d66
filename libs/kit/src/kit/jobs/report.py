"""What became of the items of a job, as a file to be read by people or programs."""

import csv
import io
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any, Final
from uuid import UUID

import orjson

from kit.jobs.jobs import Jobs
from kit.jobs.model import ItemShown, ItemState

_PAGE: Final = 1000
_COLUMNS: Final = ("number", "subject_id", "state", "code", "reason", "settled_at")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def defused(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: one that begins like it is led in by an apostrophe.

    Zeros are left out: a cell cannot hold them, and whoever drops them later would find what stood behind.
    """
    text = "" if value is None else str(value).replace("\0", "")
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_lines(rows: Sequence[Sequence[object]]) -> bytes:
    """Rows as RFC 4180 has them, every cell defused but numbers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([[cell if isinstance(cell, int) else defused(cell) for cell in row] for row in rows])
    return text.getvalue().encode()


async def as_csv(
    jobs: Jobs, bound: Sequence[UUID], job_id: UUID, states: Collection[ItemState] | None
) -> AsyncIterator[bytes]:
    """The report as CSV, page by page, each read in a transaction of its own."""
    yield csv_lines([_COLUMNS])
    async for page in _pages(jobs, bound, job_id, states):
        yield csv_lines([list(_values(item).values()) for item in page])


async def as_json_lines(
    jobs: Jobs, bound: Sequence[UUID], job_id: UUID, states: Collection[ItemState] | None
) -> AsyncIterator[bytes]:
    """The report as one JSON object a line."""
    async for page in _pages(jobs, bound, job_id, states):
        yield b"".join(orjson.dumps(_values(item), option=orjson.OPT_APPEND_NEWLINE) for item in page)


async def _pages(
    jobs: Jobs, bound: Sequence[UUID], job_id: UUID, states: Collection[ItemState] | None
) -> AsyncIterator[list[ItemShown]]:
    after = 0
    while True:
        async with jobs.database.transaction(*bound) as tx:
            page = await jobs.items(tx, job_id, states=states, after=after, limit=_PAGE)
        if page:
            yield page
        if len(page) < _PAGE:
            return
        after = page[-1].number


def _values(item: ItemShown) -> dict[str, Any]:
    moment = item.settled_at
    return {
        "number": item.number,
        "subject_id": None if item.subject_id is None else str(item.subject_id),
        "state": item.state.value,
        "code": item.code,
        "reason": item.reason,
        "settled_at": None if moment is None else moment.isoformat().replace("+00:00", "Z"),
    }

"""Posts from a table: what a row says, and what is wrong with it, by line and column."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

MOST_ROWS: Final = 1000
MOST_CHARACTERS: Final = 700_000
COLUMNS: Final = (
    "text",
    "accounts",
    "publish_at",
    "zone",
    "kind",
    "title",
    "link",
    "first_comment",
    "media",
    "cover",
)
"""What a table may have; `text` and `accounts` it must."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a cell: in which line and column, by which rule, and how to mend it."""

    line: int
    column: str
    rule: str
    detail: str
    fix: str

    def stored(self) -> dict[str, Any]:
        """As it is stored and told."""
        return {
            "line": self.line,
            "column": self.column,
            "rule": self.rule,
            "detail": self.detail,
            "fix": self.fix,
        }


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: where it began, and its cells by column."""

    number: int
    cells: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Line({self.number})"


@dataclass(frozen=True, slots=True)
class Import:
    """An import as it is stored."""

    id: UUID
    organization_id: UUID
    name: str
    zone: str
    job_id: UUID
    total: int
    created_by: UUID | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """One row of an import, and what became of it."""

    id: UUID
    line: int
    cells: Mapping[str, str]
    post_id: UUID | None
    faults: tuple[Mapping[str, Any], ...]


def fingerprint(text: str, zone: str) -> bytes:
    """What makes a file the same: its content, and the zone that its times are read in."""
    return hashlib.sha256(f"{zone}\0{text}".encode(errors="surrogatepass")).digest()

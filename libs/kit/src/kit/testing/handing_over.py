"""A compliance that is no service: it keeps the pieces that are handed over, and reads them again."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from kit.privacy.handover import place
from kit.privacy.person import Person
from kit.seal import Keyring


@dataclass(slots=True)
class Collected:
    """Pieces by export, attempt and number; whatever is in `troubles` is raised first, one for each piece."""

    pieces: dict[tuple[UUID, int, int], bytes] = field(default_factory=dict)
    troubles: list[BaseException | None] = field(default_factory=list)
    puts: int = 0

    async def put(self, export_id: UUID, attempt: int, number: int, sealed: bytes) -> None:
        """Keep a piece."""
        self.puts += 1
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is not None:
            raise trouble
        self.pieces[export_id, attempt, number] = sealed

    async def lines(
        self, keyring: Keyring, service: str, person: Person, export_id: UUID, attempt: int
    ) -> Sequence[dict[str, Any]]:
        """All that one attempt handed over, in its order."""
        found = sorted(key for key in self.pieces if key[:2] == (export_id, attempt))
        lines: list[dict[str, Any]] = []
        for key in found:
            where = place(export_id, service, attempt, key[2])
            piece = await keyring.open(person.organization_id, self.pieces[key], where)
            lines += map(orjson.loads, piece.splitlines())
        return lines


def by_table(lines: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The rows of each table."""
    tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        if "table" in line:
            tables[line["table"]].append(line["row"])
    return dict(tables)

"""How many rows lead to a person, counted by the data map and not by those who are to erase them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from kit.db.database import Transaction
from kit.privacy.datamap import DataMap, Lead
from kit.privacy.person import Person

_SPOKEN: Final[Mapping[tuple[str, str], str]] = {
    ("idempotency_keys", "principal"): "principal LIKE $1::uuid::text || '/%'",
}
"""Columns that hold more than the id alone."""


@dataclass(frozen=True, slots=True)
class Count:
    """Counts what a data map says is about a kind of person."""

    data_map: DataMap

    async def rows(self, tx: Transaction, person: Person) -> dict[str, int]:
        """Rows by table, of the organizations that the transaction is bound to; tables without any are left out.

        Each way to a person is asked for by itself, since an index answers none of several that may hold.
        """
        asked = [
            f"SELECT '{name}' AS name, count(*) AS rows FROM ({' UNION '.join(_places(name, ways))}) AS found"  # noqa: S608
            for name in sorted(self.data_map.tables)
            if (ways := sorted(self._ways(name, person.kind)))
        ]
        if not asked:
            return {}
        rows = await tx.fetch(" UNION ALL ".join(asked), person.id)
        return {row["name"]: row["rows"] for row in rows if row["rows"]}

    def _ways(self, name: str, kind: str) -> Iterator[str]:
        for subject, lead in self.data_map.tables[name].leads:
            if subject == kind:
                yield from self._way(name, lead, kind)

    def _way(self, name: str, lead: Lead, kind: str) -> Iterator[str]:
        if not lead.table:
            yield _SPOKEN.get((name, lead.column), f"{lead.column} = $1")
        else:
            further = " OR ".join(sorted(self._ways(lead.table, kind)))
            yield f"{lead.column} IN (SELECT {lead.key} FROM {lead.table} WHERE {further})"  # noqa: S608 - names of the map


def _places(name: str, ways: Iterable[str]) -> Iterator[str]:
    """Where rows of a table lie that each way leads to."""
    return (f"SELECT tableoid, ctid FROM {name} WHERE {way}" for way in ways)  # noqa: S608 - names of the map

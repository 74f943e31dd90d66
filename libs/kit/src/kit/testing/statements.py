"""What a database was asked, and the plans it follows when it keeps one for whatever values come."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

from kit.db.database import Connection, Database

_PLANNED: Final = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|\()", re.IGNORECASE)
_PARAMETER: Final = re.compile(r"\$(\d+)")


class Overheard(Database):
    """Keeps every statement that it was asked, once, as it was written: without values; `heard` counts them all."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.asked: set[str] = set()
        self.heard = 0

    @asynccontextmanager
    async def _connection(self, within: float | None = None, *, aside: bool = False) -> AsyncIterator[Connection]:
        async with super()._connection(within, aside=aside) as connection:
            with connection.query_logger(self._hear):
                yield connection

    def _hear(self, asked: Any) -> None:
        self.heard += 1
        if _PLANNED.match(asked.query) and ";" not in asked.query:
            self.asked.add(asked.query)

    async def plans(self, organization_id: UUID) -> Mapping[str, str]:
        """The plan of each, made without knowing the values and with every index preferred to reading all.

        A table of which all rows are read all the same has no index that serves: "Seq Scan on".
        """
        found = dict[str, str]()
        async with self.transaction(organization_id) as tx:
            await tx.execute("SET LOCAL plan_cache_mode = force_generic_plan")
            await tx.execute("SET LOCAL enable_seqscan = off")
            for sql in sorted(self.asked):
                places = max((int(place) for place in _PARAMETER.findall(sql)), default=0)
                values = f"({', '.join(['NULL'] * places)})" if places else ""
                await tx.execute(f"PREPARE overheard AS {sql}")
                found[sql] = "\n".join(row[0] for row in await tx.fetch(f"EXPLAIN EXECUTE overheard{values}"))
                await tx.execute("DEALLOCATE overheard")
        return found

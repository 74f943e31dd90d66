"""What jobs keep about people: which of them a user was an item of, and which they submitted."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from kit.db.database import Database, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE = 500


@dataclass(frozen=True, slots=True)
class JobHolding:
    """For services whose items are users; the numbers of a job stay, without leading to anybody."""

    database: Database
    tables: ClassVar[frozenset[str]] = frozenset()
    """None by their columns: whom an item is about says the kind of its job."""

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """What was done to them in bulk, and what they had done."""
        if person.kind != "user":
            return
        after = (UUID(int=0), 0)
        while True:
            async with self.database.transaction(*organization_ids) as tx:
                rows = await tx.fetch(
                    """
                    SELECT i.job_id, i.number, j.kind, i.state, i.code, i.reason, i.settled_at
                    FROM job_items AS i JOIN jobs AS j ON j.id = i.job_id
                    WHERE i.subject_id = $1 AND (i.job_id, i.number) > ($2, $3)
                    ORDER BY i.job_id, i.number LIMIT $4
                    """,
                    person.id,
                    *after,
                    _PAGE,
                )
            if rows:
                yield Rows("job_items", [dict(row) for row in rows])
            if len(rows) < _PAGE:
                break
            after = (rows[-1]["job_id"], rows[-1]["number"])
        async for page in self._submitted(person, organization_ids):
            yield page

    async def _submitted(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows]:
        after = UUID(int=0)
        while True:
            async with self.database.transaction(*organization_ids) as tx:
                rows = await tx.fetch(
                    """
                    SELECT id, kind, state, total, done, failed, skipped, created_at, ended_at FROM jobs
                    WHERE submitted_by = $1 AND id > $2 ORDER BY id LIMIT $3
                    """,
                    person.id,
                    after,
                    _PAGE,
                )
            if rows:
                yield Rows("jobs", [dict(row) for row in rows])
            if len(rows) < _PAGE:
                return
            after = rows[-1]["id"]

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Items and jobs lead to them no more; what waits is skipped when its turn comes, for it is about nobody."""
        _ = way
        if person.kind != "user":
            return Erased()
        items = await tx.execute("UPDATE job_items SET subject_id = NULL WHERE subject_id = $1", person.id)
        jobs = await tx.execute("UPDATE jobs SET submitted_by = NULL WHERE submitted_by = $1", person.id)
        return Erased(unlinked={"job_items": items, "jobs": jobs})

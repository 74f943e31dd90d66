"""The kind of jobs `publisher.import`: of each row a post, in the commit that says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.audit import User
from kit.db.database import Transaction
from kit.errors import DomainError
from kit.ids import new_id
from kit.jobs.model import Done, Failed, Found, Item, Job, Outcome
from kit.ledger.ledger import Ledger
from publisher.deliveries.sending import Sending
from publisher.imports.model import Import, Line, Row
from publisher.imports.reading import of_refusal, wishes
from publisher.imports.repository import ImportRepository
from publisher.posts.model import Post, PostStatus
from publisher.posts.planning import plan
from publisher.posts.when import InQueue
from publisher.posts.writing import write
from publisher.queues.placing import choose

KIND = "publisher.import"


@dataclass(frozen=True, slots=True)
class PostImports:
    """Makes posts of rows. A row that is refused leaves nothing behind but its faults."""

    ledger: Ledger
    sending: Sending

    name: str = KIND
    batch: int = 20
    prepares: bool = False

    async def find(self, tx: Transaction, job: Job, cursor: Any, limit: int) -> Found:
        """Nothing: all rows come with the job."""
        _ = tx, job, cursor, limit
        return Found(())

    async def prepare(self, job: Job, items: Sequence[Item]) -> None:
        """Nothing is needed from outside."""
        _ = job, items

    async def work(self, tx: Transaction, job: Job, items: Sequence[Item], prepared: None) -> Mapping[int, Outcome]:
        """A post for each row, as a person's request would write it."""
        _ = prepared
        whole = await ImportRepository(tx).of_job(job.id)
        rows = await ImportRepository(tx).rows([each.subject_id for each in items if each.subject_id])
        outcomes: dict[int, Outcome] = {}
        for each in items:
            row = rows.get(each.subject_id) if each.subject_id else None
            outcomes[each.number] = Failed("row-gone") if row is None else await self._row(tx, whole, row)
        return outcomes

    async def _row(self, tx: Transaction, whole: Import, row: Row) -> Outcome:
        if row.post_id is not None:
            return Done()
        now = self.sending.database.clock.now()
        changes, faults = wishes(Line(row.line, row.cells), whole.zone, now)
        if changes is not None:
            queue_id = changes.when.queue_id if isinstance(changes.when, InQueue) else None
            post = _blank(whole, new_id(), now)
            try:
                chosen = await choose(tx, changes, [], now)
                planned = await plan(tx, self.sending, post, [], chosen, now=now, queue_id=queue_id)
                by = User(whole.created_by)
                saved = await write(tx, self.ledger, post, planned, now=now, actor=by, by="import")
            except DomainError as refusal:
                faults = of_refusal(row.line, refusal)
            else:
                await ImportRepository(tx).ended(row.id, saved.id, ())
                return Done()
        await ImportRepository(tx).ended(row.id, None, [each.stored() for each in faults])
        return Failed(faults[0].rule[:100] or "refused", f"Line {row.line}: see the report.")

    async def ended(self, tx: Transaction, job: Job) -> None:
        """The job's own figures say how it ended."""
        _ = tx, job


def _blank(whole: Import, post_id: UUID, now: datetime) -> Post:
    return Post(
        id=post_id,
        organization_id=whole.organization_id,
        text="",
        status=PostStatus.DRAFT,
        when=None,
        created_by=whole.created_by,
        version=1,
        created_at=now,
        changed_at=now,
    )

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.privacy.holding import Erased
from kit.privacy.person import Person

EXPORT: Final = "export"
ERASURE: Final = "erasure"

_COLUMNS: Final = """
    id, what, organization_id, person_kind, person_id, way, attempt, failures, answers,
    removed, unlinked, anonymised, kept, kept_because, keys
"""


class TaskLost(Exception):
    """Somebody else works at this task now."""


@dataclass(frozen=True, slots=True)
class Task:
    """An export or an erasure of one person's data here, claimed by `attempt`."""

    id: UUID
    what: str
    person: Person
    way: str
    attempt: int
    failures: int
    answers: int
    removed: Mapping[str, int] = field(default_factory=dict)
    unlinked: Mapping[str, int] = field(default_factory=dict)
    anonymised: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
    because: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskRepository:
    """What was asked of this service, and how far it got."""

    tx: Transaction

    async def add(self, task_id: UUID, what: str, person: Person, way: str = "") -> None:
        """Keep a task; a second time changes nothing."""
        await self.tx.execute(
            """
            INSERT INTO privacy_tasks (id, what, organization_id, person_kind, person_id, way)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (id) DO NOTHING
            """,
            task_id,
            what,
            person.organization_id,
            person.kind,
            person.id,
            way,
        )

    async def claim(self, lease: timedelta) -> Task | None:
        """The task that is due first, ours until the lease ends; of another worker's, once its lease has lapsed."""
        row = await self.tx.fetchrow(
            f"""
            UPDATE privacy_tasks SET attempt = attempt + 1, leased_until = kit_now() + $1::interval
            WHERE id = (
                SELECT id FROM privacy_tasks
                WHERE state = 'open' AND due_at <= kit_now() AND (leased_until IS NULL OR leased_until < kit_now())
                ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
            )
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - names of columns
            lease,
        )
        return None if row is None else _task(row)

    async def hold(self, task: Task, lease: timedelta) -> Task:
        """The task as it is now, locked, with a new lease.

        Raises:
            TaskLost: another worker has it, or it is done.
        """
        row = await self.tx.fetchrow(
            f"""
            UPDATE privacy_tasks SET leased_until = kit_now() + $3::interval
            WHERE id = $1 AND attempt = $2 AND state = 'open'
            RETURNING {_COLUMNS}
            """,  # noqa: S608 - names of columns
            task.id,
            task.attempt,
            lease,
        )
        if row is None:
            raise TaskLost
        return _task(row)

    async def note(self, task: Task, erased: Erased) -> None:
        """Add what a step did, in the transaction that did it."""
        await self.tx.execute(
            """
            UPDATE privacy_tasks
            SET removed = $2, unlinked = $3, anonymised = $4, kept = $5, kept_because = $6, keys = $7
            WHERE id = $1
            """,
            task.id,
            _sum(task.removed, erased.removed),
            _sum(task.unlinked, erased.unlinked),
            {**task.anonymised, **erased.anonymised},
            {**task.kept, **erased.kept},
            {**task.because, **erased.because},
            sorted({*task.keys, *erased.keys}),
        )

    async def postpone(self, task: Task, after: timedelta, *, blocked_by: str = "") -> int:
        """Let go of the task until later; returns how many answers were given, this one included if blocked."""
        answers: int = await self.tx.fetchval(
            """
            UPDATE privacy_tasks
            SET due_at = kit_now() + $2::interval, leased_until = NULL, failures = failures + 1, blocked_by = $3,
                answers = answers + CASE WHEN $3 = '' THEN 0 ELSE 1 END
            WHERE id = $1
            RETURNING answers
            """,
            task.id,
            after,
            blocked_by,
        )
        return answers

    async def finish(self, task: Task) -> int:
        """The task is done; returns how many answers were given, this one included."""
        answers: int = await self.tx.fetchval(
            """
            UPDATE privacy_tasks
            SET state = 'done', done_at = kit_now(), leased_until = NULL, blocked_by = '', answers = answers + 1
            WHERE id = $1
            RETURNING answers
            """,
            task.id,
        )
        return answers

    async def purge(self, at_most: int = 1000) -> int:
        """Forget tasks that were done 90 days ago."""
        return await self.tx.execute(
            """
            DELETE FROM privacy_tasks WHERE id IN (
                SELECT id FROM privacy_tasks WHERE state = 'done' AND done_at < kit_now() - interval '90 days'
                LIMIT $1 FOR UPDATE SKIP LOCKED
            )
            """,
            at_most,
        )


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {*one, *other}}


def _task(row: Row) -> Task:
    return Task(
        id=row["id"],
        what=row["what"],
        person=Person(row["person_kind"], row["person_id"], row["organization_id"]),
        way=row["way"],
        attempt=row["attempt"],
        failures=row["failures"],
        answers=row["answers"],
        removed=row["removed"],
        unlinked=row["unlinked"],
        anonymised=row["anonymised"],
        kept=row["kept"],
        because=row["kept_because"],
        keys=tuple(row["keys"]),
    )

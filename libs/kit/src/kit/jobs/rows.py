"""Jobs and items as rows."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.ids import AFTER_ALL
from kit.jobs.model import Found, Item, ItemShown, ItemState, Job, NewItem, Outcome, State, Submission

TOPIC: Final = "jobs"
"""Under which workers are woken."""

MARK_EVERY: Final = "5 seconds"
_LONGEST_REASON: Final = 200

_JOB: Final = """
    j.id, j.organization_id, j.kind, j.submitted_by, j.parameters, j.state, j.listed, j.total, j.done, j.failed,
    j.skipped, j.handed, j.troubles, j.code, j.rate, j.marked_at, j.marked, j.created_at, j.started_at, j.ended_at,
    CASE WHEN j.state = 'queued' AND j.ready_at > kit_now() THEN j.ready_at END AS start_at,
    CASE WHEN j.state = 'working' AND coalesce(j.rate, r.lately) > 0 THEN kit_now()
         + make_interval(secs => least((j.total - j.done - j.failed - j.skipped) / coalesce(j.rate, r.lately), 1e9))
    END AS eta,
    CASE WHEN j.state = 'working' THEN coalesce(j.rate, r.lately) ELSE j.rate END AS shown_rate
"""
_FROM: Final = """
    FROM jobs AS j CROSS JOIN LATERAL (
        SELECT CASE WHEN j.marked_at < statement_timestamp() THEN
            (j.done + j.failed + j.skipped + j.handed - j.marked)
            / extract(epoch FROM statement_timestamp() - j.marked_at)::float8 END AS lately
    ) AS r
"""
_SETTLED_COUNT: Final = "done + failed + skipped + handed"

_COUNT: Final = f"""
    UPDATE jobs AS j SET
        done = j.done + $2, failed = j.failed + $3, skipped = j.skipped + $4, handed = j.handed + $5, troubles = 0,
        code = '',
        rate = CASE WHEN j.marked_at < statement_timestamp() - interval '{MARK_EVERY}'
            THEN ({_SETTLED_COUNT} + $2 + $3 + $4 + $5 - j.marked)
                 / extract(epoch FROM statement_timestamp() - j.marked_at)::float8 ELSE j.rate END,
        marked = CASE WHEN j.marked_at < statement_timestamp() - interval '{MARK_EVERY}'
            THEN {_SETTLED_COUNT} + $2 + $3 + $4 + $5 ELSE j.marked END,
        marked_at = CASE WHEN j.marked_at < statement_timestamp() - interval '{MARK_EVERY}'
            THEN statement_timestamp() ELSE j.marked_at END
    WHERE j.id = $1 AND j.state = 'working'
"""  # noqa: S608 - constants


async def add(tx: Transaction, wanted: Submission) -> bool:
    """Put a job in; False when there is one of this organization, kind and key."""
    return (
        await tx.execute(
            """
        INSERT INTO jobs (id, organization_id, kind, submit_key, submitted_by, parameters, listed, ready_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8, kit_now()))
        ON CONFLICT (organization_id, kind, submit_key) DO NOTHING
        """,
            wanted.id,
            wanted.organization_id,
            wanted.kind,
            wanted.key,
            wanted.submitted_by,
            dict(wanted.parameters),
            wanted.items is not None,
            wanted.start_at,
        )
        == 1
    )


async def add_items(tx: Transaction, job: Job, items: Sequence[NewItem]) -> None:
    """Number items and put them in; a subject that the job has already is left out, and its number stays unused."""
    counts = Counter(each.outcome.state for each in items if each.outcome)
    added = await tx.fetch(
        """
        WITH numbered AS (
            UPDATE jobs SET numbered = numbered + $2 WHERE id = $1 RETURNING numbered - $2 AS before
        )
        INSERT INTO job_items (job_id, number, organization_id, subject_id, state, code, reason, settled_at)
        SELECT $1, n.before + t.place, $3, t.subject_id, t.state, t.code, t.reason,
               CASE WHEN t.state <> 'waiting' THEN kit_now() END
        FROM numbered AS n, unnest($4::uuid[], $5::text[], $6::text[], $7::text[])
             WITH ORDINALITY AS t (subject_id, state, code, reason, place)
        ON CONFLICT DO NOTHING
        RETURNING state
        """,
        job.id,
        len(items),
        job.organization_id,
        [each.subject_id for each in items],
        [each.outcome.state if each.outcome else ItemState.WAITING for each in items],
        [each.outcome.code if each.outcome else "" for each in items],
        [_cut(each.outcome.reason) if each.outcome else "" for each in items],
    )
    if len(added) < len(items):
        counts = Counter(ItemState(row["state"]) for row in added)
    await tx.execute(
        """
        UPDATE jobs SET total = total + $2, done = done + $3, failed = failed + $4, skipped = skipped + $5
        WHERE id = $1
        """,
        job.id,
        len(added),
        counts[ItemState.DONE],
        counts[ItemState.FAILED],
        counts[ItemState.SKIPPED],
    )


async def cursor(tx: Transaction, job_id: UUID) -> Any:
    """Where finding goes on."""
    return await tx.fetchval("SELECT cursor FROM jobs WHERE id = $1", job_id)


async def alone(tx: Transaction, job_id: UUID) -> bool:
    """Whether no other worker finds or revives items of this job; holds until the transaction ends."""
    taken: bool = await tx.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended($1::text, 7))", str(job_id))
    return taken


async def found(tx: Transaction, job_id: UUID, page: Found) -> bool:
    """Go on with finding, or with working; False when the job has been ended meanwhile."""
    touched = await tx.execute(
        """
        UPDATE jobs SET cursor = $2, troubles = 0, state = CASE WHEN $3 THEN 'working' ELSE state END,
               marked_at = statement_timestamp(), marked = done + failed + skipped + handed
        WHERE id = $1 AND state = 'finding'
        """,
        job_id,
        page.cursor,
        page.cursor is None,
    )
    return touched == 1


async def begin(tx: Transaction, job_id: UUID) -> None:
    """A queued job is taken up."""
    await tx.execute(
        """
        UPDATE jobs SET state = CASE WHEN listed THEN 'working' ELSE 'finding' END, started_at = kit_now(),
               marked_at = statement_timestamp(), marked = done + failed + skipped + handed
        WHERE id = $1 AND state = 'queued'
        """,
        job_id,
    )


async def revive(tx: Transaction, job_id: UUID, at_most: int) -> bool:
    """Let failed items wait again; False when the job has been ended meanwhile."""
    revived = await tx.execute(
        """
        UPDATE job_items SET state = 'waiting', code = '', reason = '', settled_at = NULL
        WHERE job_id = $1 AND number IN (
            SELECT number FROM job_items WHERE job_id = $1 AND state = 'failed' ORDER BY number LIMIT $2
        )
        """,
        job_id,
        at_most,
    )
    touched = await tx.execute(
        """
        UPDATE jobs SET failed = failed - $2, state = CASE WHEN $3 THEN state ELSE 'working' END,
               marked_at = statement_timestamp(), marked = done + failed - $2 + skipped + handed, rate = NULL
        WHERE id = $1 AND state = 'reviving'
        """,
        job_id,
        revived,
        revived >= at_most,
    )
    return touched == 1


async def waiting(tx: Transaction, job_id: UUID, after: int, limit: int, besides: Collection[int] = ()) -> list[Item]:
    """The next items that wait, whoever may have them, but for these."""
    rows = await tx.fetch(
        """
        SELECT number, subject_id FROM job_items
        WHERE job_id = $1 AND number > $2 AND state IN ('waiting', 'handed') AND state = 'waiting'
          AND number <> ALL ($4::bigint[])
        ORDER BY number LIMIT $3
        """,
        job_id,
        after,
        limit,
        list(besides),
    )
    return [Item(row["number"], row["subject_id"]) for row in rows]


async def take(
    tx: Transaction, job_id: UUID, after: int, limit: int, among: Collection[int] | None = None
) -> list[Item]:
    """The next items that wait and that nobody has, ours until the transaction ends."""
    rows = await tx.fetch(
        """
        SELECT number, subject_id FROM job_items
        WHERE job_id = $1 AND number > $2 AND state IN ('waiting', 'handed') AND state = 'waiting'
          AND ($4::bigint[] IS NULL OR number = ANY ($4))
        ORDER BY number LIMIT $3 FOR UPDATE SKIP LOCKED
        """,
        job_id,
        after,
        limit,
        None if among is None else list(among),
    )
    return [Item(row["number"], row["subject_id"]) for row in rows]


async def record(tx: Transaction, job_id: UUID, outcomes: Mapping[int, Outcome]) -> bool:
    """Write down what became of items and count them; False when the job has been ended meanwhile."""
    counts = Counter(each.state for each in outcomes.values())
    await tx.execute(
        """
        UPDATE job_items AS i
        SET state = t.state, code = t.code, reason = t.reason,
            settled_at = CASE WHEN t.state <> 'handed' THEN kit_now() END
        FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[]) AS t (number, state, code, reason)
        WHERE i.job_id = $1 AND i.number = t.number
        """,
        job_id,
        list(outcomes),
        [each.state for each in outcomes.values()],
        [each.code[:100] for each in outcomes.values()],
        [_cut(each.reason) for each in outcomes.values()],
    )
    touched = await tx.execute(
        _COUNT,
        job_id,
        counts[ItemState.DONE],
        counts[ItemState.FAILED],
        counts[ItemState.SKIPPED],
        counts[ItemState.HANDED],
    )
    return touched == 1


async def settle(tx: Transaction, job_id: UUID, outcomes: Mapping[UUID, Outcome]) -> None:
    """Write down what became of handed items, by subject; what is no longer handed stays as it is."""
    moved = await tx.fetch(
        """
        UPDATE job_items AS i SET state = t.state, code = t.code, reason = t.reason, settled_at = kit_now()
        FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) AS t (subject_id, state, code, reason)
        WHERE i.job_id = $1 AND i.subject_id = t.subject_id AND i.state = 'handed'
        RETURNING i.state
        """,
        job_id,
        list(outcomes),
        [each.state for each in outcomes.values()],
        [each.code[:100] for each in outcomes.values()],
        [_cut(each.reason) for each in outcomes.values()],
    )
    counts = Counter(ItemState(row["state"]) for row in moved)
    await tx.execute(
        """
        UPDATE jobs SET done = done + $2, failed = failed + $3, skipped = skipped + $4, handed = handed - $5
        WHERE id = $1
        """,
        job_id,
        counts[ItemState.DONE],
        counts[ItemState.FAILED],
        counts[ItemState.SKIPPED],
        len(moved),
    )


async def open_items(tx: Transaction, job_id: UUID) -> frozenset[ItemState]:
    """In which states there are items that have not ended; waiting ones may be in somebody's hand."""
    rows = await tx.fetch(
        """
        SELECT state FROM (VALUES ('waiting'), ('handed')) AS t (state)
        WHERE EXISTS (
            SELECT FROM job_items AS i
            WHERE i.job_id = $1 AND i.state IN ('waiting', 'handed') AND i.state = t.state
        )
        """,
        job_id,
    )
    return frozenset(ItemState(row["state"]) for row in rows)


async def end(tx: Transaction, job_id: UUID, state: State, among: Collection[State], code: str = "") -> bool:
    """End the job if it is in one of these states."""
    touched = await tx.execute(
        """
        UPDATE jobs SET state = $2, code = $4, ended_at = kit_now(),
               rate = (done + failed + skipped) / greatest(extract(epoch FROM kit_now() - started_at)::float8, 0.001)
        WHERE id = $1 AND state = ANY ($3)
        """,
        job_id,
        state,
        list(among),
        code,
    )
    return touched == 1


async def reopen(tx: Transaction, job_id: UUID) -> bool:
    """Let a finished job go on with what failed."""
    touched = await tx.execute(
        """
        UPDATE jobs SET state = 'reviving', ended_at = NULL, ready_at = kit_now(), troubles = 0, code = '',
               rate = NULL
        WHERE id = $1 AND state = 'finished' AND failed > 0
        """,
        job_id,
    )
    tx.stir(TOPIC)
    return touched == 1


async def postpone(tx: Transaction, job_id: UUID, seconds: float) -> None:
    """Let nobody take the job up for a while."""
    await tx.execute(
        "UPDATE jobs SET ready_at = kit_now() + make_interval(secs => $2) WHERE id = $1 AND ended_at IS NULL",
        job_id,
        seconds,
    )


async def trouble(tx: Transaction, job_id: UUID, code: str, first: float, longest: float) -> int:
    """Count one more trouble of the job and wait the longer; returns how many there were in a row."""
    troubles: int | None = await tx.fetchval(
        """
        UPDATE jobs SET troubles = troubles + 1, code = $2,
               ready_at = kit_now() + make_interval(secs => least($3 * 2 ^ least(troubles, 20), $4))
        WHERE id = $1 AND ended_at IS NULL RETURNING troubles
        """,
        job_id,
        code,
        first,
        longest,
    )
    return troubles or 0


async def find(tx: Transaction, job_id: UUID, *, lock: bool = False) -> Job | None:
    """One job, of the organization that the transaction is bound to or of the platform."""
    row = await tx.fetchrow(
        f"SELECT {_JOB} {_FROM} WHERE j.id = $1 {'FOR NO KEY UPDATE OF j' if lock else ''}",
        job_id,
    )
    return None if row is None else job_of(row)


async def several(tx: Transaction, job_ids: Collection[UUID]) -> list[Job]:
    """Those of these jobs that are there."""
    rows = await tx.fetch(
        f"SELECT {_JOB} {_FROM} WHERE j.id = ANY ($1::uuid[])",
        list(job_ids),
    )
    return [job_of(row) for row in rows]


async def find_submitted(tx: Transaction, wanted: Submission) -> Job | None:
    """The job of an organization, kind and key."""
    row = await tx.fetchrow(
        f"""
        SELECT {_JOB} {_FROM} WHERE j.organization_id IS NOT DISTINCT FROM $1 AND j.kind = $2 AND j.submit_key = $3
        """,  # noqa: S608 - constants
        wanted.organization_id,
        wanted.kind,
        wanted.key,
    )
    return None if row is None else job_of(row)


async def count_open(tx: Transaction, organization_id: UUID | None) -> int:
    """How many jobs of this tenant have not ended."""
    return int(
        await tx.fetchval(
            "SELECT count(*) FROM jobs WHERE organization_id IS NOT DISTINCT FROM $1 AND ended_at IS NULL",
            organization_id,
        )
    )


async def page(
    tx: Transaction,
    organization_id: UUID | None,
    *,
    kind: str | None,
    states: Collection[State] | None,
    before: UUID | None,
    limit: int,
) -> list[Job]:
    """Jobs of one tenant, newest first."""
    rows = await tx.fetch(
        f"""
        SELECT {_JOB} {_FROM}
        WHERE j.organization_id IS NOT DISTINCT FROM $1 AND ($2::text IS NULL OR j.kind = $2)
          AND ($3::text[] IS NULL OR j.state = ANY ($3)) AND j.id < $4
        ORDER BY j.id DESC LIMIT $5
        """,  # noqa: S608 - constants
        organization_id,
        kind,
        None if states is None else list(states),
        before or AFTER_ALL,
        limit,
    )
    return [job_of(row) for row in rows]


async def items(
    tx: Transaction, job_id: UUID, *, states: Collection[ItemState] | None, after: int, limit: int
) -> list[ItemShown]:
    """Items of a job in their order."""
    rows = await tx.fetch(
        """
        SELECT number, subject_id, state, code, reason, settled_at FROM job_items
        WHERE job_id = $1 AND number > $2 AND ($3::text[] IS NULL OR state = ANY ($3))
        ORDER BY number LIMIT $4
        """,
        job_id,
        after,
        None if states is None else list(states),
        limit,
    )
    return [ItemShown(**{**dict(row), "state": ItemState(row["state"])}) for row in rows]


def job_of(row: Row) -> Job:
    """Read a job."""
    values: dict[str, Any] = {name: row[name] for name in Job.__dataclass_fields__}
    eta: datetime | None = row["eta"]
    return Job(**{**values, "state": State(row["state"]), "rate": row["shown_rate"], "eta": eta})


def _cut(reason: str) -> str:
    return reason.replace("\0", "")[:_LONGEST_REASON]

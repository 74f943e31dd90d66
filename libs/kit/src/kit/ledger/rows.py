"""The ledger's rows as a service changes them, in its own transactions."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.ledger.errors import UnderWay
from kit.ledger.model import Attempt, Effect, Lane, State, Status

TOPIC: Final = "ledger"
"""Under which workers are woken."""

_LANES: Final = """
    INSERT INTO ledger_lanes (organization_id, key, rate)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::float8[]) AS t (organization_id, key, rate)
    ORDER BY organization_id, key
    ON CONFLICT (organization_id, key) DO NOTHING
"""
_RATES: Final = """
    UPDATE ledger_lanes AS lane SET rate = t.rate
    FROM unnest($1::uuid[], $2::text[], $3::float8[]) AS t (organization_id, key, rate)
    WHERE lane.key = t.key AND lane.rate IS DISTINCT FROM t.rate
      AND (lane.organization_id = t.organization_id OR (lane.organization_id IS NULL AND t.organization_id IS NULL))
"""
_ADD: Final = """
    WITH now AS MATERIALIZED (
        SELECT kit_now() AS at
    ), asked AS (
        SELECT t.*, lane.id AS lane_id, lane.rate IS NOT DISTINCT FROM t.rate AS as_paced
        FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::uuid[], $6::timestamptz[],
                    $7::timestamptz[], $8::float8[])
             AS t (id, kind, organization_id, lane_key, subject_id, due_at, expires_at, rate)
        LEFT JOIN ledger_lanes AS lane
            ON lane.key = t.lane_key
            AND (lane.organization_id = t.organization_id
                 OR (lane.organization_id IS NULL AND t.organization_id IS NULL))
    ), added AS (
        INSERT INTO ledger_entries
            (id, kind, organization_id, lane_id, subject_id, due_at, first_due_at, expires_at, created_at)
        SELECT id, kind, organization_id, lane_id, subject_id, coalesce(due_at, now.at), coalesce(due_at, now.at),
               expires_at, now.at
        FROM asked CROSS JOIN now WHERE lane_id IS NOT NULL
        ORDER BY kind, subject_id
        ON CONFLICT (kind, subject_id) DO NOTHING
        RETURNING organization_id, lane_id, due_at
    ), woken AS (
        INSERT INTO ledger_wakes (organization_id, lane_id, due_at)
        SELECT organization_id, lane_id, min(due_at) FROM added GROUP BY organization_id, lane_id
    )
    SELECT bool_and(lane_id IS NOT NULL AND as_paced) FROM asked
"""
_RELEASE: Final = """
    WITH free AS (
        UPDATE ledger_lanes AS lane SET released_at = statement_timestamp()
        WHERE (lane.organization_id = $1 OR (lane.organization_id IS NULL AND $1::uuid IS NULL))
          AND ($2::text IS NULL OR lane.key = $2)
        RETURNING organization_id, id
    )
    INSERT INTO ledger_wakes (organization_id, lane_id, due_at) SELECT organization_id, id, kit_now() FROM free
"""


async def add(tx: Transaction, effects: Sequence[Effect]) -> None:
    """Put effects in; lanes are made as needed and only a changed rate touches one that is there."""
    if not effects:
        return
    values = _columns(
        [
            (
                each.id,
                each.kind,
                each.lane.organization_id,
                each.lane.key,
                each.subject_id,
                each.due_at,
                each.expires_at,
                each.lane.rate,
            )
            for each in effects
        ]
    )
    if not await tx.fetchval(_ADD, *values):
        lanes = {(each.lane.organization_id, each.lane.key): each.lane.rate for each in effects}
        await _make_lanes(tx, [(organization, key, rate) for (organization, key), rate in lanes.items()])
        await tx.fetchval(_ADD, *values)
    tx.stir(TOPIC)


async def wake(tx: Transaction, organization_id: UUID | None, lane_id: int) -> None:
    """Something on this lane is due."""
    await tx.execute(
        "INSERT INTO ledger_wakes (organization_id, lane_id, due_at) VALUES ($1, $2, kit_now())",
        organization_id,
        lane_id,
    )
    tx.stir(TOPIC)


async def set_rate(tx: Transaction, lane: Lane) -> None:
    """Make the lane if need be and give it this rate."""
    await _make_lanes(tx, [(lane.organization_id, lane.key, lane.rate)])


async def _make_lanes(tx: Transaction, lanes: Sequence[tuple[UUID | None, str, float | None]]) -> None:
    columns = _columns(lanes)
    await tx.execute(_LANES, *columns)
    await tx.execute(_RATES, *columns)


def _columns(rows: Sequence[tuple[object, ...]]) -> tuple[list[object], ...]:
    return tuple(list(column) for column in zip(*rows, strict=True))


async def cancel(tx: Transaction, kind: str, subject_ids: Collection[UUID]) -> set[UUID]:
    """Cancel what is pending."""
    rows = await tx.fetch(
        """
        UPDATE ledger_entries SET status = 'cancelled', settled_at = kit_now(), settled_by = 'person'
        WHERE kind = $1 AND subject_id = ANY ($2::uuid[]) AND status = 'pending'
        RETURNING subject_id
        """,
        kind,
        list(subject_ids),
    )
    return {row["subject_id"] for row in rows}


async def forget(tx: Transaction, kinds: Collection[str], subject_ids: Collection[UUID]) -> dict[str, int]:
    """Let go of all effects of these kinds about these subjects, with what was tried; returns rows by table.

    What is pending never happens, and what is unknown is looked for no more. Call it before the transaction changes
    the kind's own rows: workers take the effect first.

    Raises:
        UnderWay: one of them is being called just now; nothing was changed.
    """
    found = await tx.fetch(
        """
        SELECT id, status FROM ledger_entries WHERE kind = ANY ($1) AND subject_id = ANY ($2::uuid[])
        ORDER BY id FOR UPDATE
        """,
        list(kinds),
        list(subject_ids),
    )
    if any(row["status"] == Status.CALLING for row in found):
        raise UnderWay
    ids = [row["id"] for row in found]
    return {
        "ledger_attempts": await tx.execute("DELETE FROM ledger_attempts WHERE entry_id = ANY ($1)", ids),
        "ledger_entries": await tx.execute("DELETE FROM ledger_entries WHERE id = ANY ($1)", ids),
    }


async def kept(tx: Transaction, kinds: Collection[str], subject_ids: Collection[UUID]) -> list[Row]:
    """What is known of the effects of these subjects, for whom they are about."""
    return await tx.fetch(
        """
        SELECT e.id, e.kind, e.subject_id, e.status, e.due_at, e.called_at, e.settled_at, e.code, e.reason,
               e.created_at
        FROM ledger_entries AS e WHERE e.kind = ANY ($1) AND e.subject_id = ANY ($2::uuid[])
        ORDER BY e.id
        """,
        list(kinds),
        list(subject_ids),
    )


async def tried(tx: Transaction, entry_ids: Collection[UUID]) -> list[Row]:
    """What was tried of these effects, oldest first."""
    return await tx.fetch(
        """
        SELECT entry_id, number, what, started_at, outcome, code, said
        FROM ledger_attempts WHERE entry_id = ANY ($1::uuid[]) ORDER BY entry_id, id
        """,
        list(entry_ids),
    )


async def reschedule(tx: Transaction, kind: str, due_at: Mapping[UUID, datetime]) -> set[UUID]:
    """Give what is pending another time."""
    rows = await tx.fetch(
        """
        WITH moved AS (
            UPDATE ledger_entries AS e SET due_at = t.due_at, first_due_at = t.due_at
            FROM unnest($2::uuid[], $3::timestamptz[]) AS t (subject_id, due_at)
            WHERE e.kind = $1 AND e.subject_id = t.subject_id AND e.status = 'pending'
            RETURNING e.subject_id, e.organization_id, e.lane_id, e.due_at
        ), woken AS (
            INSERT INTO ledger_wakes (organization_id, lane_id, due_at)
            SELECT organization_id, lane_id, min(due_at) FROM moved GROUP BY organization_id, lane_id
        )
        SELECT subject_id FROM moved
        """,
        kind,
        list(due_at.keys()),
        list(due_at.values()),
    )
    tx.stir(TOPIC)
    return {row["subject_id"] for row in rows}


async def hold(tx: Transaction, organization_id: UUID | None, lane_key: str | None, reason: str) -> None:
    """From the commit on no claim takes anything of these lanes."""
    await tx.execute(
        """
        INSERT INTO ledger_holds (organization_id, lane_key, reason) VALUES ($1, $2, $3)
        ON CONFLICT (organization_id, lane_key, cause) DO UPDATE SET reason = excluded.reason, held_at = kit_now()
        """,
        organization_id,
        lane_key,
        reason,
    )


async def release(tx: Transaction, organization_id: UUID | None, lane_key: str | None) -> None:
    """Take the hold off and wake the lanes; a call that began before cannot hold them again."""
    await tx.execute(
        "DELETE FROM ledger_holds"
        " WHERE organization_id IS NOT DISTINCT FROM $1 AND lane_key IS NOT DISTINCT FROM $2 AND cause = ''",
        organization_id,
        lane_key,
    )
    await tx.execute(_RELEASE, organization_id, lane_key)
    tx.stir(TOPIC)


async def stop(tx: Transaction, organization_id: UUID, lane_keys: Collection[str], reason: str, cause: str) -> None:
    """Hold these lanes under a name, beside whoever holds them for other reasons."""
    await tx.execute(
        """
        INSERT INTO ledger_holds (organization_id, lane_key, reason, cause)
        SELECT $1, each, $3, $4 FROM unnest($2::text[]) AS each ORDER BY each
        ON CONFLICT (organization_id, lane_key, cause) DO NOTHING
        """,
        organization_id,
        list(lane_keys),
        reason,
        cause,
    )


async def lift(tx: Transaction, organization_id: UUID, cause: str) -> None:
    """Let go of whatever is held under this name, and wake the lanes."""
    await tx.execute(
        """
        WITH gone AS (
            DELETE FROM ledger_holds WHERE organization_id = $1 AND cause = $2 RETURNING lane_key
        ), free AS (
            UPDATE ledger_lanes AS lane SET released_at = statement_timestamp()
            FROM gone WHERE lane.organization_id = $1 AND lane.key = gone.lane_key
            RETURNING lane.organization_id, lane.id
        )
        INSERT INTO ledger_wakes (organization_id, lane_id, due_at) SELECT organization_id, id, kit_now() FROM free
        """,
        organization_id,
        cause,
    )
    tx.stir(TOPIC)


async def states(tx: Transaction, kind: str, subject_ids: Collection[UUID]) -> dict[UUID, State]:
    """Where effects stand, by subject."""
    rows = await tx.fetch(
        """
        SELECT e.subject_id, e.status, e.attempt, e.due_at, e.external_id, e.reason, e.code,
               (SELECT h.reason FROM ledger_holds AS h
                WHERE (h.organization_id = e.organization_id
                       OR (h.organization_id IS NULL AND e.organization_id IS NULL))
                  AND (h.lane_key = lane.key OR h.lane_key IS NULL)
                ORDER BY h.lane_key, h.cause DESC LIMIT 1) AS held,
               CASE WHEN lane.parked_until > kit_now() THEN lane.parked_until END AS parked_until,
               lane.parked_reason, lane.parked_code
        FROM ledger_entries AS e JOIN ledger_lanes AS lane ON lane.id = e.lane_id
        WHERE e.kind = $1 AND e.subject_id = ANY ($2::uuid[])
        """,
        kind,
        list(subject_ids),
    )
    return {row["subject_id"]: State(**{**dict(row), "status": Status(row["status"])}) for row in rows}


async def called(tx: Transaction, kind: str, subject_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When these effects left, or are about to; those that never did, or did not take effect, are left out."""
    rows = await tx.fetch(
        """
        SELECT subject_id, called_at FROM ledger_entries
        WHERE kind = $1 AND subject_id = ANY ($2::uuid[]) AND called_at IS NOT NULL
          AND status IN ('calling', 'unknown', 'unconfirmed', 'done')
        """,
        kind,
        list(subject_ids),
    )
    return {row["subject_id"]: row["called_at"] for row in rows}


async def attempts(
    tx: Transaction, kinds: Collection[str], subject_ids: Collection[UUID]
) -> dict[UUID, list[Attempt]]:
    """What was tried, by subject, oldest first; of more than 100 of an effect the newest."""
    rows = await tx.fetch(
        """
        SELECT e.subject_id, a.number, a.what, a.started_at, a.seconds, a.outcome, a.code, a.said
        FROM ledger_entries AS e, LATERAL (
            SELECT * FROM ledger_attempts WHERE entry_id = e.id ORDER BY id DESC LIMIT 100
        ) AS a
        WHERE e.kind = ANY ($1) AND e.subject_id = ANY ($2)
        ORDER BY a.id
        """,
        list(kinds),
        list(subject_ids),
    )
    found: dict[UUID, list[Attempt]] = {}
    for row in rows:
        found.setdefault(row["subject_id"], []).append(Attempt(*row[1:]))
    return found


async def show(tx: Transaction, entry_id: UUID) -> Row | None:
    """One effect with its lane, and why that is held."""
    return await tx.fetchrow(
        """
        SELECT e.*, lane.key AS lane_key,
               (SELECT h.reason FROM ledger_holds AS h
                WHERE (h.organization_id = e.organization_id
                       OR (h.organization_id IS NULL AND e.organization_id IS NULL))
                  AND (h.lane_key = lane.key OR h.lane_key IS NULL)
                ORDER BY h.lane_key, h.cause DESC LIMIT 1) AS held
        FROM ledger_entries AS e JOIN ledger_lanes AS lane ON lane.id = e.lane_id
        WHERE e.id = $1
        """,
        entry_id,
    )

"""What others say of an effect: a webhook that has seen it, a person who decides."""

from collections.abc import Mapping
from typing import Any, Final, Literal
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.ledger import measures
from kit.ledger.claims import entry_of
from kit.ledger.errors import EffectMovedOn, EffectNotFound
from kit.ledger.model import Receipt, Settled, SettledBy, Status
from kit.ledger.recording import plain

_COLUMNS: Final = """
    e.id, e.kind, e.organization_id, lane.key AS lane_key, e.subject_id, e.attempt, e.due_at, e.created_at,
    coalesce(e.called_at, e.created_at) AS called_at, e.lane_id, e.external_id, e.reason, e.code, e.status,
    kit_now() AS at
"""
_FOUND: Final = f"""
    UPDATE ledger_entries AS e
    SET status = 'done', external_id = coalesce(t.external_id, e.external_id), reason = '', code = '',
        leased_until = NULL, look_at = NULL, settled_at = kit_now(), settled_by = 'report'
    FROM unnest($2::uuid[], $3::text[]) AS t (subject_id, external_id), ledger_lanes AS lane
    WHERE e.kind = $1 AND e.subject_id = t.subject_id AND lane.id = e.lane_id
      AND (e.status IN ('calling', 'unknown', 'unconfirmed') OR (e.status = 'pending' AND e.attempt > 0))
    RETURNING {_COLUMNS}
"""  # noqa: S608 - the columns are a constant
_FAILED: Final = f"""
    UPDATE ledger_entries AS e
    SET status = 'refused', code = t.code, reason = t.reason, leased_until = NULL, look_at = NULL,
        settled_at = kit_now(), settled_by = 'report'
    FROM unnest($2::uuid[], $3::text[], $4::text[]) AS t (subject_id, code, reason), ledger_lanes AS lane
    WHERE e.kind = $1 AND e.subject_id = t.subject_id AND lane.id = e.lane_id
      AND e.status IN ('calling', 'unknown', 'unconfirmed')
    RETURNING {_COLUMNS}
"""  # noqa: S608 - the columns are a constant
_RETRY: Final = f"""
    UPDATE ledger_entries AS e
    SET status = 'pending', due_at = kit_now(), first_due_at = kit_now(), leased_until = NULL, look_at = NULL,
        settled_at = NULL, settled_by = NULL, reason = '', code = '',
        expires_at = CASE WHEN e.expires_at > kit_now() THEN e.expires_at END
    FROM ledger_lanes AS lane
    WHERE e.id = $1 AND lane.id = e.lane_id
      AND e.status IN ('pending', 'unknown', 'unconfirmed', 'refused', 'cancelled')
    RETURNING {_COLUMNS}
"""  # noqa: S608 - the columns are a constant
_GIVE_UP: Final = f"""
    UPDATE ledger_entries AS e
    SET status = 'refused', reason = $2, code = 'given-up', leased_until = NULL, look_at = NULL,
        settled_at = kit_now(), settled_by = 'person'
    FROM ledger_lanes AS lane
    WHERE e.id = $1 AND lane.id = e.lane_id AND e.status IN ('pending', 'unknown', 'unconfirmed')
    RETURNING {_COLUMNS}
"""  # noqa: S608 - the columns are a constant


async def found(tx: Transaction, kind: str, receipts: Mapping[UUID, Receipt]) -> list[Settled]:
    """Settle as done what somebody has seen outside."""
    ids = [None if each.external_id is None else plain(each.external_id) for each in receipts.values()]
    rows = await tx.fetch(_FOUND, kind, list(receipts), ids)
    return [settled_of(row, "report", receipts[row["subject_id"]].result) for row in rows]


async def failed(tx: Transaction, kind: str, refusals: Mapping[UUID, tuple[str, str]]) -> list[Settled]:
    """Settle as refused what a report says was refused."""
    codes = [plain(code, 100) for code, _ in refusals.values()]
    reasons = [plain(reason) for _, reason in refusals.values()]
    rows = await tx.fetch(_FAILED, kind, list(refusals), codes, reasons)
    return [settled_of(row, "report") for row in rows]


async def decided(
    tx: Transaction, entry_id: UUID, decision: Literal["retry", "give up"], reason: str = ""
) -> tuple[Settled, int]:
    """Carry out what a person decided; also the lane's id.

    Raises:
        EffectNotFound: there is none of this id.
        EffectMovedOn: it is with a worker just now, or has ended.
    """
    row = (
        await tx.fetchrow(_RETRY, entry_id)
        if decision == "retry"
        else await tx.fetchrow(_GIVE_UP, entry_id, plain(reason))
    )
    if row is None:
        status = await tx.fetchval("SELECT status FROM ledger_entries WHERE id = $1", entry_id)
        raise EffectMovedOn(f"It is {status}.") if status else EffectNotFound
    return settled_of(row, "person"), row["lane_id"]


def settled_of(row: Row, by: SettledBy, result: Any = None) -> Settled:
    """A change that was made in the row just now."""
    status = Status(row["status"])
    if status is not Status.PENDING:
        measures.SETTLED.labels(row["kind"], status.value, by).inc()
    return Settled(
        entry=entry_of(row),
        status=status,
        by=by,
        at=row["at"],
        due_at=row["due_at"],
        external_id=row["external_id"],
        reason=row["reason"],
        code=row["code"],
        result=result,
    )

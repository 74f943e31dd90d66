"""Letting go of what others have sent about one person, and handing it over: found by lanes and by the sender's ids.

An item holds its own content, so a delivery that was taken apart needs its body no more: it goes with the first of
its items, and the items of other people can be replayed as before.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Final
from uuid import UUID

from kit.db.database import Row, Transaction
from kit.errors import TransientError
from kit.ids import BEFORE_ALL
from kit.intake.sealing import Sealing, place_of_item

_COLUMNS: Final = "id, kind, tenant, content, occurred_at, received_at, verdict, reason"
_OWN: Final = "(organization_id = $4 OR organization_id IS NULL)"

_FORGET: Final = """
    , gone AS (
        DELETE FROM intake_items WHERE id IN (SELECT id FROM chosen) RETURNING delivery_id
    ), touched AS (
        SELECT delivery_id, count(*) AS items FROM gone GROUP BY delivery_id
    ), emptied AS (
        UPDATE intake_deliveries AS delivery SET body = '', items = delivery.items - touched.items
        FROM touched WHERE delivery.id = touched.delivery_id AND delivery.state = 'split'
    )
    SELECT count(*) FROM gone
"""
_OF_LANES: Final = f"""
    SELECT id FROM intake_items
    WHERE source = $1 AND lane = ANY ($2::bytea[]) AND verdict IS NOT NULL AND {_OWN}
    LIMIT $3
"""  # noqa: S608 - constants of this file
_OF_IDS: Final = f"""
    SELECT id FROM intake_items
    WHERE source = $1 AND item_id = ANY ($2::text[]) AND verdict IS DISTINCT FROM 'duplicate' AND {_OWN}
    LIMIT $3
"""  # noqa: S608 - constants of this file


class Undecided(TransientError):
    """Something that they sent is about to be applied."""

    code = "intake-undecided"


@dataclass(frozen=True, slots=True)
class Kept:
    """An item as it is handed over: what was sent, None when its key was destroyed."""

    id: UUID
    kind: str
    tenant: str
    occurred_at: datetime | None
    received_at: datetime
    verdict: str | None
    reason: str | None
    content: bytes | None


def lane_of(key: str) -> bytes:
    """The lane of an item's key."""
    return blake2b(key.encode(), digest_size=16).digest()


async def forget_lanes(
    tx: Transaction, source: str, organization_id: UUID, lanes: Collection[bytes], at_most: int = 1000
) -> int:
    """Delete decided items of these lanes, as many at once, with the bodies they came in; how many were deleted.

    Raises:
        Undecided: some wait for a verdict; they are applied first, so that what they become is found.
    """
    rows = await tx.fetch(
        "SELECT FROM intake_items WHERE source = $1 AND lane = ANY ($2::bytea[]) AND verdict IS NULL LIMIT 1",
        source,
        list(lanes),
    )
    if rows:
        raise Undecided
    chosen = f"WITH chosen AS MATERIALIZED ({_OF_LANES})"
    gone: int = await tx.fetchval(chosen + _FORGET, source, list(lanes), at_most, organization_id)
    return gone


async def forget_items(tx: Transaction, source: str, organization_id: UUID, item_ids: Collection[str]) -> int:
    """Delete these items, with the bodies they came in, also what waits to be applied again; how many."""
    chosen = f"WITH chosen AS MATERIALIZED ({_OF_IDS})"
    gone: int = await tx.fetchval(chosen + _FORGET, source, list(item_ids), len(item_ids), organization_id)
    return gone


async def kept_of_lanes(
    tx: Transaction,
    sealing: Sealing,
    source: str,
    organization_id: UUID,
    lanes: Collection[bytes],
    *,
    after: UUID | None,
    at_most: int = 200,
) -> list[Kept]:
    """Items of these lanes in the order of their ids, opened; duplicates hold nothing and are left out."""
    rows = await tx.fetch(
        f"""
        SELECT {_COLUMNS} FROM intake_items
        WHERE source = $1 AND lane = ANY ($2::bytea[]) AND {_OWN} AND verdict IS DISTINCT FROM 'duplicate'
          AND id > $5
        ORDER BY id LIMIT $3
        """,  # noqa: S608 - constants of this file
        source,
        list(lanes),
        at_most,
        organization_id,
        after or BEFORE_ALL,
    )
    return await _opened(sealing, rows)


async def _opened(sealing: Sealing, rows: Sequence[Row]) -> list[Kept]:
    contents = await sealing.open_many(None, [(row["content"], place_of_item(row["id"])) for row in rows])
    return [
        Kept(
            row["id"],
            row["kind"],
            row["tenant"],
            row["occurred_at"],
            row["received_at"],
            row["verdict"],
            row["reason"],
            None if content is None else content.partition(b"\0")[2],
        )
        for row, content in zip(rows, contents, strict=True)
    ]

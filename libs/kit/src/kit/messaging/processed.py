"""Applied once: seen messages and newest versions, kept in the handler's own transaction."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from kit.db.database import Database, Transaction
from kit.messaging.delivery import Delivery

# Longer than the retry ladder and the history together: a message that may still come back is still known.
RETENTION: Final = timedelta(days=14)

_CLAIM: Final = """
    INSERT INTO processed_messages (queue, message_id, generation)
    SELECT $1, message_id, generation FROM unnest($2::uuid[], $3::bigint[]) AS seen (message_id, generation)
    ORDER BY message_id, generation
    ON CONFLICT DO NOTHING
    RETURNING message_id, generation
"""
_ADVANCE: Final = """
    INSERT INTO aggregate_versions (gate, subject, version)
    SELECT $1, subject, version FROM unnest($2::text[], $3::bigint[]) AS fact (subject, version)
    ORDER BY subject
    ON CONFLICT (gate, subject) DO UPDATE SET version = excluded.version
    WHERE aggregate_versions.version < excluded.version
       OR (aggregate_versions.version = excluded.version AND excluded.subject = ANY ($4::text[]))
    RETURNING subject
"""
_PURGE: Final = """
    DELETE FROM processed_messages
    WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM processed_messages WHERE processed_at < kit_now() - $1::interval LIMIT $2
    ))
"""
_PURGE_SUSPECTS: Final = "DELETE FROM suspect_messages WHERE last_at < kit_now() - $1::interval"


async def claim(tx: Transaction, queue: str, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Mark these as processed and return those that were not before; the mark is undone with the transaction."""
    rows = await tx.fetch(
        _CLAIM,
        queue,
        [delivery.message_id for delivery in deliveries],
        [delivery.generation for delivery in deliveries],
    )
    fresh = {(row["message_id"], row["generation"]) for row in rows}
    return [delivery for delivery in deliveries if delivery.key in fresh]


async def pass_gate(tx: Transaction, gate: str, deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Advance the gate to these versions and return the deliveries that are the newest of their subject."""
    newest: dict[str, tuple[int, Delivery]] = {}
    for delivery in deliveries:
        if delivery.event is None:
            continue
        subject, version = delivery.event.subject_id, delivery.event.version
        if subject not in newest or version > newest[subject][0]:
            newest[subject] = (version, delivery)
    rows = await tx.fetch(
        _ADVANCE,
        gate,
        list(newest),
        [version for version, _ in newest.values()],
        [subject for subject, (_, delivery) in newest.items() if delivery.generation],
    )
    passed = {id(newest[row["subject"]][1]) for row in rows}
    return [delivery for delivery in deliveries if id(delivery) in passed]


async def purge(database: Database, *, older_than: timedelta = RETENTION, batch: int = 5_000) -> bool:
    """Forget one batch of messages processed long ago; true when there may be more: a loop then goes on at once."""
    async with database.transaction() as tx:
        gone = await tx.execute(_PURGE, older_than, batch)
        await tx.execute(_PURGE_SUSPECTS, older_than)
    return gone == batch

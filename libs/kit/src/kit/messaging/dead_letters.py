"""Dead letters for an operator: list, look at, replay, discard. They are rows of the service that gave up."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Self
from uuid import UUID

from kit.db.database import Database, Row, Transaction
from kit.errors import Conflict, NotFound
from kit.ids import AFTER_ALL
from kit.messaging.broker import Broker
from kit.messaging.delivery import GENERATION
from kit.messaging.wire import Message

State = Literal["dead", "replayed", "discarded"]

_COLUMNS: Final = """
    id, queue, message_id, generation, type, organization_id, reason, error, attempts, first_failed_at, dead_at,
    state, settled_at, settled_by, octet_length(body) AS size
"""


class DeadLetterNotFound(NotFound):
    """There is no such dead letter."""

    code = "dead-letter-not-found"


class DeadLetterSettled(Conflict):
    """The dead letter was already replayed or discarded."""

    code = "dead-letter-settled"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be applied, without its body."""

    id: UUID
    queue: str
    message_id: UUID | None
    generation: int
    type: str | None
    organization_id: UUID | None
    reason: str
    error: str
    attempts: int
    first_failed_at: datetime
    dead_at: datetime
    state: State
    settled_at: datetime | None
    settled_by: str | None
    size: int

    @classmethod
    def of(cls, row: Row) -> Self:
        """Read a row."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})


class DeadLetters:
    """The dead letters of one service.

    A replay carries the next generation, so that the deduplication lets it through. The number follows from the
    letter: replaying it again after a crash in between sends the same message, which is applied once.
    """

    def __init__(self, database: Database, broker: Broker) -> None:
        self._database = database
        self._broker = broker

    async def page(
        self, *, state: State = "dead", queue: str | None = None, before: UUID | None = None, limit: int = 50
    ) -> list[DeadLetter]:
        """The newest letters in this state, of one queue or of all, older than `before`."""
        async with self._database.transaction() as tx:
            rows = await tx.fetch(
                f"""
                SELECT {_COLUMNS} FROM dead_letters
                WHERE state = $1 AND ($2::text IS NULL OR queue = $2) AND id < $3
                ORDER BY id DESC LIMIT $4
                """,  # noqa: S608 - the columns are a constant
                state,
                queue,
                before or AFTER_ALL,
                limit,
            )
        return [DeadLetter.of(row) for row in rows]

    async def all_dead(self, queue: str | None = None) -> AsyncIterator[DeadLetter]:
        """Every letter that is neither replayed nor discarded, newest first."""
        last: UUID | None = None
        while page := await self.page(queue=queue, before=last):
            for letter in page:
                yield letter
            last = page[-1].id

    async def count(self) -> dict[tuple[str, ...], float]:
        """How many letters each queue has that nobody has settled; to be measured and alerted on."""
        async with self._database.transaction() as tx:
            rows = await tx.fetch(
                "SELECT queue, count(*) AS dead FROM dead_letters WHERE state = 'dead' GROUP BY queue"
            )
        return {(row["queue"],): float(row["dead"]) for row in rows}

    async def show(self, letter_id: UUID) -> tuple[DeadLetter, bytes]:
        """One letter and its body.

        Raises:
            DeadLetterNotFound: there is none of this id.
        """
        async with self._database.transaction() as tx:
            row = await tx.fetchrow(
                f"SELECT {_COLUMNS}, body FROM dead_letters WHERE id = $1",  # noqa: S608 - the columns are a constant
                letter_id,
            )
        if row is None:
            raise DeadLetterNotFound
        return DeadLetter.of(row), row["body"]

    async def replay(self, letter_id: UUID, *, by: str) -> None:
        """Send the message to its queue once more.

        Raises:
            DeadLetterNotFound: there is none of this id.
            DeadLetterSettled: it was replayed or discarded before.
            PublishRefused: its queue does not exist any more; the letter stays dead.
            BrokerLost: it may have been sent; replaying it again is safe.
        """
        async with self._database.transaction() as tx:
            row = await _settle(tx, letter_id, "replayed", by)
            message = Message(
                "",
                row["queue"],
                row["body"],
                str(row["message_id"] or ""),
                row["type"] or "",
                {GENERATION: row["generation"] + 1},
                mandatory=True,
            )
            await self._broker.publish([message])

    async def discard(self, letter_id: UUID, *, by: str) -> None:
        """Give the message up; the row stays as a record.

        Raises:
            DeadLetterNotFound: there is none of this id.
            DeadLetterSettled: it was replayed or discarded before.
        """
        async with self._database.transaction() as tx:
            await _settle(tx, letter_id, "discarded", by)


async def _settle(tx: Transaction, letter_id: UUID, state: State, by: str) -> Row:
    row = await tx.fetchrow(
        """
        UPDATE dead_letters SET state = $2, settled_at = kit_now(), settled_by = $3
        WHERE id = $1 AND state = 'dead'
        RETURNING queue, message_id, generation, type, body
        """,
        letter_id,
        state,
        by,
    )
    if row is not None:
        return row
    known = await tx.fetchval("SELECT state FROM dead_letters WHERE id = $1", letter_id)
    raise DeadLetterSettled(f"It is {known}.") if known else DeadLetterNotFound

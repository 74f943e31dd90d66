"""What becomes of a message that could not be applied: another attempt later, or a dead letter."""

from dataclasses import dataclass
from typing import Final, Literal

from pamqp.common import FieldValue

from kit.db.database import Database
from kit.errors import DomainError, TransientError
from kit.ids import new_id
from kit.messaging import delivery as headers
from kit.messaging.broker import Broker
from kit.messaging.delivery import Delivery, milliseconds
from kit.messaging.topology import Topology
from kit.messaging.wire import Message
from kit.telemetry.redaction import redact_text

Reason = Literal["undecodable", "refused", "exhausted", "bug", "poison"]

MOST_DEATHS: Final = 5
_LONGEST_ERROR: Final = 1_000

_BURY: Final = """
    INSERT INTO dead_letters (id, queue, message_id, generation, type, organization_id, body, reason, error, attempts,
                              first_failed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (queue, message_id, generation) DO NOTHING
"""
_COUNT_SUSPECT: Final = """
    INSERT INTO suspect_messages AS suspect (queue, message_id, generation, attempts)
    VALUES ($1, $2, $3, 1)
    ON CONFLICT (queue, message_id, generation) DO UPDATE SET attempts = suspect.attempts + 1, last_at = kit_now()
    RETURNING attempts
"""
_CLEAR_SUSPECT: Final = "DELETE FROM suspect_messages WHERE queue = $1 AND message_id = $2 AND generation = $3"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Try again after so many seconds, or (`after` is None) bury for this reason."""

    after: float | None
    reason: Reason


def judge(trouble: Exception, attempt: int, delays: tuple[float, ...]) -> Verdict:
    """What to do after this failure, `attempt` attempts having failed before."""
    if isinstance(trouble, DomainError):
        return Verdict(None, "refused")
    passing = isinstance(trouble, (TransientError, TimeoutError))
    if attempt >= len(delays):
        return Verdict(None, "exhausted" if passing else "bug")
    asked = trouble.retry_after if isinstance(trouble, TransientError) else 0.0
    return Verdict(max(delays[attempt], asked), "exhausted" if passing else "bug")


class Failures:
    """Puts failed messages of one queue on the retry ladder or among the dead letters.

    Both are durable before they return; only then may the message be acknowledged.
    """

    def __init__(self, database: Database, broker: Broker, topology: Topology, queue: str) -> None:
        self._database = database
        self._broker = broker
        self._topology = topology
        self._queue = queue

    async def retry(self, delivery: Delivery, after: float) -> None:
        """Let it come back after at least so many seconds, with one attempt more on its record."""
        now = milliseconds(self._database.clock.now())
        await self._wait(
            delivery,
            after,
            {
                headers.ATTEMPT: delivery.attempt + 1,
                headers.FIRST_FAILED_AT: delivery.first_failed_at or now,
                headers.NOT_BEFORE: now + round(after * 1000),
            },
        )

    async def postpone(self, delivery: Delivery) -> None:
        """It came back before its time, because the ladder's longest step is shorter than what was asked for."""
        after = (delivery.not_before - milliseconds(self._database.clock.now())) / 1000
        await self._wait(
            delivery,
            after,
            {
                headers.ATTEMPT: delivery.attempt,
                headers.FIRST_FAILED_AT: delivery.first_failed_at,
                headers.NOT_BEFORE: delivery.not_before,
            },
        )

    def is_early(self, delivery: Delivery) -> bool:
        """Whether it was asked to wait longer still; half of the shortest step is let pass."""
        if not delivery.not_before:
            return False
        slack = round(min(self._topology.retry_delays, default=0) * 500)
        return delivery.not_before - milliseconds(self._database.clock.now()) > slack

    async def bury(self, delivery: Delivery, reason: Reason, error: str) -> None:
        """Make it a dead letter; of the error the first line is kept, without secrets and addresses.

        In its other lines the database says which values it did not like.
        """
        event = delivery.event
        async with self._database.transaction() as tx:
            await tx.execute(
                _BURY,
                new_id(),
                self._queue,
                delivery.message_id,
                delivery.generation,
                event.type if event else delivery.type,
                event.organization_id if event else None,
                delivery.body,
                reason,
                redact_text(error.partition("\n")[0])[:_LONGEST_ERROR].replace("\0", ""),
                delivery.attempt + 1,
                delivery.failed_first(self._database.clock.now()),
            )
            await tx.execute(_CLEAR_SUSPECT, self._queue, delivery.message_id, delivery.generation)

    async def count_suspect(self, delivery: Delivery) -> int:
        """Count, committed, that it is about to be handled alone; returns how often that has been."""
        async with self._database.transaction() as tx:
            times: int = await tx.fetchval(_COUNT_SUSPECT, self._queue, delivery.message_id, delivery.generation)
        return times

    async def clear_suspect(self, delivery: Delivery) -> None:
        """The process outlived it."""
        async with self._database.transaction() as tx:
            await tx.execute(_CLEAR_SUSPECT, self._queue, delivery.message_id, delivery.generation)

    async def _wait(self, delivery: Delivery, after: float, past: dict[str, FieldValue]) -> None:
        delays = self._topology.retry_delays
        step = min((delay for delay in delays if delay >= after), default=max(delays))
        if delivery.generation:
            past[headers.GENERATION] = delivery.generation
        message = Message(
            self._topology.retry(step),
            self._queue,
            delivery.body,
            str(delivery.message_id),
            delivery.type or "",
            past,
            mandatory=True,
        )
        await self._broker.publish([message])

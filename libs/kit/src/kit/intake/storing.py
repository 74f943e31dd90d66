"""Group commit: deliveries of concurrent requests are stored by one statement, and each request waits for its own."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from kit.db.database import Database
from kit.errors import TransientError
from kit.ids import new_id
from kit.intake import measures
from kit.intake.sealing import Sealing, place_of_delivery
from kit.telemetry import tracing

log = structlog.get_logger(__name__)

MOST_WAITING: Final = 2_000
MOST_WAITING_BYTES: Final = 64 * 1024 * 1024
_MOST_PER_COMMIT: Final = 500
_MOST_BYTES_PER_COMMIT: Final = 8 * 1024 * 1024

_STORE: Final = """
    INSERT INTO intake_deliveries (id, source, body, bytes, traceparent)
    SELECT id, source, body, bytes, traceparent
    FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::integer[], $5::text[])
        WITH ORDINALITY AS delivery (id, source, body, bytes, traceparent, place)
    ORDER BY place
"""


class IntakeBusy(TransientError):
    """More deliveries wait to be stored than this process holds."""

    code = "intake-busy"


@dataclass(slots=True)
class _Waiting:
    id: UUID
    source: str
    body: bytes
    traceparent: str | None
    stored: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Store:
    """Stores deliveries; how many wait, and their bytes, are bounded.

    As soon as the one writer is free it takes all that came meanwhile, so that a batch grows with the load and nobody
    waits for company. A delivery that cannot be stored fails alone. When the database did not answer, or not `within`
    so many seconds, all of the batch fail; they may have been committed even so, and when the provider repeats them
    their items are duplicates.
    """

    def __init__(
        self, database: Database, sealing: Sealing, *, waiting: int = MOST_WAITING, within: float = 5.0
    ) -> None:
        self._database = database
        self._sealing = sealing
        self._most_waiting = waiting
        self._within = within
        self._queue: deque[_Waiting] = deque()
        self._held = 0
        self._held_bytes = 0
        self._writer: asyncio.Task[None] | None = None

    async def put(self, source: str, body: bytes) -> UUID:
        """Store a delivery and return its id after the commit.

        Raises:
            IntakeBusy: too many wait already, or storing took too long.
            TransientError: the database cannot take it just now.
        """
        if self._held >= self._most_waiting or self._held_bytes + len(body) > MOST_WAITING_BYTES:
            raise IntakeBusy(retry_after=2.0)
        waiting = _Waiting(new_id(), source, body, tracing.current_traceparent())
        self._held += 1
        self._held_bytes += len(body)
        self._queue.append(waiting)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all(), name="intake writer")
        await waiting.stored
        return waiting.id

    async def _write_all(self) -> None:
        while self._queue:
            batch = self._next_batch()
            try:
                await self._write_each(batch)
            finally:
                for waiting in batch:
                    self._held -= 1
                    self._held_bytes -= len(waiting.body)
                    if not waiting.stored.done():  # this task was cancelled: nobody knows
                        waiting.stored.set_exception(IntakeBusy())

    def _next_batch(self) -> list[_Waiting]:
        batch, size = [self._queue.popleft()], 0
        size = len(batch[0].body)
        while self._queue and len(batch) < _MOST_PER_COMMIT:
            size += len(self._queue[0].body)
            if size > _MOST_BYTES_PER_COMMIT:
                break
            batch.append(self._queue.popleft())
        return batch

    async def _write_each(self, batch: Sequence[_Waiting]) -> None:
        try:
            async with asyncio.timeout(self._within):
                await self._write(batch)
        except TransientError as trouble:
            _settle(batch, trouble)
        except TimeoutError:
            _settle(batch, IntakeBusy(retry_after=2.0))
        except Exception as error:
            if len(batch) == 1:
                log.exception("intake.not_stored", source=batch[0].source)
                _settle(batch, error)
                return
            for waiting in batch:
                await self._write_each((waiting,))
        else:
            measures.COMMITTED.observe(len(batch))
            _settle(batch, None)

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        sealed = await self._sealing.seal_many(None, [(each.body, place_of_delivery(each.id)) for each in batch])
        await self._database.statement(
            _STORE,
            [each.id for each in batch],
            [each.source for each in batch],
            sealed,
            [len(each.body) for each in batch],
            [each.traceparent for each in batch],
        )
        for source in {each.source for each in batch}:
            self._database.hint(f"intake:{source}")


def _settle(batch: Sequence[_Waiting], error: Exception | None) -> None:
    for waiting in batch:
        if waiting.stored.done():  # its request was cancelled
            continue
        if error is None:
            waiting.stored.set_result(None)
        else:
            waiting.stored.set_exception(error)

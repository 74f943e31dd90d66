"""The relay moves committed events from the outbox to the broker, in any number of loops and processes."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Final

import structlog

from kit.db.database import Database, Row, Transaction
from kit.errors import TransientError
from kit.messaging import history, measures
from kit.messaging.backoff import Backoff
from kit.messaging.broker import Broker
from kit.messaging.errors import HistoryAway, PublishRefused
from kit.messaging.topology import Topology
from kit.messaging.wakeup import Listener
from kit.messaging.wire import Message
from kit.process import either
from kit.telemetry import tracing

log = structlog.get_logger(__name__)

_SELDOM: Final = 4
_WHOLE: Final = 0.8  # of a pause, after which another loop's look counts no more
_SAMPLED: Final = re.compile(rb'"traceparent":"(00-[0-9a-f]{32}-[0-9a-f]{16}-01)"')
_CLAIM: Final = """
    DELETE FROM outbox
    WHERE id = ANY (ARRAY(SELECT id FROM outbox ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED))
    RETURNING id, type, organization_id, body, created_at
"""
_PUT_BACK: Final = """
    INSERT INTO outbox (id, type, organization_id, body, created_at)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bytea[], $5::timestamptz[])
"""


class Relay:
    """Claims a batch of events, publishes it, and deletes it once every message is confirmed.

    Claiming unsent rows (and not remembering "the last id seen") loses nothing when transactions commit out of order.
    A crash between confirm and commit sends a batch twice; consumers see the same ids. A crash of the database that
    undoes the deletion does the same, so the commit need not wait for the disk.
    """

    def __init__(
        self,
        database: Database,
        broker: Broker,
        topology: Topology,
        *,
        listener: Listener | None = None,
        batch: int = 500,
        poll: float = 0.25,
        publish_within: float = 15.0,
    ) -> None:
        self._database = database
        self._broker = broker
        self._topology = topology
        self._listener = listener
        self._hint = listener.subscribe() if listener else asyncio.Event()
        self._looked_at = 0.0
        self._batch = batch
        self._poll = poll
        self._within = publish_within
        self._history_was_away = False

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`, woken by hints and by a slow poll; start it twice for two loops.

        A hint wakes one loop. The other helps when there is more than a batch: for less it would only be in the way.
        """
        stopping = asyncio.create_task(self._wake_at(stop))
        try:
            await self._send_until(stop)
        finally:
            stopping.cancel()

    async def _send_until(self, stop: asyncio.Event) -> None:
        backoff = Backoff(0.1, 5.0)
        while not stop.is_set():
            try:
                sent = await self.send_pending()
            except TransientError as trouble:
                log.warning("relay.waiting", error=type(trouble).__name__, detail=trouble.detail)
                await either(stop, within=backoff.next())
                continue
            backoff.reset()
            if sent < self._batch:
                await self._until_there_is_some(stop)
                await self._database.wakeups.give_way(self._poll, stop)
            else:
                self._hint.set()

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._hint.set()

    async def _until_there_is_some(self, stop: asyncio.Event) -> None:
        """Wait for a hint, or until a look shows that one was lost; of several loops one looks."""
        while not await self._told(stop):
            now = asyncio.get_running_loop().time()
            if now - self._looked_at >= self._pause * _WHOLE:
                self._looked_at = now
                with suppress(TransientError):  # nobody knows; the next who asks is told
                    if not await self._database.statement("SELECT FROM outbox ORDER BY id LIMIT 1"):
                        continue
                return

    async def _told(self, stop: asyncio.Event) -> bool:
        """Whether there was a hint that no other loop has taken, before it is time to look."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause):
                while not stop.is_set():
                    await self._hint.wait()
                    if self._hint.is_set():
                        self._hint.clear()
                        break
            return True
        return False

    @property
    def _pause(self) -> float:
        """Seconds between looks: seldom while hints are heard, since then nearly all of them arrive."""
        heard = self._listener is not None and self._listener.listening.is_set()
        return _SELDOM * self._poll if heard else self._poll

    async def send_pending(self) -> int:
        """Send one batch and return how many events the broker took.

        Raises:
            BrokerLost: nothing is deleted; all of it will be sent again.
            HistoryAway, DatabaseUnavailable: likewise.
        """
        async with self._database.transaction(durable=False) as tx:
            rows = sorted(await tx.fetch(_CLAIM, self._batch), key=lambda row: row["id"].int)
            if not rows:
                return 0
            refused = await self._publish(rows)
            if refused:
                await _put_back(tx, refused)
        measures.RELAYED.inc(len(rows) - len(refused))
        measures.PUT_BACK.inc(len(refused))
        return len(rows) - len(refused)

    async def _publish(self, rows: Sequence[Row]) -> list[Row]:
        """Publish all, with their entries of the history, and return those the broker refused."""
        exchange = self._topology.events
        messages = [Message(exchange, row["type"], row["body"], str(row["id"]), row["type"]) for row in rows]
        with ExitStack() as spans:
            for row in rows:
                sampled = _SAMPLED.search(row["body"])
                if sampled:
                    spans.enter_context(
                        tracing.continued(sampled[1].decode(), f"send {row['type']}", kind="producer")
                    )
            refused = await self._send(messages, history.entries(self._topology, [row["body"] for row in rows]))
        return [rows[place] for place in refused]

    async def _send(self, events: Sequence[Message], entries: Sequence[Message]) -> list[int]:
        """Send both; the places of the events that were refused.

        Once the history was away it goes first, alone: else the same events would leave again and again meanwhile.
        """
        careful = self._history_was_away
        if careful:
            await self._take(entries)
        refused = await self._take(events if careful else [*events, *entries])
        self._history_was_away = False
        return refused

    async def _take(self, messages: Sequence[Message]) -> list[int]:
        try:
            await self._broker.publish(messages, within=self._within)
        except PublishRefused as refusal:
            log.warning("relay.refused", count=len(refusal.refused), detail=refusal.detail)
            if any(messages[place].type == history.KIND for place in refusal.refused):
                self._history_was_away = True
                raise HistoryAway(f"The history took nothing: {refusal.detail}") from refusal
            return list(refusal.refused)
        return []


async def _put_back(tx: Transaction, rows: Sequence[Row]) -> None:
    columns = ("id", "type", "organization_id", "body", "created_at")
    await tx.execute(_PUT_BACK, *([row[column] for row in rows] for column in columns))

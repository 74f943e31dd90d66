"""What happens to a batch of deliveries until each of them may be acknowledged."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog

from contracts.event import Decoder, Malformed, UnknownEvent
from kit.db.database import Database, DatabaseBusy
from kit.errors import TransientError
from kit.messaging import measures
from kit.messaging.applying import Applier, Outcomes
from kit.messaging.backoff import Backoff
from kit.messaging.delivery import Delivery, Key
from kit.messaging.failures import MOST_DEATHS, Failures, judge
from kit.messaging.isolation import Isolation
from kit.messaging.subscription import Subscription
from kit.messaging.topology import Topology
from kit.process import whatever_comes
from kit.telemetry import tracing

log = structlog.get_logger(__name__)

Acknowledge = Callable[[Delivery], Awaitable[None]]

# Back twice without an ack: whoever held it was gone before, so it is handled alone and counted.
_SUSPICIOUS: Final = 2


class Worker:
    """Settles the deliveries of one subscription: applied, on the ladder, or dead.

    A batch is tried whole, or in a few parts; what fails is tried one by one, so that one bad message stops no other.
    When the database does not answer, the error leaves here and no attempt is counted.
    """

    def __init__(
        self,
        subscription: Subscription[Any],
        *,
        topology: Topology,
        queue: str,
        database: Database,
        failures: Failures,
        isolation: Isolation,
    ) -> None:
        self._queue = topology.label(queue)
        self._delays = topology.retry_delays
        self._database = database
        self._failures = failures
        self._isolation = isolation
        half = max(1, database.use().size // 2)
        self._parts = min(subscription.abreast, half) if subscription.one else 1
        self._decode = Decoder([subscription.event])
        self._applier = Applier(database, queue, self._queue, subscription)

    async def work(self, deliveries: Sequence[Delivery], acknowledge: Acknowledge) -> None:
        """Settle all; when it returns, all may be acknowledged. Suspects are acknowledged one by one.

        Raises:
            DatabaseUnavailable: some are not settled; they must be delivered again.
            BrokerLost: likewise.
        """
        usual: dict[Key, Delivery] = {}
        suspects: list[Delivery] = []
        for delivery in deliveries:
            if self._failures.is_early(delivery):
                await self._failures.postpone(delivery)
            elif delivery.returned >= _SUSPICIOUS:
                suspects.append(delivery)
            elif await self._readable(delivery):
                usual.setdefault(delivery.key, delivery)
                self._count(duplicate=usual[delivery.key] is not delivery)
        if usual:
            async with self._isolation.together():
                await self._abreast(list(usual.values()))
        for delivery in suspects:
            async with self._isolation.alone():
                await self._suspect(delivery)
            await acknowledge(delivery)

    async def _readable(self, delivery: Delivery) -> bool:
        """Decode it; what cannot be decoded is dead at once."""
        try:
            delivery.event = self._decode(delivery.body)
        except (Malformed, UnknownEvent) as trouble:
            log.warning(
                "message.undecodable", queue=self._queue, message_id=str(delivery.message_id), error=str(trouble)
            )
            await self._failures.bury(delivery, "undecodable", f"{type(trouble).__name__}: {trouble}")
            self._count(dead=1)
            return False
        delivery.message_id = delivery.event.id
        return True

    async def _abreast(self, deliveries: list[Delivery]) -> None:
        """Hide the round trips of `one` behind each other; what one organization is told stays together, in order."""
        parts: dict[int, list[Delivery]] = {}
        for delivery in deliveries:
            parts.setdefault(hash(_owner(delivery)) % self._parts, []).append(delivery)
        outcomes = await asyncio.gather(*map(self._whole, parts.values()), return_exceptions=True)
        for outcome in outcomes:  # only now: the others have come to their end
            if outcome is not None:
                raise outcome

    async def _whole(self, deliveries: list[Delivery]) -> None:
        if len(deliveries) == 1:
            await self._one(deliveries[0])
            return
        try:
            self._add(await self._applier.apply(deliveries))
        except DatabaseBusy:
            raise
        except Exception as trouble:  # noqa: BLE001 - each is tried alone and judged there
            await self._database.ping()
            log.info("batch.one_by_one", queue=self._queue, count=len(deliveries), error=type(trouble).__name__)
            for delivery in deliveries:
                await self._one(delivery)

    async def _one(self, delivery: Delivery, *, suspect: bool = False) -> None:
        try:
            self._add(await self._applier.apply([delivery], suspect=suspect))
        except DatabaseBusy:
            raise
        except Exception as trouble:  # noqa: BLE001 - judged, logged, and either retried or buried
            await self._database.ping()
            await self._failed(delivery, trouble)
            if suspect:
                await self._failures.clear_suspect(delivery)

    async def _suspect(self, delivery: Delivery) -> None:
        """Handle it alone, counted before: whoever kills the process too often is buried unhandled."""
        deaths = await self._failures.count_suspect(delivery) - 1
        if deaths >= MOST_DEATHS:
            log.error("message.poison", queue=self._queue, message_id=str(delivery.message_id), deaths=deaths)
            await self._failures.bury(delivery, "poison", f"The process died {deaths} times while handling it alone.")
            self._count(dead=1)
            return
        try:
            if await self._readable(delivery):
                await self._one(delivery, suspect=True)
        except asyncio.CancelledError:
            with suppress(TransientError):
                await whatever_comes(self._failures.clear_suspect(delivery))
            raise
        except Exception:
            await self._clear_when_possible(delivery)
            raise

    async def _clear_when_possible(self, delivery: Delivery) -> None:
        """We live, so it killed nobody: the count must not stay, even if the database is away for a while."""
        backoff = Backoff(0.1, 5.0)
        while True:
            try:
                await self._failures.clear_suspect(delivery)
            except TransientError:
                await asyncio.sleep(backoff.next())
            else:
                return

    async def _failed(self, delivery: Delivery, trouble: Exception) -> None:
        verdict = judge(trouble, delivery.attempt, self._delays)
        trace = delivery.event.traceparent if delivery.event else None
        with tracing.continued(trace):
            log.log(
                40 if verdict.after is None or verdict.reason == "bug" else 30,
                "message.failed",
                queue=self._queue,
                type=delivery.type,
                message_id=str(delivery.message_id),
                attempt=delivery.attempt + 1,
                retry_in=verdict.after,
                reason=verdict.reason,
                error=type(trouble).__name__,
                exc_info=trouble if verdict.reason == "bug" else None,
            )
        if verdict.after is None:
            await self._failures.bury(delivery, verdict.reason, f"{type(trouble).__name__}: {trouble}")
            self._count(dead=1)
        else:
            await self._failures.retry(delivery, verdict.after)
            self._count(retried=1)

    def _add(self, outcomes: Outcomes) -> None:
        self._count(**outcomes)

    def _count(self, **outcomes: int) -> None:
        for outcome, times in outcomes.items():
            if times:
                measures.MESSAGES.labels(self._queue, outcome).inc(times)


def _owner(delivery: Delivery) -> object:
    """Whose fact it is: an organization's, or, where there is none, that of its own subject."""
    event = delivery.event
    return event and (event.organization_id or event.subject_id)

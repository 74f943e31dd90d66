"""Applying deliveries: seen mark, version gate and handler in one transaction."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from contracts.event import Event
from kit.db.database import Database, Transaction
from kit.messaging import measures, processed
from kit.messaging.delivery import Delivery
from kit.messaging.subscription import Subscription
from kit.telemetry import tracing

Outcomes = Counter[str]

_CLEAR_SUSPECT: Final = "DELETE FROM suspect_messages WHERE queue = $1 AND message_id = $2 AND generation = $3"


class Applier:
    """Runs one subscription's handler on decoded deliveries, each effect at most once."""

    def __init__(self, database: Database, queue: str, label: str, subscription: Subscription[Any]) -> None:
        self._database = database
        self._queue = queue
        self._subscription = subscription
        self._seconds = measures.HANDLER_SECONDS.labels(label)

    async def apply(self, deliveries: Sequence[Delivery], *, suspect: bool = False) -> Outcomes:
        """Apply all in one transaction or, when anything fails, none.

        Raises:
            Exception: whatever the handler or the database raised.
        """
        tenants = _organizations(deliveries)
        if self._subscription.many is None and len(tenants) > 1:
            tenants = ()  # `one` binds per event
        with self._seconds.time():
            async with asyncio.timeout(self._subscription.within), self._database.transaction(*tenants) as tx:
                fresh = await processed.claim(tx, self._queue, deliveries)
                newest = await self._newest(tx, fresh)
                if newest:
                    await self._handle(tx, newest)
                if suspect:
                    for delivery in deliveries:
                        await tx.execute(_CLEAR_SUSPECT, self._queue, delivery.message_id, delivery.generation)
        return Outcomes(applied=len(newest), stale=len(fresh) - len(newest), duplicate=len(deliveries) - len(fresh))

    async def _newest(self, tx: Transaction, fresh: list[Delivery]) -> list[Delivery]:
        if not fresh or self._subscription.gate is None:
            return fresh
        return await processed.pass_gate(tx, self._subscription.gate, fresh)

    async def _handle(self, tx: Transaction, deliveries: Sequence[Delivery]) -> None:
        events = [delivery.event for delivery in deliveries if delivery.event is not None]
        if self._subscription.many is not None:
            with tracing.continued(_trace_of(events), f"process {self._subscription.event.type}") as span:
                span.set("messaging.batch.message_count", len(events))
                await self._subscription.many(events, tx)
            return
        bound: UUID | bool | None = tx.organization_ids[0] if tx.organization_ids else False
        for event in events:
            if event.organization_id != bound:
                bound = event.organization_id
                await tx.bind(*([bound] if bound else []))
            await self._handle_one(tx, event)

    async def _handle_one(self, tx: Transaction, event: Event) -> None:
        if self._subscription.one is not None:
            with tracing.continued(event.traceparent, f"process {event.type}") as span:
                span.set("messaging.message.id", str(event.id))
                await self._subscription.one(event, tx)


def _organizations(deliveries: Sequence[Delivery]) -> tuple[UUID, ...]:
    events = (delivery.event for delivery in deliveries)
    return tuple(sorted({event.organization_id for event in events if event and event.organization_id}))


def _trace_of(events: Sequence[Event]) -> str | None:
    """The trace a batch goes on with: a sampled one if there is any."""
    traces = [event.traceparent for event in events if event.traceparent]
    return next((trace for trace in traces if trace.endswith("-01")), traces[0] if traces else None)

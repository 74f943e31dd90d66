"""Readings worked by hand: what Stripe answered is given; rows, tickets and record are the real ones."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from billing.catalogue.catalogue import CATALOGUE
from billing.changes.settling import settle_open
from billing.readings.model import Named, Reading, Ticket
from billing.readings.reading import KIND, ReadingKind, ask
from billing.readings.repository import ReadingRepository
from billing.reconciliation.repository import mark_repaired
from billing.stripe_api import StripeApi
from billing.subscriptions.following import SubscriptionReader
from billing.subscriptions.model import Subscription
from billing.subscriptions.repository import SubscriptionRepository
from billing.subscriptions.seeing import seen_of
from contracts import decode
from contracts.event import Event
from kit.db.database import Database
from kit.ids import new_id
from kit.ledger.model import Entry, Settled, Status

OFF: Final = StripeApi("", "http://127.0.0.1:9", "2026-08-26.dahlia")


def subscription(status: str = "active", **changed: Any) -> dict[str, Any]:
    """A subscription as Stripe shows it in the shape of 2026, of one price, on the first of its months."""
    begins = changed.pop("begins", 1_769_851_800)  # 2026-01-31T09:30:00Z
    ends = changed.pop("ends", 1_772_271_000)  # 2026-02-28T09:30:00Z
    key, seats = changed.pop("price", "pro_month_eur_v1"), changed.pop("seats", 0)
    items = [_item("si_plan", key, 1, begins, ends)]
    if seats:
        plan, _, rest = key.partition("_")
        items.append(_item("si_seats", f"{plan}_seat_{rest}", seats, begins, ends))
    return {
        "id": "sub_1",
        "object": "subscription",
        "customer": "cus_1",
        "status": status,
        "created": 1_769_851_800,
        "start_date": 1_769_851_800,
        "currency": "eur",
        "items": {"object": "list", "data": items, "has_more": False},
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "ended_at": None,
        "trial_end": None,
        "pause_collection": None,
        "pending_update": None,
        "schedule": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "metadata": {},
        **changed,
    }


def _item(item_id: str, lookup_key: str, quantity: int, begins: int, ends: int) -> dict[str, Any]:
    interval = "year" if "_year_" in lookup_key else "month"
    return {
        "id": item_id,
        "object": "subscription_item",
        "quantity": quantity,
        "current_period_start": begins,
        "current_period_end": ends,
        "price": {
            "id": f"price_{lookup_key}",
            "object": "price",
            "lookup_key": lookup_key,
            "currency": lookup_key.split("_")[-2],
            "recurring": {"interval": interval, "interval_count": 1, "usage_type": "licensed"},
        },
    }


@dataclass(slots=True)
class Readings:
    """The readings of one database."""

    database: Database
    kind: ReadingKind = field(
        default_factory=lambda: ReadingKind(
            [SubscriptionReader(OFF, CATALOGUE, settle_open)], applied=(mark_repaired,)
        )
    )

    async def hint(self, organization_id: UUID, object_id: str = "sub_1") -> None:
        """An event of Stripe's has come."""
        async with self.database.transaction(organization_id) as tx:
            await ask(tx, Named("subscription", object_id))

    async def begin(self, organization_id: UUID, object_id: str = "sub_1") -> tuple[Entry, Ticket] | None:
        """A worker takes the reading that waits, with its ticket; None when none does."""
        async with self.database.transaction(organization_id) as tx:
            effect_id = await ReadingRepository(tx).under_way(object_id)
            if effect_id is None:
                return None
            now = self.database.clock.now()
            entry = Entry(new_id(), KIND, organization_id, "stripe", effect_id, 1, now, now, now)
            return entry, dict(await self.kind.prepare(tx, [entry]))[entry.id]

    async def end(self, begun: tuple[Entry, Ticket], answer: dict[str, Any]) -> None:
        """Stripe has answered with this, and it is recorded."""
        entry, ticket = begun
        reading = Reading(ticket, seen_of(answer, CATALOGUE))
        await self._record(entry, Status.DONE, reading)

    async def fail(self, begun: tuple[Entry, Ticket]) -> None:
        """Stripe has refused."""
        await self._record(begun[0], Status.REFUSED, None)

    async def _record(self, entry: Entry, status: Status, result: Any) -> None:
        assert entry.organization_id is not None
        async with self.database.transaction(entry.organization_id) as tx:
            now = self.database.clock.now()
            await self.kind.record(tx, [Settled(entry, status, "call", now, now, "sub_1", result=result)])

    async def read(self, organization_id: UUID, answer: dict[str, Any], object_id: str = "sub_1") -> None:
        """An event came, and what it hints at was read."""
        await self.hint(organization_id, object_id)
        begun = await self.begin(organization_id, object_id)
        assert begun is not None
        await self.end(begun, answer)

    async def mirror(self, organization_id: UUID, object_id: str = "sub_1") -> Subscription | None:
        """The subscription as we hold it."""
        async with self.database.transaction(organization_id) as tx:
            return await SubscriptionRepository(tx).lock(object_id)

    async def told(self, organization_id: UUID) -> list[Event]:
        """Every fact about the organization, in order."""
        async with self.database.transaction() as tx:
            rows = await tx.fetch("SELECT body FROM outbox WHERE organization_id = $1 ORDER BY id", organization_id)
        return [decode(row["body"]) for row in rows]

    async def counted(self, organization_id: UUID) -> Counter[str]:
        """How often each fact was told."""
        return Counter(type(event).__name__ for event in await self.told(organization_id))

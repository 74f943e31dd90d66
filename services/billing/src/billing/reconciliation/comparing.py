"""The nightly comparison: window by window, all pages of what Stripe lists, against what we hold.

Every window is a commit of its own, and what differs is read again: repairing is a reading like any other.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog

from billing.notifications.source import Owners
from billing.readings.model import Named
from billing.readings.reading import ask
from billing.readings.repository import ReadingRepository
from billing.reconciliation import measures
from billing.reconciliation.model import (
    Compared,
    Drift,
    Finding,
    Json,
    Reconciliation,
    Window,
    beginnings,
    halved,
    next_night,
    next_window,
)
from billing.reconciliation.repository import ReconciliationRepository
from billing.stripe_api import StripeApi
from billing.subscriptions.seeing import id_or_none
from contracts.billing import DriftFound
from kit.audit import SYSTEM, audited
from kit.db.database import Database, Transaction
from kit.ledger.model import NotAccepted, Parked, Refused, Unanswered

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 1_000
_LONGEST: Final = 3_600.0


class FenceLost(Exception):
    """Somebody else works on it by now."""


@dataclass(frozen=True, slots=True)
class Reconciling:
    """Compares everything that Stripe and we hold; any number of workers share it, one window at a time."""

    database: Database
    stripe: StripeApi
    owners: Sequence[Owners]
    compared: Sequence[Compared]
    beginning: datetime
    """Before this nothing was sold."""
    page: int = 100
    """So much is asked of Stripe at once."""
    at_most: int = 5_000
    """So much is compared at once, if it was not all created within a second."""

    async def step(self) -> bool:
        """Compare one window of what is due; False when nothing is."""
        if not self.stripe.on or not self.compared:
            return False
        async with self.database.transaction() as tx:
            reconciliations = ReconciliationRepository(tx)
            now = await reconciliations.now()
            await reconciliations.plan("night", next_night(now))
            held = await reconciliations.claim()
        if held is None:
            return False
        window = next_window(held, beginnings(self.compared, held, self.beginning, now), now)
        if window is None:
            async with self.database.transaction() as tx:
                await ReconciliationRepository(tx).end(held)
            return True
        try:
            await self._compare(held, window)
        except (NotAccepted, Parked, Refused, Unanswered) as trouble:
            await self._put_off(held, trouble)
        except FenceLost:
            log.warning("reconciliation.fence_lost", reconciliation=str(held.id))
        return True

    async def _put_off(self, held: Reconciliation, trouble: NotAccepted | Parked | Refused | Unanswered) -> None:
        wait = min(_LONGEST, 5.0 * 2.0 ** min(held.failures, 20))
        waits = trouble.retry_after if isinstance(trouble, NotAccepted) else None
        async with self.database.transaction() as tx:
            await ReconciliationRepository(tx).put_off(held, max(wait, waits or 0.0), str(trouble)[:200])

    async def _compare(self, held: Reconciliation, window: Window) -> None:
        compared = next(each for each in self.compared if each.type == window.type)
        began = await self._now()
        window, listed = await self._listed(compared, window)
        organizations = await self._organizations(listed)
        ours = await self._held(window)
        drifts = [Drift(each, None, "nobodys") for each in listed if each not in organizations]
        by_organization: dict[UUID, dict[str, Json]] = defaultdict(dict)
        for object_id, organization_id in organizations.items():
            by_organization[organization_id][object_id] = listed[object_id]
        for object_id, organization_id in ours.items():
            if object_id not in listed:
                by_organization[organization_id].setdefault(object_id, {})
        found = 0
        for organization_id, objects in sorted(by_organization.items(), key=lambda each: str(each[0])):
            found += await self._compare_one(held, compared, organization_id, objects, began)
        async with self.database.transaction() as tx:
            reconciliations = ReconciliationRepository(tx)
            found += len(await reconciliations.found(held, window.type, drifts)) if drifts else 0
            if not await reconciliations.advance(held, window, len(listed), found):
                raise FenceLost
        for drift in drifts:
            measures.DRIFT.labels(window.type, drift.finding).inc()

    async def _listed(self, compared: Compared, window: Window) -> tuple[Window, Mapping[str, Json]]:
        """What Stripe lists of a window, or of the first part of it that is not too much."""
        listed: dict[str, Json] = {}
        async for each in self.stripe.pages(compared.path, _asked(compared, window), limit=self.page):
            listed[each["id"]] = each
            if len(listed) > self.at_most and (half := halved(window)) is not None:
                return await self._listed(compared, half)
        return window, listed

    async def _compare_one(
        self,
        held: Reconciliation,
        compared: Compared,
        organization_id: UUID,
        objects: Mapping[str, Json],
        began: datetime,
    ) -> int:
        """Compare what one organization has; returns how much was found."""
        async with self.database.transaction(organization_id) as tx:
            differences = await compared.differences(tx, {key: each for key, each in objects.items() if each})
            moving = await ReadingRepository(tx).moving(list(objects), began)
            drifts = [
                Drift(object_id, organization_id, finding, tuple(differences.get(object_id, ())))
                for object_id, each in objects.items()
                if object_id not in moving and (finding := _finding(object_id, each, differences))
            ]
            reconciliations = ReconciliationRepository(tx)
            await reconciliations.repaired(
                [key for key in objects if not any(drift.object_id == key for drift in drifts)]
            )
            if not drifts:
                return 0
            new = await reconciliations.found(held, compared.type, drifts)
            await ask(tx, *(Named(compared.type, drift.object_id) for drift in drifts))
            await _tell(tx, new, compared.type, drifts)
        return len(new)

    async def _organizations(self, listed: Mapping[str, Json]) -> dict[str, UUID]:
        """Whose the listed objects are."""
        leads = {key: _leads(each) for key, each in listed.items()}
        asked = {lead for each in leads.values() for lead in each}
        known: dict[str, UUID] = {}
        async with self.database.transaction() as tx:
            for owners in self.owners:
                known |= await owners(tx, asked)
        owned = {key: next((known[lead] for lead in each if lead in known), None) for key, each in leads.items()}
        return {key: owner for key, owner in owned.items() if owner is not None}

    async def _held(self, window: Window) -> dict[str, UUID]:
        """What we hold of this window, with whose it is."""
        found: dict[str, UUID] = {}
        since, after = window.since, UUID(int=0)
        while True:
            async with self.database.transaction() as tx:
                page = await ReconciliationRepository(tx).held(window.type, since, window.until, after, _AT_ONCE)
            found |= {each.object_id: each.organization_id for each in page}
            if len(page) < _AT_ONCE:
                return found
            since, after = page[-1].created_at, page[-1].id

    async def _now(self) -> datetime:
        async with self.database.transaction() as tx:
            return await ReconciliationRepository(tx).now()


def _asked(compared: Compared, window: Window) -> dict[str, Any]:
    created = {"gte": int(window.since.timestamp()), "lt": int(window.until.timestamp())}
    return {**compared.params, "created": created}


def _leads(listed: Json) -> Sequence[str]:
    """What leads to its owner: the customer, or what was paid, which may be there with its customer."""
    paid = listed.get("payment_intent")
    found = [
        listed.get("customer"),
        paid.get("customer") if isinstance(paid, Mapping) else None,
        paid,
        listed.get("charge"),
    ]
    return [lead for each in found if (lead := id_or_none(each))]


def _finding(object_id: str, listed: Json, differences: Mapping[str, Sequence[str]]) -> Finding | None:
    if not listed:
        return "missing_there"
    if object_id not in differences:
        return "missing_here"
    return "differs" if differences[object_id] else None


async def _tell(tx: Transaction, new: Mapping[str, UUID], object_type: str, drifts: Sequence[Drift]) -> None:
    for drift in drifts:
        if drift.object_id not in new or drift.finding == "nobodys":
            continue
        measures.DRIFT.labels(object_type, drift.finding).inc()
        await tx.emit(
            DriftFound(drift_id=new[drift.object_id], object_type=object_type, finding=drift.finding),
            audited("billing.drift.found", SYSTEM, object_type, drift.object_id, finding=drift.finding),
        )

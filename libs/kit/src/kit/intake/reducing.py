"""Items are applied in order per key by any number of workers; each ends in a verdict."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID

import structlog

from kit.db.database import Database, DatabaseUnavailable, Transaction
from kit.errors import DomainError, TransientError
from kit.ids import new_id
from kit.intake import measures
from kit.intake.lanes import Decision, HeldLane, LaneRepository, LeaseLost, StoredItem
from kit.intake.model import Item, Quarantined, Received, Source, Verdict
from kit.intake.sealing import Sealing, place_of_item
from kit.intake.splitting import MOST_ATTEMPTS, storable
from kit.seal import SealBroken
from kit.telemetry import tracing

log = structlog.get_logger(__name__)

_FEWEST_LANES, _MOST_LANES = 8, 100  # fewer than that would cost more in the claims than in the items
_SHORT, _LONG = 0.02, 0.08  # seconds that a step should take: the first of its items waits for the last one's commit
_REASON: Final = 500
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 60.0  # seconds a lane rests after a failure


class WrongVerdicts(Exception):
    """A source gave another number of verdicts than it was given items."""


class Late(TransientError):
    """Applying took so long that the lease may have lapsed."""


Waiting = tuple[StoredItem, Received | None]
"""An item as it rests, and opened; None when it cannot be unsealed."""


@dataclass(frozen=True, slots=True)
class Held:
    """A lane under our lease with its first items."""

    lane: HeldLane
    items: Sequence[Waiting]

    @property
    def doubtful(self) -> bool:
        """Whether it has failed before and is better not tried together with others."""
        return self.lane.lapsed or self.attempts > 0

    @property
    def attempts(self) -> int:
        """How often its items were tried in vain."""
        return sum(item.attempts for item, _ in self.items)


@dataclass(slots=True)
class _Claim:
    """Our lease, and the lanes not given back yet."""

    holder: UUID
    left: set[bytes]


class Reducer:
    """Holds lanes of one source under a lease and applies what waits in them.

    All lanes of a claim are tried in one transaction. When that fails each lane is tried in its own, and in one that
    fails again each item; so what is wrong with one item touches no other key. After a worker's death the items it
    may have died over are counted before each is tried alone. Nothing of a worker that lost its lease is committed:
    the lanes are locked in the transaction that applies. A claim takes as many lanes as some tens of milliseconds
    are enough for, by how long the last one took. One of these for each loop.
    """

    def __init__(self, database: Database, sealing: Sealing, source: Source, *, lease: float) -> None:
        self._database = database
        self._sealing = sealing
        self._source = source
        self._lease = lease
        self._repository = LaneRepository(database, source.name)
        self._owed: list[_Claim] = []
        self._lanes = _FEWEST_LANES

    async def step(self) -> bool:
        """Hold some lanes and apply their items; False when no lane's time has come."""
        await self._return_owed()
        holder, began = new_id(), time.monotonic()
        held = await self._repository.claim(holder, self._lease, self._lanes)
        if not held:
            return False
        claim = _Claim(holder, {each.lane for each in held})
        try:
            await self._reduce(claim, held)
        except LeaseLost:
            log.warning("intake.lease_lost", source=self._source.name)
        finally:
            self._owed.append(claim)
            with suppress(TransientError):  # at the next step; and the lease ends by itself
                await self._return_owed()
        self._lanes = fitting(self._lanes, len(held), time.monotonic() - began)
        return True

    async def _return_owed(self) -> None:
        while self._owed:
            claim = self._owed[0]
            if claim.left:
                await self._repository.release(claim.holder, claim.left)
            self._owed.remove(claim)

    async def _reduce(self, claim: _Claim, held: Sequence[HeldLane]) -> None:
        waiting = await self._repository.waiting(held)
        received = await self._opened([item for items in waiting.values() for item in items])
        lanes = [Held(lane, [(item, received[item.id]) for item in waiting.get(lane.lane, ())]) for lane in held]
        doubtful = [each for each in lanes if each.doubtful]
        sound = [each for each in lanes if not each.doubtful]
        if sound and not await self._together(claim, sound):
            doubtful += [each for each in sound if not await self._together(claim, [each])]
        for each in sorted(doubtful, key=lambda held: held.attempts):  # who may kill us comes last
            await self._one_by_one(claim, each)

    async def _opened(self, items: Sequence[StoredItem]) -> dict[UUID, Received | None]:
        sealed = [(item.content, place_of_item(item.id)) for item in items]
        try:
            contents = await self._sealing.open_many(None, sealed)
        except SealBroken:
            contents = [await self._open_alone(each) for each in sealed]
        return {
            item.id: None if content is None else _received(item, content)
            for item, content in zip(items, contents, strict=True)
        }

    async def _open_alone(self, sealed: tuple[bytes, bytes]) -> bytes | None:
        try:
            (content,) = await self._sealing.open_many(None, [sealed])
        except SealBroken:
            return None
        return content

    async def _together(self, claim: _Claim, lanes: Sequence[Held]) -> bool:
        """Apply all in one commit and give the lanes back; False when it failed and nothing was committed."""
        try:
            async with self._in_time() as tx:
                owners = await self._owners(tx, [item for each in lanes for item, _ in each.items])
                in_order = sorted(lanes, key=lambda lane: _order(lane, owners))
                decisions = await self._apply(tx, [item for lane in in_order for item in lane.items], owners)
                await self._repository.lock(tx, claim.holder, [each.lane.lane for each in lanes])
                await self._repository.decide(tx, decisions)
                await self._repository.give_back(tx, [each.lane.lane for each in lanes])
        except LeaseLost:
            raise
        except DatabaseUnavailable:
            await self._database.ping()  # when it is away, leave; a deadlock is a reason to go on alone
            return False
        except Exception as error:  # noqa: BLE001 - tried again one by one, where it is told
            log.info("intake.split_up", source=self._source.name, lanes=len(lanes), error=type(error).__name__)
            return False
        claim.left -= {each.lane.lane for each in lanes}
        self._count(decisions)
        return True

    async def _one_by_one(self, claim: _Claim, held: Held) -> None:
        """Apply each in its own commit, until one has to be waited for; the lane is given back by who looks next."""
        for item, received in held.items:
            try:
                if held.doubtful:
                    await self._repository.count(item)
                if item.attempts >= MOST_ATTEMPTS:
                    reason = f"the worker did not survive it {item.attempts} times"
                    await self._decide(claim, Decision(item, "quarantined", reason))
                else:
                    await self._alone(claim, item, received)
            except LeaseLost:
                raise
            except TransientError as trouble:
                log.warning("intake.waiting", source=self._source.name, error=type(trouble).__name__)
                await self._postpone(claim, item, _wait(held.lane.failures, trouble.retry_after), item.attempts)
                return
            except DomainError as refusal:
                await self._decide(claim, Decision(item, "quarantined", storable(refusal.title(), _REASON)))
            except Exception as error:
                log.exception("intake.not_applied", source=self._source.name, item=str(item.id))
                if item.attempts + 1 < MOST_ATTEMPTS:
                    await self._postpone(claim, item, _wait(item.attempts), item.attempts + 1)
                    return
                await self._decide(claim, Decision(item, "quarantined", storable(type(error).__name__, _REASON)))

    async def _alone(self, claim: _Claim, item: StoredItem, received: Received | None) -> None:
        async with self._in_time() as tx:
            owners = await self._owners(tx, [item])
            decisions = await self._apply(tx, [(item, received)], owners)
            await self._repository.hold_on(tx, claim.holder, item.lane, self._lease)
            await self._repository.decide(tx, decisions)
        self._count(decisions)

    async def _decide(self, claim: _Claim, decision: Decision) -> None:
        async with self._database.transaction() as tx:
            await self._repository.hold_on(tx, claim.holder, decision.item.lane, self._lease)
            await self._repository.decide(tx, [decision])
        self._count([decision])

    async def _postpone(self, claim: _Claim, item: StoredItem, seconds: float, attempts: int) -> None:
        await self._repository.postpone(claim.holder, item, seconds, attempts)
        claim.left.discard(item.lane)

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[Transaction]:
        """A transaction that is given up before the lease lapses."""
        try:
            async with asyncio.timeout(self._lease * 0.8), self._database.transaction() as tx:
                yield tx
        except TimeoutError as error:
            raise Late from error

    async def _owners(self, tx: Transaction, items: Sequence[StoredItem]) -> Mapping[str, UUID]:
        tenants = {item.tenant for item in items}
        return await self._source.organizations(tx, tenants) if tenants else {}

    async def _apply(self, tx: Transaction, items: Sequence[Waiting], owners: Mapping[str, UUID]) -> list[Decision]:
        """Apply items in order; those of one organization beside each other go in one call."""
        decisions: list[Decision] = []
        for organization_id, run in groupby(items, key=lambda each: owners.get(each[0].tenant)):
            same = list(run)
            verdicts = await self._verdicts(tx, organization_id, same)
            decisions += [
                _decision(item, verdict, organization_id) for (item, _), verdict in zip(same, verdicts, strict=True)
            ]
        return decisions

    async def _verdicts(
        self, tx: Transaction, organization_id: UUID | None, items: Sequence[Waiting]
    ) -> Sequence[Verdict]:
        if organization_id is None:
            return [Quarantined(f"unknown {item.tenant}") for item, _ in items]
        readable = [received for _, received in items if received is not None]
        if tx.organization_ids != (organization_id,):
            await tx.bind(organization_id)
        with tracing.continued(items[0][0].traceparent, f"apply {self._source.name}"):
            given = await self._source.apply(tx, readable) if readable else []
        if len(given) != len(readable):
            raise WrongVerdicts(f"{len(given)} for {len(readable)} items")
        verdicts = iter(given)
        return [Quarantined("it cannot be unsealed") if each is None else next(verdicts) for _, each in items]

    def _count(self, decisions: Sequence[Decision]) -> None:
        now = self._database.clock.now()
        settling = measures.SETTLING.labels(self._source.name)
        for decision in decisions:
            measures.ITEMS.labels(self._source.name, decision.verdict).inc()
            settling.observe(_seconds(decision.item.received_at, now))


def fitting(lanes: int, held: int, took: float) -> int:
    """How many lanes to ask for after a step that asked for so many, held some and took so many seconds."""
    if took > _LONG:
        return max(_FEWEST_LANES, min(lanes, held) // 2)
    if took < _SHORT and held == lanes:
        return min(2 * lanes, _MOST_LANES)
    return lanes


def _received(item: StoredItem, content: bytes) -> Received:
    key, _, payload = content.partition(b"\0")
    return Received(
        row_id=item.id,
        item=Item(item.item_id, key.decode(), item.tenant, item.kind, payload, item.occurred_at),
        received_at=item.received_at,
    )


def _decision(item: StoredItem, verdict: Verdict, organization_id: UUID | None) -> Decision:
    if isinstance(verdict, Quarantined):
        return Decision(item, "quarantined", storable(verdict.reason, _REASON), organization_id)
    return Decision(item, "applied", None, organization_id)


def _order(held: Held, owners: Mapping[str, UUID]) -> tuple[int, bytes]:
    """Lanes of one organization beside each other, and always in one order: workers then wait and do not deadlock."""
    owner = owners.get(held.items[0][0].tenant) if held.items else None
    return (owner.int if owner else 0, held.lane.lane)


def _wait(failures: int, at_least: float = 0.0) -> float:
    return max(at_least, min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(failures, 10)) * random.uniform(0.7, 1.0))


def _seconds(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())

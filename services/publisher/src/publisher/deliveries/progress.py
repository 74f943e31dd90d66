"""What came of calls, carried into our rows, and what follows from it: in the commit that records it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from contracts.event import Event
from contracts.publisher import PostFailed, PostPublished, PostUnconfirmed
from kit.db.database import Row, Transaction
from kit.ids import new_id
from kit.ledger.ledger import Ledger
from kit.ledger.model import Effect, Settled, Status
from postrules.limits import Platform as PlatformName
from publisher.accounts.model import lane_of
from publisher.accounts.renewing import urge_renewal
from publisher.allowances.counting import account_for
from publisher.budgets.repository import BudgetRepository, ProjectRepository
from publisher.deliveries.model import What
from publisher.deliveries.repository import DeliveryRepository
from publisher.deliveries.sending import Next
from publisher.platforms.base import PROJECT_FULL, Live, Platform
from publisher.posts.model import PostStatus
from publisher.steps.repository import NewStep, StepRepository


@dataclass(frozen=True, slots=True)
class Item:
    """What an outcome is about: the post itself of a delivery (part 0), a part of its thread, what is done to it."""

    organization_id: UUID
    delivery_id: UUID
    account_id: UUID
    platform: PlatformName
    what: What | None = None
    part: int = 0
    began_at: datetime | None = None

    @property
    def is_post(self) -> bool:
        """Whether it is the post itself, whose status is the delivery's."""
        return self.part == 0 and self.what in (None, What.PROCESSING, What.FINALIZE)

    @property
    def row(self) -> What:
        """Which row of steps shows it, if it is not the post itself."""
        return self.what if self.what in (What.COMMENT, What.COVER, What.REMOVAL) else What.PART


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item."""

    item: Item
    status: PostStatus
    settled: Settled


@dataclass(frozen=True, slots=True)
class Progress:
    """Carries outcomes of deliveries and their steps, set-based."""

    platforms: Mapping[PlatformName, Platform]
    ledger: Callable[[], Ledger]

    async def carry(self, tx: Transaction, outcomes: Sequence[Outcome]) -> None:
        """Carry statuses over, tell what became of each, begin what follows, and have dead tokens renewed."""
        if not outcomes:
            return
        await self._go_on(tx, [each for each in outcomes if isinstance(each.settled.result, Next)])
        posts = sorted((each for each in outcomes if each.item.is_post), key=_order)
        changed, found = await self._posts(tx, posts) if posts else ([], {})
        others = sorted((each for each in outcomes if not each.item.is_post), key=_order)
        steps = await self._steps(tx, others) if others else []
        await self._keep_told(tx, outcomes)
        await self._follow(tx, changed, steps)
        await self._renew(tx, outcomes, {row["id"] for row in (*changed, *steps)})
        await account_for(tx, found)

    async def _go_on(self, tx: Transaction, outcomes: Sequence[Outcome]) -> None:
        """The waits and next steps that calls have begun."""
        steps, effects = [], []
        for each in outcomes:
            item, follows = each.item, each.settled.result
            began_at = item.began_at if follows.what is What.FINALIZE or item.what is What.PROCESSING else None
            steps.append(
                NewStep(
                    follows.step_id,
                    item.organization_id,
                    item.delivery_id,
                    follows.what,
                    item.part,
                    follows.handle,
                    began_at,
                )
            )
            due_at = each.settled.at + timedelta(seconds=follows.wait)
            effects.append(Effect(follows.what.kind, _lane(item), follows.step_id, due_at))
        await StepRepository(tx).add(steps)
        await self.ledger().add(tx, *effects)

    async def _posts(
        self, tx: Transaction, outcomes: Sequence[Outcome]
    ) -> tuple[list[Row], Mapping[UUID, Sequence[str]]]:
        deliveries = DeliveryRepository(tx)
        changed = await deliveries.carry([self._delivery(each) for each in outcomes])
        found = await deliveries.summarize({row["post_id"] for row in changed})
        await tx.emit(*(event for row in changed if (event := _told(row))))
        return changed, found

    async def _steps(self, tx: Transaction, outcomes: Sequence[Outcome]) -> list[Row]:
        return await StepRepository(tx).carry([self._step(each) for each in outcomes])

    async def _follow(self, tx: Transaction, posts: Sequence[Row], steps: Sequence[Row]) -> None:
        """The comment, cover and thread of what has become live; a thread that is broken does not go on."""
        live = {row["id"]: 0 for row in posts if row["status"] == PostStatus.PUBLISHED}
        came = {
            row["id"]: row["part"]
            for row in steps
            if row["what"] == What.PART and row["status"] == PostStatus.PUBLISHED
        }
        if not live and not came:
            return
        added = []
        for row in await StepRepository(tx).following([*live, *came]):
            about = (row["organization_id"], row["id"])
            part = came.get(row["id"], 0) + 1
            if row["parts"] >= part:
                added.append((row, NewStep(new_id(), *about, What.PART, part)))
            if row["comment"] and row["id"] in live:
                added.append((row, NewStep(new_id(), *about, What.COMMENT)))
            covers = self.platforms[PlatformName(row["platform"])].capabilities.covers
            if row["cover"] and row["id"] in live and covers:
                added.append((row, NewStep(new_id(), *about, What.COVER)))
        new = await StepRepository(tx).add([step for _, step in added])
        await self.ledger().add(tx, *(_effect(row, step) for row, step in added if step.id in new))

    async def _keep_told(self, tx: Transaction, outcomes: Sequence[Outcome]) -> None:
        """What platforms said of what is left, for all workers and whoever plans."""
        quotas = {
            each.item.account_id: (each.item.organization_id, each.settled.result.quota, each.settled.at)
            for each in outcomes
            if isinstance(each.settled.result, Live) and each.settled.result.quota is not None
        }
        if quotas:
            await BudgetRepository(tx).heard(quotas)
        full = {
            each.item.platform: each.settled.due_at
            for each in outcomes
            if each.settled.code == PROJECT_FULL
            and each.settled.status is Status.PENDING
            and each.item.what in (None, What.FINALIZE)
        }
        if full:
            await ProjectRepository(tx).is_full(full)

    async def _renew(self, tx: Transaction, outcomes: Iterable[Outcome], changed: set[UUID]) -> None:
        dead = {
            each.item.account_id: each
            for each in outcomes
            if each.settled.code == "token-refused" and each.item.delivery_id in changed
        }
        for account_id in sorted(dead):
            item, settled = dead[account_id].item, dead[account_id].settled
            called_at = settled.entry.called_at
            await urge_renewal(
                tx, self.ledger(), item.organization_id, account_id, called_at=called_at, now=settled.at
            )

    def _delivery(self, outcome: Outcome) -> tuple[Any, ...]:
        settled = outcome.settled
        external_id, url = self._address(outcome)
        reason = "" if settled.status is Status.DONE else settled.reason
        called_at = settled.entry.called_at
        about = (outcome.item.delivery_id, outcome.status.value)
        return (*about, external_id, url, reason, settled.code, settled.at, called_at)

    def _step(self, outcome: Outcome) -> tuple[Any, ...]:
        item, settled = outcome.item, outcome.settled
        external_id, url = self._address(outcome)
        reason = "" if settled.status is Status.DONE else settled.reason
        about = (item.delivery_id, item.row.value, item.part, outcome.status.value)
        return (*about, external_id, url, reason, settled.code)

    def _address(self, outcome: Outcome) -> tuple[str | None, str | None]:
        """Under which id it is live and where; nothing while it is not."""
        settled, item = outcome.settled, outcome.item
        quiet = item.what in (What.COVER, What.REMOVAL)
        if outcome.status is not PostStatus.PUBLISHED or not settled.external_id or quiet:
            return None, None
        if isinstance(settled.result, Live):
            return settled.external_id, settled.result.url or None
        shown = item.what is not What.COMMENT
        return settled.external_id, (
            self.platforms[item.platform].url_of(settled.external_id) or None
        ) if shown else None


def _lane(item: Item) -> Any:
    return lane_of(item.organization_id, item.platform, item.account_id)


def _effect(row: Row, step: NewStep) -> Effect:
    lane = lane_of(row["organization_id"], PlatformName(row["platform"]), row["account_id"])
    return Effect(step.what.kind, lane, step.id)


def _order(outcome: Outcome) -> tuple[UUID, int]:
    return outcome.item.delivery_id, outcome.item.part


def _told(row: Row) -> Event | None:
    """The fact about a delivery that people wait for, if this is one."""
    about = {
        "organization_id": row["organization_id"],
        "post_id": row["post_id"],
        "delivery_id": row["id"],
        "account_id": row["account_id"],
        "platform": row["platform"],
        "version": row["version"],
    }
    match row["status"]:
        case PostStatus.PUBLISHED:
            return PostPublished(external_id=row["external_id"], published_at=row["published_at"], **about)
        case PostStatus.FAILED:
            return PostFailed(code=row["code"], **about)
        case PostStatus.UNCONFIRMED:
            return PostUnconfirmed(**about)
    return None

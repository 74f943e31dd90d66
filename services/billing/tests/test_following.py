"""The mirror follows Stripe: real rows, tickets and record; only what Stripe would answer is given."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.subscriptions.ending import SubscriptionEnding
from billing.subscriptions.model import GRACE, State
from contracts.billing import (
    BillingAuditRecorded,
    EntitlementsChanged,
    SubscriptionEnded,
    SubscriptionStarted,
    SubscriptionTrialEnding,
)
from kit.clock import SystemClock
from kit.db.database import Database
from kit.db.provision import move_clock
from kit.ids import new_id
from kit.testing.databases import TestDatabase

from .hearing import Ear, created
from .readings import Readings, subscription

DAY: Final = 86_400
TODAY: Final = int(SystemClock().timestamp())
FIRST: Final = {"begins": TODAY - 59 * DAY, "ends": TODAY - 28 * DAY}
SECOND: Final = {"begins": TODAY - 28 * DAY, "ends": TODAY}
THIRD: Final = {"begins": TODAY, "ends": TODAY + 30 * DAY}
YEAR: Final = {"price": "agency_year_eur_v1", "begins": TODAY + 3 * DAY, "ends": TODAY + 368 * DAY}
AGENCY: Final = "agency_month_eur_v1"

# What Stripe had to say of a subscription on the way from a trial to its end, one state after the other.
RECORDED: Final[list[dict[str, Any]]] = [
    subscription("incomplete", **FIRST),
    subscription("trialing", trial_end=TODAY - 28 * DAY, **FIRST),
    subscription("active", **SECOND),
    subscription("active", price=AGENCY, seats=2, **SECOND),
    subscription("past_due", price=AGENCY, seats=2, **THIRD),
    subscription("active", price=AGENCY, seats=2, **THIRD),
    subscription("active", **YEAR),
    subscription("active", cancel_at=YEAR["ends"], **YEAR),
    subscription("active", **YEAR),
    subscription("active", pause_collection={"behavior": "void"}, **YEAR),
    subscription("canceled", ended_at=TODAY + 60 * DAY, **YEAR),
]


@pytest.fixture
def readings(database: Database) -> Readings:
    return Readings(database)


async def known(ear: Ear) -> UUID:
    organization_id = new_id()
    await ear.hear(created(organization_id))
    return organization_id


async def play(readings: Readings, organization_id: UUID, history: list[dict[str, Any]], seed: int) -> None:
    """Stripe goes through its states; its events come late, doubled and in any order; workers read when they can."""
    chance = random.Random(seed)
    events, now = [0], 0
    begun: Any = None
    while events or begun is not None or now < len(history) - 1:
        step = chance.choice(("change", "event", "again", "begin", "end"))
        if step == "change" and now < len(history) - 1:
            now += 1
            events.append(now)
        elif step == "event" and events:
            events.pop(chance.randrange(len(events)))
            await readings.hint(organization_id)
        elif step == "again" and events and chance.random() < 0.3:
            await readings.hint(organization_id)
        elif step == "begin" and begun is None:
            begun = await readings.begin(organization_id)
            answer = history[now]
            if begun is not None and chance.random() < 0.5 and now < len(history) - 1:
                now += 1  # it changes while it is being read: the answer may be of before or after
                events.append(now)
                answer = chance.choice((answer, history[now]))
        elif step == "end" and begun is not None:
            await readings.end(begun, answer)
            begun = None
    while (last := await readings.begin(organization_id)) is not None:
        await readings.end(last, history[now])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(2, len(RECORDED)), st.integers(0, 2**32))
async def test_whatever_order_events_come_in_and_however_often_the_mirror_ends_as_stripe_is(
    database: Database, ear: Ear, length: int, seed: int
) -> None:
    organization_id, readings = await known(ear), Readings(database)
    stripe_id = f"sub_{organization_id.hex}"
    history = [{**each, "id": stripe_id} for each in RECORDED[:length]]
    readings_of = _For(readings, stripe_id)

    await play(readings_of, organization_id, history, seed)

    after, plain = await readings_of.mirror(organization_id), _For(Readings(database), f"{stripe_id}x")
    twin = await known(ear)
    await plain.read(twin, {**history[-1], "id": f"{stripe_id}x"})
    alone = await plain.mirror(twin)
    assert after is not None
    assert alone is not None
    assert (after.state, after.seen.offer, after.seen.period_end, after.seen.cancel_at) == (
        alone.state,
        alone.seen.offer,
        alone.seen.period_end,
        alone.seen.cancel_at,
    )
    assert (await ear.organization(organization_id)).plan == (await ear.organization(twin)).plan
    counted = await readings.counted(organization_id)
    assert counted["SubscriptionStarted"] == after.seen.started
    assert counted["SubscriptionEnded"] == (after.state is State.ENDED)
    assert counted["SubscriptionPastDue"] <= 1
    assert counted["SubscriptionCancelling"] - counted["SubscriptionKept"] in (0, 1)


class _For(Readings):
    """The readings of one subscription."""

    def __init__(self, readings: Readings, stripe_id: str) -> None:
        super().__init__(readings.database)
        self.stripe_id = stripe_id

    async def hint(self, organization_id: UUID, object_id: str = "") -> None:
        await super().hint(organization_id, object_id or self.stripe_id)

    async def begin(self, organization_id: UUID, object_id: str = "") -> Any:
        return await super().begin(organization_id, object_id or self.stripe_id)

    async def mirror(self, organization_id: UUID, object_id: str = "") -> Any:
        return await super().mirror(organization_id, object_id or self.stripe_id)

    async def read(self, organization_id: UUID, answer: dict[str, Any], object_id: str = "") -> None:
        await super().read(organization_id, answer, object_id or self.stripe_id)


async def test_a_year_that_is_read_step_by_step_is_told_once_each(readings: Readings, ear: Ear) -> None:
    organization_id = await known(ear)
    for answer in RECORDED:
        await readings.read(organization_id, answer)
        await readings.read(organization_id, answer)

    counted = await readings.counted(organization_id)

    assert {name: count for name, count in counted.items() if name.startswith(("Subscription", "Trial"))} == {
        "SubscriptionStarted": 1,
        "SubscriptionTrialStarted": 1,
        "SubscriptionRenewed": 3,
        "SubscriptionChanged": 2,
        "SubscriptionPastDue": 1,
        "SubscriptionRecovered": 1,
        "SubscriptionCancelling": 1,
        "SubscriptionKept": 1,
        "SubscriptionPaused": 1,
        "SubscriptionEnded": 1,
    }
    facts = await readings.told(organization_id)
    assert [each.version for each in facts if isinstance(each, SubscriptionStarted | SubscriptionEnded)] == [2, 11]
    lines = [each for each in facts if isinstance(each, BillingAuditRecorded)]
    assert {each.actor_kind for each in lines if each.action == "billing.subscription.moved"} == {"provider"}


async def test_what_may_be_used_follows_what_is_paid(readings: Readings, ear: Ear) -> None:
    organization_id = await known(ear)
    plans = []
    for answer in RECORDED:
        await readings.read(organization_id, answer)
        plans.append((await ear.organization(organization_id)).plan)

    assert plans == ["free", "pro", "pro", *["agency"] * 6, "free", "free"]
    seats = [
        each.limits["seats"] for each in await readings.told(organization_id) if isinstance(each, EntitlementsChanged)
    ]
    assert seats == [3, 10, 102, 100, 3]


async def test_one_reading_answers_all_hints_that_came_before_it_and_another_those_that_came_after(
    readings: Readings, ear: Ear
) -> None:
    organization_id = await known(ear)
    for _ in range(5):
        await readings.hint(organization_id)
    begun = await readings.begin(organization_id)
    assert begun is not None
    await readings.hint(organization_id)

    await readings.end(begun, RECORDED[2])
    following = await readings.begin(organization_id)
    assert following is not None
    assert following[1].number == 6
    await readings.end(following, RECORDED[3])

    assert await readings.begin(organization_id) is None
    mirror = await readings.mirror(organization_id)
    assert mirror is not None
    assert mirror.seen.offer.plan == "agency"


async def test_a_reading_that_is_recorded_again_changes_nothing(readings: Readings, ear: Ear) -> None:
    organization_id = await known(ear)
    await readings.hint(organization_id)
    begun = await readings.begin(organization_id)
    assert begun is not None
    await readings.end(begun, RECORDED[2])
    before = await readings.told(organization_id)

    await readings.end(begun, RECORDED[3])

    assert await readings.told(organization_id) == before


async def test_what_could_not_be_read_is_read_at_the_next_hint(readings: Readings, ear: Ear) -> None:
    organization_id = await known(ear)
    await readings.hint(organization_id)
    begun = await readings.begin(organization_id)
    assert begun is not None
    await readings.fail(begun)
    assert await readings.begin(organization_id) is None

    await readings.read(organization_id, RECORDED[2])

    assert (await ear.organization(organization_id)).plan == "pro"


async def test_what_was_bought_before_billing_heard_of_the_organization_counts_when_it_does(
    readings: Readings, ear: Ear
) -> None:
    organization_id = new_id()
    await readings.read(organization_id, RECORDED[2])

    await ear.hear(created(organization_id))
    await ear.hear(created(organization_id), generation=1)

    assert (await ear.organization(organization_id)).plan == "pro"


async def test_nobody_sees_or_changes_the_subscription_of_another_organization(readings: Readings, ear: Ear) -> None:
    ours, theirs = await known(ear), await known(ear)
    await readings.read(ours, RECORDED[2])

    assert await readings.mirror(theirs) is None
    with pytest.raises(asyncpg.UniqueViolationError):
        await readings.read(theirs, RECORDED[3])

    mirror = await readings.mirror(ours)
    assert mirror is not None
    assert mirror.seen.offer.plan == "pro"
    assert (await ear.organization(theirs)).plan == "free"


async def test_who_still_owes_after_the_grace_is_on_the_free_plan_until_it_pays(
    readings: Readings, ear: Ear, database: Database, place: TestDatabase
) -> None:
    organization_id, other = await known(ear), await known(ear)
    now = database.clock.now()
    period = {"begins": int(now.timestamp()), "ends": int((now + timedelta(days=30)).timestamp())}
    owing = subscription("past_due", **period)
    await readings.read(organization_id, owing)
    await readings.read(other, {**subscription("active", **period), "id": "sub_2"}, "sub_2")
    ending = SubscriptionEnding(database)
    await ending.end_grace()
    assert (await ear.organization(organization_id)).plan == "pro"

    await move_clock(place.admin_url, (GRACE + timedelta(minutes=1)).total_seconds())
    await ending.end_grace()
    await ending.end_grace()

    mirror = await readings.mirror(organization_id)
    assert mirror is not None
    assert mirror.state is State.RESTRICTED
    assert (await ear.organization(organization_id)).plan == "free"
    assert (await ear.organization(other)).plan == "pro"
    await readings.read(organization_id, owing)  # what Stripe says has not changed: the grace is over all the same
    await readings.read(organization_id, subscription("active", **period))
    counted = await readings.counted(organization_id)
    assert (counted["SubscriptionPastDue"], counted["SubscriptionRestricted"], counted["SubscriptionRecovered"]) == (
        1,
        1,
        1,
    )
    assert (await ear.organization(organization_id)).plan == "pro"


async def test_a_trial_is_said_to_end_soon_once(
    readings: Readings, ear: Ear, database: Database, place: TestDatabase
) -> None:
    organization_id = await known(ear)
    now = database.clock.now()
    ends = int((now + timedelta(days=14)).timestamp())
    trial = subscription("trialing", trial_end=ends, begins=int(now.timestamp()), ends=ends)
    await readings.read(organization_id, trial)
    ending = SubscriptionEnding(database)
    await ending.tell_ending_trials()
    assert (await readings.counted(organization_id))["SubscriptionTrialEnding"] == 0

    await move_clock(place.admin_url, timedelta(days=11, minutes=1).total_seconds())
    await ending.tell_ending_trials()
    await ending.tell_ending_trials()

    told = [each for each in await readings.told(organization_id) if isinstance(each, SubscriptionTrialEnding)]
    assert [each.trial_ends_at for each in told] == [datetime.fromtimestamp(ends, UTC)]

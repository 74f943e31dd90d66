"""What staff grant lifts the plan and, when it ends, lets it fall back: once, in whatever order it is heard of."""

import asyncio
import itertools
from datetime import timedelta
from uuid import UUID

from billing.catalogue.catalogue import CATALOGUE
from billing.grants.ending import GrantEnding
from contracts.auth import SubscriptionGranted, SubscriptionRevoked
from kit.db.database import Database
from kit.db.provision import move_clock
from kit.ids import new_id
from kit.testing.databases import TestDatabase

from .hearing import NOW, Ear, created

DAY = timedelta(days=1)
PLANS = CATALOGUE.versions[1].plans


def granted(organization_id: UUID, grant_id: UUID, plan: str = "pro", days: float = 30) -> SubscriptionGranted:
    return SubscriptionGranted(
        organization_id=organization_id, time=NOW, grant_id=grant_id, plan=plan, until=NOW + days * DAY
    )


def revoked(organization_id: UUID, grant_id: UUID, plan: str = "pro", days: float = 30) -> SubscriptionRevoked:
    return SubscriptionRevoked(
        organization_id=organization_id, time=NOW, version=2, grant_id=grant_id, plan=plan, until=NOW + days * DAY
    )


async def test_a_grant_lifts_the_plan_and_is_told_once(ear: Ear) -> None:
    ours, theirs, grant = new_id(), new_id(), new_id()
    await ear.hear(created(ours), created(theirs))
    event = granted(ours, grant)
    for generation in (0, 0, 1):  # twice, and once more as another message
        await ear.hear(event, generation=generation)
    found = await ear.organization(ours)
    assert (found.plan, found.entitlements) == ("pro", dict(PLANS["pro"].limits))
    assert (await ear.organization(theirs)).plan == "free"
    assert [(told.plan, told.version) for told in await ear.told([ours])] == [("free", 1), ("pro", 2)]


async def test_revoked_it_falls_back(ear: Ear) -> None:
    ours, grant = new_id(), new_id()
    await ear.hear(created(ours), granted(ours, grant))
    event = revoked(ours, grant)
    for generation in (0, 0, 1):
        await ear.hear(event, generation=generation)
    found = await ear.organization(ours)
    assert (found.plan, found.entitlements) == ("free", dict(PLANS["free"].limits))
    assert [told.plan for told in await ear.told([ours])] == ["free", "pro", "free"]


async def test_in_every_order_the_end_is_the_same(ear: Ear) -> None:
    """The organization, a grant that is revoked and a higher one that stays."""
    for order in itertools.permutations(range(4)):
        ours, short, long = new_id(), new_id(), new_id()
        events = [created(ours), granted(ours, short, "agency"), revoked(ours, short, "agency"), granted(ours, long)]
        await ear.hear(*(events[number] for number in order))
        assert (await ear.organization(ours)).plan == "pro", order


async def test_a_grant_that_arrives_together_with_its_organization_is_not_lost(ear: Ear) -> None:
    for _ in range(20):
        ours = new_id()
        await asyncio.gather(ear.hear(created(ours)), ear.hear(granted(ours, new_id())))
        assert (await ear.organization(ours)).plan == "pro"


async def test_the_highest_counts_and_what_is_not_known_counts_for_nothing(ear: Ear) -> None:
    ours = new_id()
    await ear.hear(created(ours), granted(ours, new_id(), "agency"), granted(ours, new_id(), "creator"))
    await ear.hear(granted(ours, new_id(), "platinum"))
    assert (await ear.organization(ours)).plan == "agency"


async def test_when_it_ends_by_itself_the_plan_falls_back_once(
    ear: Ear, database: Database, place: TestDatabase
) -> None:
    ours, theirs = new_id(), new_id()
    await ear.hear(
        created(ours), created(theirs), granted(ours, new_id(), days=30), granted(theirs, new_id(), days=60)
    )
    ending = GrantEnding(database)
    assert not await ending.end_due()
    await move_clock(place.admin_url, 31 * DAY.total_seconds())
    await asyncio.gather(ending.end_due(), ending.end_due())
    await ending.end_due()
    assert (await ear.organization(ours)).plan == "free"
    assert (await ear.organization(theirs)).plan == "pro"
    assert [told.plan for told in await ear.told([ours])] == ["free", "pro", "free"]


async def test_one_that_is_heard_of_after_its_end_lifts_nothing(ear: Ear, place: TestDatabase) -> None:
    ours = new_id()
    await ear.hear(created(ours))
    await move_clock(place.admin_url, 31 * DAY.total_seconds())
    await ear.hear(granted(ours, new_id()))
    assert (await ear.organization(ours)).plan == "free"

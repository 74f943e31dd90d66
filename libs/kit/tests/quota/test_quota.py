import asyncio
import calendar
import random
from datetime import UTC, datetime

import pytest

from kit.db.database import Database
from kit.ids import new_id
from kit.quota import Crossing, QuotaExhausted, ReservationGone, Use
from kit.testing.databases import TestDatabase
from kit.testing.mortal import Died, Mortal

from .conftest import ACCOUNTS, POSTS, Counted, Forward, Said

DAY = 24 * 3600


async def test_what_is_reserved_is_used_once_it_is_settled_and_free_once_it_is_released(acme: Counted) -> None:
    await acme.told(posts_per_month=10)
    done, dropped = await acme.reserve(3), await acme.reserve(4)
    assert await acme.use() == Use(0, 7, 10)
    await acme.settle(done)
    assert await acme.release(dropped)
    assert await acme.use() == Use(3, 0, 10)
    assert (await acme.use()).left == 7


async def test_less_may_be_used_than_was_set_aside_and_never_more(acme: Counted) -> None:
    await acme.told(posts_per_month=10)
    reserved = await acme.reserve(5)
    with pytest.raises(ValueError, match="6 used of 5"):
        await acme.settle(reserved, 6)
    assert await acme.use() == Use(0, 5, 10)
    await acme.settle(reserved, 2)
    assert await acme.use() == Use(2, 0, 10)


async def test_what_is_not_left_is_refused_with_how_things_stand(acme: Counted) -> None:
    await acme.told(posts_per_month=5)
    await acme.reserve(4)
    with pytest.raises(QuotaExhausted) as refused:
        await acme.reserve(2)
    stands = {"meter": "posts_per_month", "allowed": 5, "used": 4, "wanted": 2}
    assert refused.value.extensions.items() > stands.items()
    assert "includes 5 posts_per_month, and 4 are taken" in str(refused.value.detail)
    assert str(refused.value.extensions["renews_at"]).endswith("-01T00:00:00.000000Z")
    await acme.reserve(1)
    assert await acme.use() == Use(0, 5, 5)


async def test_many_end_at_once_and_what_has_ended_is_passed_over(
    acme: Counted, other: Counted, database: Database
) -> None:
    for each in (acme, other):
        await each.told(posts_per_month=5)
    used, unused, gone, theirs, strange = (
        *[await acme.reserve() for _ in range(3)],
        await other.reserve(4),
        await other.reserve(),
    )
    await acme.release(gone)
    async with database.transaction(acme.id, other.id) as tx:
        crossed = await acme.quota.end(tx, {used: 1, unused: 0, gone: 1, theirs: 4})
    assert crossed == [(other.id, Crossing("posts_per_month", 80, 4, 5))]
    assert (await acme.use(), await other.use()) == (Use(1, 0, 5), Use(4, 1, 5))
    async with database.transaction(acme.id) as tx:
        assert await acme.quota.end(tx, {strange: 1}) == []
    assert await other.use() == Use(4, 1, 5)


async def test_a_reservation_ends_once(acme: Counted) -> None:
    await acme.told(posts_per_month=5)
    reserved = await acme.reserve(2)
    await acme.settle(reserved)
    with pytest.raises(ReservationGone):
        await acme.settle(reserved)
    assert not await acme.release(reserved)
    assert await acme.use() == Use(2, 0, 5)


async def test_of_two_who_settle_one_reservation_at_once_one_does(acme: Counted) -> None:
    await acme.told(posts_per_month=5)
    reserved = await acme.reserve(2)
    answers = await asyncio.gather(*(acme.settle(reserved) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(each, ReservationGone) for each in answers) == 5
    assert await acme.use() == Use(2, 0, 5)


async def test_however_many_ask_at_once_the_limit_is_met_and_never_passed(acme: Counted) -> None:
    await acme.told(posts_per_month=37)
    seen: list[Use] = []

    async def one(number: int) -> int:
        await asyncio.sleep(random.random() / 50)
        try:
            reserved = await acme.reserve(1 + number % 3)
        except QuotaExhausted:
            return 0
        seen.append(await acme.use())
        if number % 4 == 0:
            await acme.release(reserved)
            return 0
        await acme.settle(reserved)
        return 1 + number % 3

    used = sum(await asyncio.gather(*(one(number) for number in range(120))))
    assert all(each.used + each.reserved <= 37 for each in seen)
    assert await acme.use() == Use(used, 0, 37)
    while (await acme.use()).left:
        await acme.take(POSTS)
    with pytest.raises(QuotaExhausted):
        await acme.reserve()


async def test_two_organizations_do_not_share(acme: Counted, other: Counted) -> None:
    await acme.told(posts_per_month=1)
    await other.told(posts_per_month=1)
    theirs = await other.reserve()
    await acme.reserve()
    with pytest.raises(ReservationGone):
        await acme.settle(theirs)
    assert not await acme.release(theirs)
    assert await other.use() == Use(0, 1, 1)


async def test_before_billing_has_spoken_a_stated_amount_is_allowed(acme: Counted) -> None:
    await acme.reserve(2)
    with pytest.raises(QuotaExhausted):
        await acme.reserve()
    await acme.told(posts_per_month=3)
    await acme.reserve()


async def test_null_is_without_limit_and_an_absent_meter_is_not_included(acme: Counted) -> None:
    await acme.told(posts_per_month=None)
    await acme.settle(await acme.reserve(10**9))
    assert (await acme.use()).left is None
    with pytest.raises(QuotaExhausted):
        await acme.take()


async def test_an_older_snapshot_changes_nothing_and_the_same_one_twice_neither(acme: Counted) -> None:
    await acme.told(3, posts_per_month=7)
    await acme.told(3, posts_per_month=9)
    await acme.told(2, posts_per_month=1)
    assert (await acme.use()).allowed == 7
    await acme.told(4, posts_per_month=8)
    assert (await acme.use()).allowed == 8


async def test_a_limit_below_the_use_takes_nothing_away_and_gives_nothing_more(acme: Counted) -> None:
    await acme.told(posts_per_month=10)
    under_way = await acme.reserve(2)
    await acme.take(POSTS, 6)
    await acme.told(2, posts_per_month=5)
    with pytest.raises(QuotaExhausted):
        await acme.reserve()
    await acme.settle(under_way)
    assert await acme.use() == Use(8, 0, 5)
    assert (await acme.use()).left == 0


async def test_a_month_begins_anew_and_what_was_reserved_before_counts_where_it_was(
    acme: Counted, forward: Forward
) -> None:
    await acme.told(posts_per_month=4, connected_accounts=2)
    await acme.take()
    under_way = await acme.reserve(3, life=60 * DAY)
    now = acme.database.clock.now()
    rest = calendar.monthrange(now.year, now.month)[1] - now.day + 1
    begins = datetime(now.year, now.month, now.day, tzinfo=UTC).timestamp() + rest * DAY
    await forward(begins - now.timestamp() + 1)
    assert await acme.use() == Use(0, 0, 4)
    assert await acme.use(ACCOUNTS) == Use(1, 0, 2)
    await acme.settle(under_way)
    assert await acme.use() == Use(0, 0, 4)
    await acme.reserve(4)


async def test_what_nobody_settles_lapses_and_is_free_again(acme: Counted, other: Counted, forward: Forward) -> None:
    await acme.told(posts_per_month=4)
    await other.told(posts_per_month=4)
    short, long = await acme.reserve(1, life=60), await acme.reserve(2, life=60)
    await other.reserve(4, life=30)
    async with acme.database.transaction(acme.id) as tx:
        assert await acme.quota.extend(tx, long)
    await forward(61)
    await acme.upkeep()
    assert await acme.use() == Use(0, 2, 4)
    assert await other.use() == Use(0, 0, 4)
    async with acme.database.transaction(acme.id) as tx:
        assert not await acme.quota.extend(tx, short)


async def test_work_done_after_its_reservation_lapsed_counts_all_the_same(acme: Counted, forward: Forward) -> None:
    await acme.told(posts_per_month=3)
    late, never = await acme.reserve(2, life=60), await acme.reserve(1, life=60)
    await forward(61)
    await acme.upkeep()
    await acme.take(POSTS, 3)
    await acme.settle(late)
    assert await acme.release(never)
    assert await acme.use() == Use(5, 0, 3)
    with pytest.raises(QuotaExhausted):
        await acme.reserve()


async def test_lapsing_and_settling_at_once_count_once(acme: Counted, forward: Forward) -> None:
    await acme.told(posts_per_month=100)
    reserved = [await acme.reserve(1, life=60) for _ in range(20)]
    await forward(61)
    await asyncio.gather(acme.upkeep(), *(acme.settle(each) for each in reserved), acme.upkeep())
    assert await acme.use() == Use(20, 0, 100)


async def test_each_threshold_is_told_once_in_a_period(acme: Counted, forward: Forward) -> None:
    await acme.told(posts_per_month=10)
    told = [await acme.settle(await acme.reserve()) for _ in range(10)]
    assert told[7] == [Crossing("posts_per_month", 80, 8, 10)]
    assert told[9] == [Crossing("posts_per_month", 100, 10, 10)]
    assert sum(map(len, told)) == 2
    await forward(32 * DAY)
    assert await acme.take(POSTS, 10) == [Crossing("posts_per_month", 100, 10, 10)]


async def test_of_many_who_cross_a_threshold_at_once_one_is_told(acme: Counted) -> None:
    await acme.told(posts_per_month=20)
    told = await asyncio.gather(*(acme.take(POSTS) for _ in range(20)))
    assert sorted(each.percent for crossings in told for each in crossings) == [80, 100]


async def test_who_holds_less_again_is_told_again(acme: Counted) -> None:
    await acme.told(connected_accounts=2)
    assert await acme.take() == []
    assert [each.percent for each in await acme.take()] == [100]
    with pytest.raises(QuotaExhausted):
        await acme.take()
    await acme.give_back()
    assert [each.percent for each in await acme.take()] == [100]
    await acme.give_back(amount=5)
    assert await acme.use(ACCOUNTS) == Use(0, 0, 2)


async def test_what_rolls_back_has_used_nothing(acme: Counted) -> None:
    await acme.told(posts_per_month=3)

    async def fail() -> None:
        async with acme.database.transaction(acme.id) as tx:
            await acme.quota.reserve(tx, POSTS, 2, new_id())
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await acme.use() == Use(0, 0, 3)


async def test_wherever_a_process_dies_the_books_agree(acme: Counted, place: TestDatabase) -> None:
    """Reserve, settle and release, killed before each statement and after each commit."""
    await acme.told(posts_per_month=1000)
    mortal = await Mortal.open(place.url("sample"), name="mortal", pool_size=2, acquire_within=30)
    assert isinstance(mortal, Mortal)
    dying = Counted(mortal, acme.id)
    try:
        for step in range(1, 12):
            mortal.live_for(None)
            reserved = await dying.reserve(2)
            mortal.live_for(step)
            try:
                await dying.settle(reserved, 1)
                await dying.reserve(3)
            except Died:
                continue
            break
        else:
            raise AssertionError("never lived to the end")
    finally:
        mortal.live_for(None)
        await mortal.close()
    async with acme.database.transaction(acme.id) as tx:
        held = await tx.fetchval("SELECT coalesce(sum(amount), 0)::bigint FROM quota_reservations")
    assert (await acme.use()).reserved == held


async def test_what_is_old_is_forgotten(acme: Counted, forward: Forward) -> None:
    await acme.told(posts_per_month=5, connected_accounts=1)
    await acme.take()
    await acme.take(POSTS)
    await acme.reserve(1, life=60)
    await forward(61)
    await acme.upkeep()
    await forward(800 * DAY)
    await acme.upkeep()
    async with acme.database.transaction(acme.id) as tx:
        rows = await tx.fetch("SELECT meter, used FROM quota_usage")
        assert [tuple(row) for row in rows] == [("connected_accounts", 1)]
        assert await tx.fetchval("SELECT count(*) FROM quota_reservations") == 0


async def test_a_snapshot_is_of_one_organization(acme: Counted, other: Counted) -> None:
    await acme.told(posts_per_month=5)
    assert (await other.use()).allowed == POSTS.before_first
    assert Said(acme.id, 1, {}).plan == "pro"

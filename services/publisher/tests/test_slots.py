"""Slots are what clocks on the wall show, whatever their zone does to them."""

from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.posts.when import instant
from publisher.queues.slots import Slot, resolved, upcoming

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "America/Caracas",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Africa/Casablanca",
    "America/Sao_Paulo",
)
slots = st.sets(
    st.builds(Slot, st.integers(0, 6), st.times().map(lambda at: at.replace(second=0, microsecond=0))),
    min_size=1,
    max_size=6,
)
moments = st.datetimes(datetime(1995, 1, 1), datetime(2037, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


@settings(max_examples=200, deadline=None)
@given(slots, st.sampled_from(ZONES), moments)
def test_slots_follow_each_other_and_none_is_left_out(chosen: set[Slot], zone: str, after: datetime) -> None:
    found = list(islice(upcoming(chosen, zone, after), 30))
    assert after < found[0].at <= after + timedelta(days=9)
    assert all(one.at < next_one.at for one, next_one in pairwise(found))
    until, there = found[-1].at, ZoneInfo(zone)
    day = after.astimezone(there).date() - timedelta(days=2)
    wanted = set()
    while day <= until.astimezone(there).date() + timedelta(days=1):
        wanted |= {resolved(datetime.combine(day, each.at), zone).at for each in chosen if each.day == day.weekday()}
        day += timedelta(days=1)
    assert {when.at for when in found} == {at for at in wanted if after < at <= until}


@settings(max_examples=200, deadline=None)
@given(slots, st.sampled_from(ZONES), moments)
def test_a_slot_is_what_its_wall_clock_says_and_a_skipped_one_is_shown_as_far_behind(
    chosen: set[Slot], zone: str, after: datetime
) -> None:
    times = {each.at for each in chosen}
    for when in islice(upcoming(chosen, zone, after), 30):
        wall = when.wall_clock
        assert wall is not None
        assert instant(wall) == when.at
        if wall.local.time() not in times:
            before = (when.at - timedelta(days=2)).astimezone(ZoneInfo(zone)).utcoffset()
            assert before != when.at.astimezone(ZoneInfo(zone)).utcoffset(), "only a change of clocks moves a slot"


def test_gaps_and_overlaps_of_odd_sizes() -> None:
    lord_howe = resolved(datetime(2026, 10, 4, 2, 15), "Australia/Lord_Howe")  # noqa: DTZ001 - skipped: 02:00 to 02:30
    assert lord_howe.wall_clock is not None
    assert lord_howe.wall_clock.local.time() == time(2, 45)
    apia = resolved(datetime(2011, 12, 30, 9), "Pacific/Apia")  # noqa: DTZ001 - a day that was not
    assert apia.wall_clock is not None
    assert apia.wall_clock.local == datetime(2011, 12, 31, 9)  # noqa: DTZ001
    twice = resolved(datetime(2026, 10, 25, 2, 30), "Europe/Berlin")  # noqa: DTZ001
    assert (twice.at.hour, twice.wall_clock.fold if twice.wall_clock else None) == (0, 0)

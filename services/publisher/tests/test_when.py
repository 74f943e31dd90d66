from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.posts.errors import TimeNotAcceptable
from publisher.posts.when import WallClock, When, checked, instant, zones

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca", "UTC")
LOCAL = st.datetimes(datetime(2020, 1, 1), datetime(2037, 1, 1)).map(lambda time: time.replace(microsecond=0))  # noqa: DTZ001


def wall(local: str, zone: str = "Europe/Berlin", fold: int = 0) -> WallClock:
    return WallClock(datetime.fromisoformat(local), zone, fold)


@given(local=LOCAL, zone=st.sampled_from(ZONES), fold=st.sampled_from((0, 1)))
def test_the_clock_on_the_wall_shows_the_chosen_time_at_that_instant(local: datetime, zone: str, fold: int) -> None:
    try:
        at = instant(WallClock(local, zone, fold))
    except TimeNotAcceptable:
        return
    assert at.tzinfo is UTC
    assert at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) == local


@given(local=LOCAL, zone=st.sampled_from(ZONES))
def test_only_a_time_that_clocks_skip_is_refused_and_the_suggestions_exist(local: datetime, zone: str) -> None:
    exists = any(
        local.replace(tzinfo=ZoneInfo(zone), fold=fold)
        .astimezone(UTC)
        .astimezone(ZoneInfo(zone))
        .replace(tzinfo=None, fold=0)
        == local
        for fold in (0, 1)
    )
    try:
        instant(WallClock(local, zone))
    except TimeNotAcceptable as refused:
        assert not exists
        suggestions = refused.extensions["suggestions"]
        assert isinstance(suggestions, list)
        for suggestion in suggestions:
            assert instant(WallClock(datetime.fromisoformat(suggestion), zone))
    else:
        assert exists


@given(local=LOCAL, zone=st.sampled_from(ZONES))
def test_the_second_of_two_equal_times_is_not_before_the_first(local: datetime, zone: str) -> None:
    try:
        first, second = (instant(WallClock(local, zone, fold)) for fold in (0, 1))
    except TimeNotAcceptable:
        return
    assert first <= second


def test_an_hour_that_is_skipped_is_refused_with_the_times_around_it() -> None:
    with pytest.raises(TimeNotAcceptable) as refused:
        instant(wall("2027-03-28T02:30"))
    assert refused.value.errors[0].pointer == "#/publish_at/local"
    assert refused.value.extensions == {"suggestions": ["2027-03-28T01:30:00", "2027-03-28T03:30:00"]}


def test_an_hour_that_comes_twice_is_the_first_unless_the_second_is_meant() -> None:
    assert instant(wall("2026-10-25T02:30")) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert instant(wall("2026-10-25T02:30", fold=1)) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["", "Nowhere/City", "../../etc/passwd", "/etc/localtime", "europe/berlin\n"])
def test_a_zone_that_is_not_known_is_refused_and_not_looked_for_in_files(zone: str) -> None:
    assert zone not in zones()
    with pytest.raises(TimeNotAcceptable):
        instant(wall("2026-11-21T09:00", zone))


@pytest.mark.parametrize("local", ["0001-01-01T00:00:00", "9999-12-31T23:59:59"])
def test_times_at_the_ends_of_the_calendar_are_refused_not_fatal(local: str) -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        try:
            at = instant(wall(local, zone))
        except TimeNotAcceptable:
            continue
        with pytest.raises(TimeNotAcceptable):
            checked(When(at), NOW)


def test_a_time_up_to_a_minute_ago_still_counts_and_an_older_one_does_not() -> None:
    assert checked(When(NOW - timedelta(seconds=59)), NOW)
    with pytest.raises(TimeNotAcceptable):
        checked(When(NOW - timedelta(seconds=61)), NOW)
    with pytest.raises(TimeNotAcceptable):
        checked(When(NOW + timedelta(days=732)), NOW)

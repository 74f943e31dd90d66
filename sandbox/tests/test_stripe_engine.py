import calendar
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.stripe.engine.discounts import Term
from sandbox.stripe.engine.money import rounded, shared, shown
from sandbox.stripe.engine.periods import AnchorConfig, Interval, Period, anchor_from, boundary, period_at
from sandbox.stripe.engine.prices import Tariff, Tier
from sandbox.stripe.engine.prorations import Held, changed
from sandbox.stripe.engine.states import ENDED, MOVES, Dunning, NoSuchMove, Status, moved
from sandbox.stripe.engine.totals import Line, Off, Rate, due, reckon


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


moments = st.integers(at("2001-01-01"), at("2060-01-01"))
intervals = st.one_of(
    st.builds(Interval, st.just("day"), st.integers(1, 1095)),
    st.builds(Interval, st.just("week"), st.integers(1, 156)),
    st.builds(Interval, st.just("month"), st.integers(1, 36)),
    st.builds(Interval, st.just("year"), st.integers(1, 3)),
)
MONTH = Interval("month")


def test_the_thirty_first_is_clamped_and_comes_back() -> None:
    anchor = at("2025-01-31T10:00:00")
    days = [datetime.fromtimestamp(boundary(anchor, MONTH, n), UTC).strftime("%m-%d %H") for n in range(5)]
    assert days == ["01-31 10", "02-28 10", "03-31 10", "04-30 10", "05-31 10"]
    leap = boundary(at("2024-02-29"), Interval("year"), 1)
    assert datetime.fromtimestamp(leap, UTC).date().isoformat() == "2025-02-28"
    assert boundary(at("2024-02-29"), Interval("year"), 4) == at("2028-02-29")


@given(moments, intervals, moments)
def test_every_moment_lies_in_one_period_and_periods_leave_no_gap(anchor: int, interval: Interval, now: int) -> None:
    period = period_at(anchor, interval, now)
    assert period.holds(now)
    assert period_at(anchor, interval, period.end).start == period.end
    assert period_at(anchor, interval, period.start) == period


@given(moments, st.integers(1, 40))
def test_a_monthly_boundary_is_on_the_anchors_day_or_the_last_of_its_month(anchor: int, number: int) -> None:
    wanted = datetime.fromtimestamp(anchor, UTC)
    found = datetime.fromtimestamp(boundary(anchor, MONTH, number), UTC)
    assert found.time() == wanted.time()
    assert found.day == min(wanted.day, calendar.monthrange(found.year, found.month)[1])


@given(moments, st.integers(1, 31), st.one_of(st.none(), st.integers(1, 12)))
def test_an_anchor_by_its_parts_is_the_next_one_that_fits(start: int, day: int, month: int | None) -> None:
    found = anchor_from(AnchorConfig(day, month), start)
    date = datetime.fromtimestamp(found, UTC)
    assert found >= start
    assert date.day == min(day, calendar.monthrange(date.year, date.month)[1])
    assert month in {None, date.month}
    assert found - start < (367 if month is None else 8 * 366) * 86_400


def test_half_a_month_of_ten_is_credited_and_half_of_twenty_charged() -> None:
    period = Period(at("2025-04-01"), at("2025-05-01"))
    lines = changed([Held("a", "ten", 1, 1000, period)], [Held("a", "twenty", 1, 2000, period)], at("2025-04-16"))
    assert [(line.price, line.amount) for line in lines] == [("ten", -500), ("twenty", 1000)]
    assert [line.credits for line in lines] == [True, False]
    assert lines[0].period == Period(at("2025-04-16"), at("2025-05-01"))


amounts = st.integers(0, 10_000_000)


@given(st.lists(st.tuples(amounts, st.integers(0, 2_592_000)), min_size=1, max_size=8), amounts)
def test_a_chain_of_changes_costs_what_each_second_did(steps: list[tuple[int, int]], first: int) -> None:
    period = Period(at("2025-04-01"), at("2025-05-01"))
    held, total, exact, since = Held("a", "0", 1, first, period), first, Fraction(0), period.start
    for number, (amount, offset) in enumerate(sorted(steps, key=lambda step: step[1]), 1):
        now = period.start + offset
        then = Held("a", str(number), 1, amount, period)
        total += sum(line.amount for line in changed([held], [then], now))
        exact += Fraction(held.amount * (now - since), period.seconds)
        held, since = then, now
    exact += Fraction(held.amount * (period.end - since), period.seconds)
    assert abs(total - exact) <= len(steps)


@given(amounts, st.integers(0, 2_591_999))
def test_there_and_back_at_once_costs_nothing(amount: int, offset: int) -> None:
    period = Period(at("2025-04-01"), at("2025-05-01"))
    now = period.start + offset
    one, other = Held("a", "one", 1, amount, period), Held("a", "other", 3, amount // 2, period)
    there, back = changed([one], [other], now), changed([other], [one], now)
    assert sum(line.amount for line in [*there, *back]) == 0
    assert changed([one], [one], now) == []


def test_tiers_are_reckoned_by_step_or_by_volume() -> None:
    tiers = (Tier(10, Decimal(10)), Tier(None, Decimal(8)))
    assert Tariff(tiers=tiers, tiers_mode="graduated").amount(14) == 132
    assert Tariff(tiers=tiers, tiers_mode="volume").amount(14) == 112
    assert [Tariff(Decimal(5), divide_by=10, round_up=up).amount(11) for up in (True, False)] == [10, 5]


percents = st.decimals(Decimal("0.01"), 100, places=2)
offs = st.lists(
    st.one_of(
        st.builds(lambda p: Off(f"p{p}", percent=p), percents), st.builds(lambda a: Off(f"a{a}", amount=a), amounts)
    ),
    max_size=3,
)
rates = st.lists(st.builds(Rate, st.just("r"), st.decimals(0, 40, places=2)), max_size=2)
included = st.builds(lambda p: [Rate("i", p, inclusive=True)], st.decimals(0, 40, places=2))
lines_ = st.lists(
    st.builds(Line, st.integers(-1_000_000, 1_000_000), st.booleans(), offs, st.one_of(rates, included)), max_size=6
)


@given(lines_, offs)
def test_an_invoices_sums_are_those_of_its_lines(lines: list[Line], discounts: list[Off]) -> None:
    totals = reckon(lines, discounts)
    off = sum(totals.off().values())
    exclusive = sum(tax.amount for (_, inclusive), tax in totals.taxes().items() if not inclusive)
    assert totals.total == totals.subtotal - off + exclusive
    assert totals.total_excluding_tax == totals.total - sum(tax.amount for tax in totals.taxes().values())
    for line in totals.lines:
        assert 0 <= line.off <= max(line.amount, 0)


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=6), st.integers(1, 500_000))
def test_an_amount_off_is_shared_to_the_last_unit(amounts: list[int], off: int) -> None:
    totals = reckon([Line(amount) for amount in amounts], [Off("c", amount=off)])
    assert totals.total == max(0, sum(amounts) - off)
    assert sum(shared(off, amounts)) == off


def test_a_lines_discounts_come_before_the_invoices_each_from_what_is_left() -> None:
    line = Line(10_000, discounts=[Off("ten", percent=Decimal(10)), Off("five hundred", amount=500)])
    totals = reckon([line], [Off("half", percent=Decimal(50))])
    assert totals.off() == {"ten": 1000, "five hundred": 500, "half": 4250}
    assert totals.total == 4250


def test_tax_is_on_top_or_within() -> None:
    exclusive = reckon([Line(1000, rates=[Rate("v", Decimal(19))])], [Off("h", percent=Decimal(50))])
    assert (exclusive.subtotal, exclusive.total, exclusive.tax) == (1000, 595, 95)
    inclusive = reckon([Line(1190, rates=[Rate("v", Decimal(19), inclusive=True)])])
    assert (inclusive.total, inclusive.tax, inclusive.total_excluding_tax) == (1190, 190, 1000)
    assert inclusive.subtotal_excluding_tax == 1000


@given(st.integers(-10_000, 10_000), st.integers(-10_000, 10_000), st.sampled_from(["usd", "jpy", "gbp", "kwd"]))
def test_settling_neither_makes_nor_loses_money(total: int, balance: int, currency: str) -> None:
    found = due(total, balance, currency)
    assert found.amount + found.ending_balance == total + balance
    assert found.amount == 0 or found.amount >= 30


def test_a_coupon_lasts_as_long_as_it_says() -> None:
    start = at("2025-01-31")
    assert [Term("once", start).counts(start, used=used) for used in (False, True)] == [True, False]
    three = Term("repeating", start, 3)
    assert three.end == at("2025-04-30")
    assert [three.counts(moment, used=True) for moment in (at("2025-04-29"), at("2025-04-30"))] == [True, False]
    assert Term("forever", start).counts(at("2035-01-01"), used=True)


@given(st.lists(st.sampled_from(list(MOVES)), max_size=12))
def test_what_has_ended_never_begins_again(path: list[Status]) -> None:
    status: Status = path[0] if path else "active"
    for wanted in path:
        try:
            status = moved(status, wanted)
        except NoSuchMove:
            assert wanted not in MOVES[status]
    if status in ENDED:
        with pytest.raises(NoSuchMove):
            moved(status, "active")


def test_a_failed_renewal_is_tried_again_as_set_and_then_no_more() -> None:
    dunning = Dunning((3, 5, 7))
    assert [dunning.next_attempt(attempts, 0) for attempts in (1, 2, 3, 4)] == [259_200, 432_000, 604_800, None]


def test_amounts_are_read_by_people_and_rounded_away_from_zero() -> None:
    assert [shown(2900, "usd"), shown(500, "jpy"), shown(-350, "chf"), shown(1500, "kwd")] == [
        "$29.00",
        "¥500",
        "-CHF 3.50",
        "KWD 1.500",
    ]
    assert [rounded(Fraction(5, 2)), rounded(Fraction(-5, 2)), rounded(Fraction(7, 3))] == [3, -3, 2]

"""What is sold, and in which versions."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalogue.catalogue import CATALOGUE, Catalogue, read
from billing.catalogue.model import Interval, Plan, Version
from billing.entitlements.model import Own, highest, in_force
from billing.money import EXPONENTS, LEAST, MOST, AmountRefused, CurrencyUnknown, checked, exponent, written
from contracts import encode
from contracts.billing import EntitlementsChanged
from contracts.names import PLANS
from kit.clock import SystemClock
from kit.errors import Invalid
from kit.ids import new_id

FIRST = CATALOGUE.versions[1]
LATER = datetime(2030, 1, 1, tzinfo=UTC)
SOLD = [plan for plan in FIRST.plans.values() if plan.sold]


def test_the_free_plan_limits_every_meter() -> None:
    assert set(FIRST.plans["free"].limits) == {
        "seats",
        "connected_accounts",
        "posts_per_month",
        "generations_per_month",
        "messages_per_month",
        "storage_mb",
    }
    assert all(limit is not None and limit > 0 for limit in FIRST.plans["free"].limits.values())
    assert not FIRST.plans["free"].sold


def test_the_catalogue_the_contracts_and_the_gateway_know_the_same_plans() -> None:
    assert all(tuple(version.plans) == PLANS for version in CATALOGUE.versions.values())


def test_the_catalogue_cannot_be_changed_by_accident() -> None:
    with pytest.raises(TypeError):
        FIRST.plans["free"].limits["seats"] = 1_000  # type: ignore[index] # that it cannot is the point


@pytest.mark.parametrize("plan", FIRST.plans.values(), ids=PLANS)
def test_every_plan_can_be_told_to_the_others(plan: Plan) -> None:
    told = EntitlementsChanged(organization_id=new_id(), plan=plan.name, limits=dict(plan.limits))
    assert encode(told.stamped(time=SystemClock().now()))


@pytest.mark.parametrize("plan", SOLD, ids=[plan.name for plan in SOLD])
def test_whatever_is_sold_is_sold_in_the_same_currencies_and_a_year_costs_ten_months(plan: Plan) -> None:
    for seat in (False, True):
        for currency in LEAST:
            month, year = (plan.price(interval, currency, seat=seat) for interval in Interval)
            assert month
            assert year
            assert year.amount == 10 * month.amount
            assert LEAST[currency] <= month.amount
            assert checked(year.amount, currency) <= MOST
    assert len(plan.prices) == 4 * len(LEAST)


def test_no_two_prices_have_one_name_and_each_is_found_by_its_own() -> None:
    prices = list(CATALOGUE.prices)
    assert len({price.lookup_key for price in prices}) == len(prices)
    assert all(CATALOGUE.by_lookup_key(price.lookup_key) is price for price in prices)
    assert CATALOGUE.by_lookup_key("pro_month_eur_v99") is None


def test_yen_have_no_cents_and_dinars_have_thousandths() -> None:
    assert [exponent(currency) for currency in ("jpy", "eur", "kwd")] == [0, 2, 3]
    assert [written(12345, currency) for currency in ("jpy", "eur", "kwd")] == ["12345", "123.45", "12.345"]
    assert [written(-5, currency) for currency in ("jpy", "eur", "kwd")] == ["-5", "-0.05", "-0.005"]
    pro = FIRST.plans["pro"]
    price = pro.price(Interval.MONTH, "jpy")
    assert price
    assert price.amount < 100_000


@given(st.sampled_from(sorted(EXPONENTS)), st.integers(-MOST, MOST))
def test_an_amount_is_written_with_as_many_digits_as_its_currency_has(currency: str, amount: int) -> None:
    text, digits = written(amount, currency), exponent(currency)
    assert int(text.replace(".", "")) == amount
    assert len(text.partition(".")[2]) == digits


@pytest.mark.parametrize(
    ("amount", "currency", "refused"),
    [
        (0, "eur", AmountRefused),
        (-1, "eur", AmountRefused),
        (MOST + 1, "jpy", AmountRefused),
        (1_001, "kwd", AmountRefused),
        (100, "EUR", CurrencyUnknown),
        (100, "doge", CurrencyUnknown),
    ],
)
def test_what_cannot_be_charged_is_refused_and_the_field_is_named(
    amount: int, currency: str, refused: type[Invalid]
) -> None:
    with pytest.raises(refused) as told:
        checked(amount, currency)
    assert told.value.errors[0].pointer.startswith("#/")


@pytest.mark.parametrize(
    "text",
    [
        "number = 2\neffective_from = 2026-01-01T00:00:00Z",
        "number = 1\neffective_from = 2026-01-01T00:00:00Z\n\nnumber = 3\neffective_from = 2026-02-01T00:00:00Z",
        "number = 1\neffective_from = 2026-02-01T00:00:00Z\n\nnumber = 2\neffective_from = 2026-02-01T00:00:00Z",
    ],
)
def test_versions_without_order_are_refused(text: str) -> None:
    plans = "".join(f"[versions.plans.{plan}]\nlimits = {{ seats = 1 }}\n" for plan in PLANS)
    with pytest.raises(ValueError, match="version"):
        read("".join(f"[[versions]]\n{each}\n{plans}" for each in text.split("\n\n")))


def test_a_version_counts_from_its_moment_on() -> None:
    later = Version(2, LATER, FIRST.plans)
    both = Catalogue([FIRST, later])
    assert both.in_force(LATER - timedelta(microseconds=1)) is FIRST
    assert both.in_force(LATER) is later
    assert both.in_force(FIRST.effective_from - timedelta(days=999)) is FIRST


@given(
    st.sampled_from(PLANS),
    st.integers(0, 50),
    st.lists(st.sampled_from([*PLANS, "platinum"]), max_size=4),
)
def test_what_counts_is_the_highest_plan_with_the_seats_that_were_bought(
    plan: str, seats: int, granted: list[str]
) -> None:
    terms = in_force(Own(plan, 1, seats), granted, LATER)
    assert terms.plan == max((plan, *granted), key=lambda name: PLANS.index(name) if name in PLANS else -1)
    included = FIRST.plans[terms.plan].limits["seats"]
    assert included is not None
    assert terms.limits == {**FIRST.plans[terms.plan].limits, "seats": included + seats}


def test_a_plan_that_is_not_known_counts_for_nothing() -> None:
    assert highest("platinum") == "free"
    assert highest("creator", "agency", "free") == "agency"

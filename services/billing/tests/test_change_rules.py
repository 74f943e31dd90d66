"""What may be changed of a subscription, and what becomes of it: functions of values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalogue.catalogue import CATALOGUE
from billing.catalogue.model import Interval
from billing.changes import requests
from billing.changes.errors import (
    NothingToChange,
    NotSold,
    PreviewTooOld,
    SeatsInUse,
    SubscriptionNotChangeable,
)
from billing.changes.model import (
    NEXT,
    Action,
    Basis,
    Change,
    ChangeState,
    Wanted,
    When,
    amount_of,
    check,
    prices_of,
    prorated_at,
    settled_by_reading,
    target_of,
)
from billing.subscriptions.model import Offer, State, Subscription, begun
from billing.subscriptions.seeing import seen_of
from kit.ids import new_id

from .readings import subscription

NOW = datetime(2026, 2, 10, tzinfo=UTC)
PRO = Offer("pro", 1, Interval.MONTH, "eur", 0)


def held(status: str = "active", **more: Any) -> Subscription:
    return begun(new_id(), new_id(), seen_of(subscription(status, **more), CATALOGUE), NOW)


def change(action: Action = Action.SWITCH, **more: Any) -> Change:
    basis = Basis(
        "sub_1",
        "cus_1",
        "si_plan",
        None,
        None,
        "active",
        "month",
        1_772_271_000,
        plan_price="price_p",
        seat_price="price_s",
    )
    made = Change(new_id(), new_id(), new_id(), action, ChangeState.PENDING, basis, NOW, currency="eur")
    if action is Action.SWITCH:
        made = replace(made, target=replace(PRO, plan="agency"), when=When.NOW, proration_at=NOW)
    return replace(made, **more)


@pytest.mark.parametrize(
    ("wanted", "target", "when"),
    [
        (Wanted(plan="agency"), replace(PRO, plan="agency"), When.NOW),
        (Wanted(plan="creator"), replace(PRO, plan="creator"), When.PERIOD_END),
        (Wanted(plan="creator", when=When.NOW), replace(PRO, plan="creator"), When.NOW),
        (Wanted(interval=Interval.YEAR), replace(PRO, interval=Interval.YEAR), When.NOW),
        (Wanted(seats=4), replace(PRO, seats=4), When.NOW),
        (Wanted(plan="agency", when=When.PERIOD_END), replace(PRO, plan="agency"), When.PERIOD_END),
    ],
)
def test_more_is_switched_to_at_once_and_less_with_the_end_of_the_period(
    wanted: Wanted, target: Offer, when: When
) -> None:
    assert target_of(wanted, held(), CATALOGUE, NOW, 1) == (target, when)


def test_fewer_seats_and_monthly_payment_come_with_the_end_of_the_period() -> None:
    assert target_of(Wanted(seats=1), held(seats=3), CATALOGUE, NOW, 1)[1] is When.PERIOD_END
    yearly = held(price="pro_year_eur_v1")
    assert target_of(Wanted(interval=Interval.MONTH), yearly, CATALOGUE, NOW, 1)[1] is When.PERIOD_END


@pytest.mark.parametrize(
    ("wanted", "seats_used", "error"),
    [
        (Wanted(), 1, NothingToChange),
        (Wanted(plan="pro", seats=0), 1, NothingToChange),
        (Wanted(plan="free"), 1, NotSold),
        (Wanted(plan="giraffe"), 1, NotSold),
        (Wanted(plan="creator"), 4, SeatsInUse),
        (Wanted(seats=0), 11, SeatsInUse),
    ],
)
def test_what_cannot_be_switched_to_is_refused(wanted: Wanted, seats_used: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        target_of(wanted, held(), CATALOGUE, NOW, seats_used)


@pytest.mark.parametrize(
    ("action", "may"),
    [
        (Action.SWITCH, {"trialing", "active", "cancelling"}),
        (Action.CANCEL, {"trialing", "active", "past_due", "restricted", "paused"}),
        (Action.KEEP, {"trialing", "active", "cancelling", "past_due", "restricted", "paused"}),
        (Action.PAUSE, {"active"}),
        (Action.UNPAUSE, {"paused"}),
    ],
)
def test_each_state_allows_what_makes_sense_in_it(action: Action, may: set[str]) -> None:
    allowed = set()
    for state in State:
        try:
            check(action, replace(held(), state=state))
        except SubscriptionNotChangeable:
            continue
        allowed.add(state.value)
    assert allowed == may


def test_a_year_costs_ten_months_and_seats_come_on_top() -> None:
    assert amount_of(PRO, CATALOGUE) == 4_900
    assert amount_of(replace(PRO, seats=2), CATALOGUE) == 4_900 + 2 * 800
    assert amount_of(replace(PRO, interval=Interval.YEAR), CATALOGUE) == 49_000
    assert amount_of(replace(PRO, currency="jpy"), CATALOGUE) == 7_800
    with pytest.raises(NotSold):
        prices_of(replace(PRO, currency="xau"), CATALOGUE)


def test_a_preview_is_good_for_an_hour_of_its_own_period() -> None:
    one = held()
    assert prorated_at(None, one, NOW) == NOW
    assert prorated_at(NOW - timedelta(minutes=59), one, NOW) == NOW - timedelta(minutes=59)
    for at in (NOW - timedelta(minutes=61), NOW + timedelta(seconds=1)):
        with pytest.raises(PreviewTooOld):
            prorated_at(at, one, NOW)
    fresh = held(begins=int(NOW.timestamp()))
    with pytest.raises(PreviewTooOld):
        prorated_at(NOW - timedelta(minutes=1), fresh, NOW)


def test_the_preview_and_the_change_say_the_same_to_stripe() -> None:
    asked = change()
    preview, update = requests.preview(asked), requests.parameters(asked)

    assert preview["subscription_details"] == {
        name: update[name] for name in ("items", "proration_behavior", "proration_date")
    }
    assert update["payment_behavior"] == "pending_if_incomplete"


def test_in_a_trial_nothing_is_prorated() -> None:
    asked = change()
    asked = replace(asked, basis=replace(asked.basis, status="trialing"))

    assert requests.parameters(asked) == {"items": requests.items(asked), "proration_behavior": "none"}
    assert requests.preview(asked)["subscription_details"]["proration_behavior"] == "none"


@pytest.mark.parametrize(
    ("seat_item", "seats", "items"),
    [
        (None, 0, []),
        (None, 2, [{"price": "price_s", "quantity": 2}]),
        ("si_seats", 2, [{"id": "si_seats", "price": "price_s", "quantity": 2}]),
        ("si_seats", 0, [{"id": "si_seats", "deleted": True}]),
    ],
)
def test_seats_are_added_changed_and_taken_away(
    seat_item: str | None, seats: int, items: list[dict[str, Any]]
) -> None:
    asked = change(target=replace(PRO, seats=seats))
    asked = replace(asked, basis=replace(asked.basis, seat_item=seat_item))

    assert requests.items(asked) == [{"id": "si_plan", "price": "price_p", "quantity": 1}, *items]


def test_a_switch_at_the_end_of_the_period_keeps_what_there_is_until_then() -> None:
    schedule = {
        "id": "sub_sched_1",
        "phases": [
            {
                "start_date": 1,
                "end_date": 2,
                "trial_end": None,
                "items": [{"price": "price_old", "quantity": 1}],
                "discounts": [{"coupon": "HALF", "discount": None, "promotion_code": None}],
            }
        ],
    }

    asked = requests.phases(
        schedule, change(when=When.PERIOD_END, target=replace(PRO, interval=Interval.YEAR, seats=1))
    )

    now, then = asked["phases"]
    assert now == {
        "items": [{"price": "price_old", "quantity": 1}],
        "start_date": 1,
        "end_date": 2,
        "discounts": [{"coupon": "HALF"}],
    }
    assert then == {
        "items": [{"price": "price_p", "quantity": 1}, {"price": "price_s", "quantity": 1}],
        "proration_behavior": "none",
        "duration": {"interval": "year", "interval_count": 1},
        "discounts": [{"coupon": "HALF"}],
    }


LATER = NOW + timedelta(hours=23)
AGENCY = {"price": "agency_month_eur_v1"}


@pytest.mark.parametrize(
    ("state", "read", "ticket", "now", "after"),
    [
        (
            ChangeState.REQUIRES_ACTION,
            {"pending_update": {"expires_at": int(LATER.timestamp())}},
            5,
            NOW,
            "requires_action",
        ),
        (ChangeState.REQUIRES_ACTION, AGENCY, 5, NOW, "applied"),
        (ChangeState.REQUIRES_ACTION, {}, 5, LATER, "lapsed"),
        (ChangeState.REQUIRES_ACTION, {}, 5, NOW, "superseded"),
        (ChangeState.REQUIRES_ACTION, {}, 4, LATER, "requires_action"),
        (ChangeState.SCHEDULED, {"schedule": "sub_sched_1"}, 5, NOW, "scheduled"),
        (ChangeState.SCHEDULED, {"schedule": "sub_sched_1", **AGENCY}, 5, NOW, "applied"),
        (ChangeState.SCHEDULED, AGENCY, 5, NOW, "applied"),
        (ChangeState.SCHEDULED, {}, 5, NOW, "superseded"),
        (ChangeState.SCHEDULED, {}, 4, NOW, "scheduled"),
        (ChangeState.PENDING, AGENCY, 9, NOW, "pending"),
    ],
)
def test_a_reading_says_what_became_of_an_open_change_if_it_began_after_it(
    state: ChangeState, read: dict[str, Any], ticket: int, now: datetime, after: str
) -> None:
    asked = change(state=state, read_from=5, expires_at=LATER)

    assert settled_by_reading(asked, held(**read), ticket, now).value == after


@given(
    st.sampled_from(list(ChangeState)),
    st.sampled_from([AGENCY, {}, {"schedule": "s"}, {"pending_update": {"expires_at": int(LATER.timestamp())}}]),
    st.integers(0, 9),
    st.booleans(),
)
def test_readings_follow_the_machine_and_end_what_has_ended(
    state: ChangeState, read: dict[str, Any], ticket: int, late: bool
) -> None:
    asked = change(state=state, read_from=5, expires_at=LATER)
    after = settled_by_reading(asked, held(**read), ticket, LATER if late else NOW)

    assert after is state or after in NEXT[state]

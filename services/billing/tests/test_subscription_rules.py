"""The rules of a subscription as functions of values: thousands of histories per second."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalogue.model import Interval
from billing.subscriptions.model import (
    GRACE,
    GRANTING,
    NEXT,
    Change,
    Offer,
    Seen,
    State,
    Subscription,
    begun,
    changes,
    state_of,
)
from kit.ids import new_id

START = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
STATUSES = ("incomplete", "trialing", "active", "past_due", "unpaid", "paused", "canceled", "incomplete_expired")
MINE, OURS = new_id(), new_id()


def seen(status: str = "active", month: int = 0, **changed: object) -> Seen:
    owing = status in ("past_due", "unpaid")
    begins = START + timedelta(days=30 * month)
    base = Seen(
        stripe_id="sub_1",
        customer_id="cus_1",
        plan_item="si_1",
        seat_item=None,
        status=status,
        offer=Offer("pro", 1, Interval.MONTH, "eur", 0),
        period_start=begins,
        period_end=begins + timedelta(days=30),
        created_at=START,
        started_at=START,
        past_due_since=begins if owing else None,
        ended_at=begins if status == "canceled" else None,
    )
    return replace(base, **changed)  # type: ignore[arg-type]


@st.composite
def snapshots(draw: st.DrawFn) -> Seen:
    """What Stripe may say at a moment."""
    status = draw(st.sampled_from(STATUSES))
    month = draw(st.integers(0, 13))
    ended = status in ("canceled", "incomplete_expired")
    return seen(
        status,
        month,
        offer=Offer(
            draw(st.sampled_from(("creator", "pro", "agency"))),
            1,
            draw(st.sampled_from(tuple(Interval))),
            "eur",
            draw(st.integers(1, 3)),
        ),
        paused=draw(st.booleans()),
        cancel_at=None if ended else draw(st.sampled_from((None, START + timedelta(days=400)))),
    )


@dataclass(frozen=True, slots=True)
class Listener:
    """What somebody knows who only hears the facts."""

    started: bool = False
    ended: bool = False
    owing: str = ""
    paused: bool = False
    cancelling: bool = False

    def hears(self, change: Change) -> "Listener":  # noqa: PLR0911 - one for each fact
        match change:
            case Change.STARTED:
                return Listener(started=True)
            case Change.ENDED:
                return replace(self, ended=True)
            case Change.PAST_DUE | Change.RESTRICTED:
                return replace(self, owing=change.value)
            case Change.RECOVERED:
                return replace(self, owing="")
            case Change.PAUSED | Change.RESUMED:
                return replace(self, paused=change is Change.PAUSED)
            case Change.CANCELLING | Change.KEPT:
                return replace(self, cancelling=change is Change.CANCELLING)
        return self


def told(history: Sequence[Seen], now: datetime) -> tuple[Subscription, list[Change]]:
    """The subscription after these snapshots, and everything that was told on the way."""
    subscription: Subscription | None = None
    facts: list[Change] = []
    for each in history:
        after = begun(MINE, OURS, each, now) if subscription is None else subscription.follow(each, now)
        if after is not subscription:
            facts += changes(subscription, after)
        subscription = after
    assert subscription is not None
    return subscription, facts


NOW = START + timedelta(days=100)


@given(st.lists(snapshots(), min_size=1, max_size=12))
def test_the_state_follows_from_the_last_snapshot_whatever_came_before_it(history: list[Seen]) -> None:
    after, _ = told(history, NOW)
    alone, _ = told(history[-1:], NOW)

    assert (after.seen, after.state, after.granted) == (alone.seen, alone.state, alone.granted)


@given(st.lists(snapshots(), min_size=1, max_size=8), st.lists(st.integers(1, 4), min_size=8, max_size=8))
def test_a_snapshot_that_comes_again_changes_and_tells_nothing(history: list[Seen], times: list[int]) -> None:
    repeated = [each for each, count in zip(history, times, strict=False) for _ in range(count)]
    once = [each for place, each in enumerate(repeated) if place == 0 or each != repeated[place - 1]]

    assert told(repeated, NOW) == told(once, NOW)


def live(history: list[Seen]) -> list[Seen]:
    """What can be: an end is the end, and what has started stays so."""
    kept: list[Seen] = []
    for each in history:
        if kept and state_of(kept[-1], NOW) is State.ENDED:
            break
        if kept and kept[-1].started and not each.started:
            continue
        kept.append(each)
    return kept


@given(st.lists(snapshots(), min_size=1, max_size=12).map(live), st.data())
def test_who_hears_only_the_facts_knows_the_state_whichever_snapshots_were_missed(
    history: list[Seen], data: st.DataObject
) -> None:
    caught = [each for each in history[:-1] if data.draw(st.booleans())] + history[-1:]
    after, facts = told(caught, NOW)

    known = Listener()
    for fact in facts:
        known = known.hears(fact)

    assert known.started == after.seen.started
    assert known.ended == (after.state is State.ENDED and after.seen.started)
    if known.started and not known.ended:
        assert known.owing == (after.state.value if after.state in (State.PAST_DUE, State.RESTRICTED) else "")
        assert known.paused == (after.state is State.PAUSED)
        assert known.cancelling == (after.seen.cancel_at is not None)


@given(st.lists(snapshots(), min_size=2, max_size=12).map(live))
def test_versions_rise_by_one_with_each_change_and_only_then(history: list[Seen]) -> None:
    subscription = begun(MINE, OURS, history[0], NOW)
    for before, after in pairwise(history):
        followed = subscription.follow(after, NOW)
        assert followed.version - subscription.version == (before != after)
        subscription = followed


@given(snapshots(), st.timedeltas(timedelta(), timedelta(days=60)))
def test_time_alone_restricts_who_owes_and_nobody_else(what: Seen, later: timedelta) -> None:
    before, after = state_of(what, NOW), state_of(what, NOW + later)

    assert before is after or (before, after) == (State.PAST_DUE, State.RESTRICTED)


@pytest.mark.parametrize(
    ("status", "changed", "state"),
    [
        ("incomplete", {}, State.INCOMPLETE),
        ("incomplete_expired", {}, State.ENDED),
        ("trialing", {}, State.TRIALING),
        ("trialing", {"cancel_at": START}, State.CANCELLING),
        ("active", {}, State.ACTIVE),
        ("active", {"cancel_at": START}, State.CANCELLING),
        ("active", {"paused": True}, State.PAUSED),
        ("active", {"paused": True, "cancel_at": START}, State.PAUSED),
        ("paused", {}, State.PAUSED),
        ("past_due", {"past_due_since": NOW}, State.PAST_DUE),
        ("past_due", {"past_due_since": NOW, "cancel_at": START, "paused": True}, State.PAST_DUE),
        ("past_due", {"past_due_since": NOW - GRACE + timedelta(seconds=1)}, State.PAST_DUE),
        ("past_due", {"past_due_since": NOW - GRACE}, State.RESTRICTED),
        ("unpaid", {"past_due_since": NOW}, State.RESTRICTED),
        ("canceled", {}, State.ENDED),
    ],
)
def test_what_stripe_says_means_one_state(status: str, changed: dict[str, Any], state: State) -> None:
    assert state_of(seen(status, **changed), NOW) is state


def test_only_what_is_paid_for_or_may_still_be_grants_anything() -> None:
    assert frozenset(State) - GRANTING == {State.INCOMPLETE, State.RESTRICTED, State.PAUSED, State.ENDED}


def test_every_state_of_the_machine_can_be_left_but_the_end_and_reached_but_the_beginning() -> None:
    assert set(NEXT) == set(State)
    assert [state for state in State if not NEXT[state]] == [State.ENDED]
    assert set(State) - {state for following in NEXT.values() for state in following} == {State.INCOMPLETE}


def test_a_life_is_told_in_order() -> None:
    upgraded = Offer("agency", 1, Interval.MONTH, "eur", 4)
    history = [
        seen("trialing"),
        seen("active", 1),
        seen("active", 1, offer=upgraded),
        seen("past_due", 4, offer=upgraded, past_due_since=NOW),
        seen("active", 4, offer=upgraded),
        seen("active", 4, offer=upgraded, cancel_at=NOW),
        seen("active", 4, offer=upgraded),
        seen("active", 4, offer=upgraded, paused=True),
        seen("active", 4, offer=upgraded),
        seen("canceled", 4, offer=upgraded),
    ]

    _, facts = told(history, NOW)

    assert facts == [
        Change.STARTED,
        Change.TRIAL_STARTED,
        Change.RENEWED,
        Change.CHANGED,
        Change.RENEWED,
        Change.PAST_DUE,
        Change.RECOVERED,
        Change.CANCELLING,
        Change.KEPT,
        Change.PAUSED,
        Change.RESUMED,
        Change.ENDED,
    ]


def test_a_first_payment_that_never_succeeds_is_told_to_nobody() -> None:
    assert told([seen("incomplete"), seen("incomplete_expired")], NOW)[1] == []


def test_one_that_is_first_seen_at_its_end_is_told_whole() -> None:
    assert told([seen("canceled")], NOW)[1] == [Change.STARTED, Change.ENDED]

"""The ledger's decisions as plain functions: what an outcome means, what a trouble proves, when a slot is lost."""

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.http import client
from kit.http.transport import Answer
from kit.ledger import outcomes, pace
from kit.ledger.calls import Trouble, judged
from kit.ledger.kind import Timing
from kit.ledger.model import Found, Look, NotAccepted, NotFound, Parked, Receipt, Refused, Status, Unanswered

TIMING = Timing(looks_after=(5, 30), absent_after=60, unconfirmed_after=600, give_up_after=1000)
NEVER_ABSENT = Timing(looks_after=(5, 30), absent_after=None, unconfirmed_after=600)


@pytest.mark.parametrize(
    ("came", "age", "status", "outcome"),
    [
        (Receipt("x"), 0, Status.DONE, "done"),
        (Refused("no"), 0, Status.REFUSED, "refused"),
        (NotAccepted("later"), 0, Status.PENDING, "not_accepted"),
        (NotAccepted("later"), 1000, Status.REFUSED, "gave_up"),
        (NotAccepted("later", retry_after=999), 2, Status.REFUSED, "gave_up"),
        (Parked("dead token"), 5000, Status.PENDING, "parked"),
        (Unanswered("?"), 0, Status.UNKNOWN, "unanswered"),
        (ZeroDivisionError(), 0, Status.UNKNOWN, "failed"),
    ],
)
def test_what_a_call_comes_to(came: Receipt | Exception, age: float, status: Status, outcome: str) -> None:
    change = outcomes.called(came, TIMING, attempt=1, age=age)
    assert (change.status, change.outcome) == (status, outcome)


@pytest.mark.parametrize(
    ("came", "blanks", "since_call", "quiet", "timing", "status", "outcome"),
    [
        (Found(Receipt("x")), 0, 1, 1, TIMING, Status.DONE, "found"),
        (Found(Receipt("x")), 9, 9999, 9999, TIMING, Status.DONE, "found"),
        (NotFound(), 0, 5, 5, TIMING, Status.UNKNOWN, "not_found"),
        (NotFound(), 1, 59, 59, TIMING, Status.UNKNOWN, "not_found"),
        (NotFound(), 0, 599, 599, TIMING, Status.UNKNOWN, "not_found"),
        (NotFound(), 1, 61, 61, TIMING, Status.PENDING, "absent"),
        (NotFound(), 1, 300, 59, TIMING, Status.UNKNOWN, "not_found"),
        (NotFound(), 5, 599, 599, NEVER_ABSENT, Status.UNKNOWN, "not_found"),
        (NotFound(), 5, 600, 600, NEVER_ABSENT, Status.UNCONFIRMED, "unconfirmed"),
        (NotFound(), 0, 9000, 9000, TIMING, Status.UNKNOWN, "not_found"),
        (NotFound(), 1, 9000, 9000, TIMING, Status.PENDING, "absent"),
        (NotAccepted("busy"), 5, 70, 70, TIMING, Status.UNKNOWN, "could_not_look"),
        (Unanswered("?"), 5, 601, 601, TIMING, Status.UNCONFIRMED, "unconfirmed"),
        (ZeroDivisionError(), 5, 70, 70, TIMING, Status.UNKNOWN, "could_not_look"),
    ],
)
def test_what_a_look_comes_to(
    came: Look | Exception,
    blanks: int,
    since_call: float,
    quiet: float,
    timing: Timing,
    status: Status,
    outcome: str,
) -> None:
    change = outcomes.looked(
        came, timing, looks=blanks + 1, blanks=blanks, since_call=since_call, quiet=quiet, age=10, attempt=1
    )
    assert (change.status, change.outcome) == (status, outcome)
    assert change.blank == (outcome == "not_found")


def test_the_last_look_is_made_when_the_deadline_has_come() -> None:
    change = outcomes.looked(
        NotFound(), NEVER_ABSENT, looks=5, blanks=4, since_call=590, quiet=590, age=590, attempt=1
    )
    assert 10 <= change.wait < 10.1


def test_a_look_that_learns_of_a_no_ends_the_search() -> None:
    no = Refused("The card was declined.", code="insufficient_funds")
    change = outcomes.looked(no, TIMING, looks=1, blanks=0, since_call=1, quiet=1, age=1, attempt=1)
    assert (change.status, change.by, change.code) == (Status.REFUSED, "look", "insufficient_funds")


def test_what_can_never_be_prepared_is_given_up_some_day() -> None:
    assert outcomes.unprepared(TIMING, attempt=1, age=10).status is Status.PENDING
    assert outcomes.unprepared(TIMING, attempt=9, age=1000).status is Status.REFUSED


def test_a_refusal_of_the_whole_lane_parks_it_for_as_long_as_the_other_side_says() -> None:
    change = outcomes.called(NotAccepted("429", retry_after=17, whole_lane=True), TIMING, attempt=3, age=0)
    assert (change.park, change.wait) == (17, 17)
    assert outcomes.called(NotAccepted("once", retry_after=17), TIMING, attempt=3, age=0).park is None


@given(st.integers(1, 500))
def test_the_back_off_grows_is_jittered_and_has_a_bound(attempt: int) -> None:
    waits = [outcomes.backoff(TIMING, attempt) for _ in range(5)]
    longest = min(TIMING.backoff_longest, TIMING.backoff_first * 2.0 ** (min(attempt, 100) - 1))
    assert all(longest / 2 <= wait <= longest for wait in waits)


def _refused(status: int, retry_after: float | None = None) -> client.Refused:
    return client.Refused(Answer(status, {}, b"a secret"), retry_after)


@pytest.mark.parametrize(
    ("trouble", "kind", "code"),
    [
        (client.NotSent("no connection"), NotAccepted, "not-sent"),
        (client.Unsendable("bad"), Refused, "unsendable"),
        (client.AddressNotAllowed("private"), Refused, "unsendable"),
        (client.Unanswered("reset"), Unanswered, "unanswered"),
        (_refused(429, 30), NotAccepted, "http-429"),
        (_refused(408), Unanswered, "http-408"),
        (_refused(500), Unanswered, "http-500"),
        (_refused(503, 5), Unanswered, "http-503"),
        (_refused(400), Refused, "http-400"),
        (_refused(404), Refused, "http-404"),
        (_refused(422), Refused, "http-422"),
    ],
)
def test_what_a_trouble_over_http_proves(trouble: Trouble, kind: type[Exception], code: str) -> None:
    outcome = judged(trouble)
    assert type(outcome) is kind
    assert outcome.code == code
    assert "a secret" not in outcome.said
    if isinstance(outcome, NotAccepted) and code == "http-429":
        assert (outcome.retry_after, outcome.whole_lane) == (30, True)


def most_in_a_second(times: Sequence[float]) -> int:
    ordered = sorted(times)
    return max(sum(start <= each < start + 1.0 for each in ordered[place:]) for place, start in enumerate(ordered))


@given(st.one_of(st.integers(1, 300).map(float), st.floats(0.2, 300)), st.randoms(use_true_random=False))
def test_calls_within_tolerance_never_exceed_the_limit_in_any_second(rate: float, dice: random.Random) -> None:
    """Each call leaves between its slot and the latest moment; whole numbers are limits, others round up."""
    step = 1 / (rate * pace.PACE)
    late = pace.tolerance(step)
    slots = [place * step for place in range(int(3 * rate) + 3)]
    stall = dice.uniform(0, slots[-1])
    times = [slot + (late if abs(slot - stall) < 0.5 else dice.uniform(0, late)) for slot in slots]
    assert most_in_a_second(times) <= max(math.ceil(rate), math.floor(rate * 1.01)) or late <= 0.005


@given(
    st.floats(-1e6, 1e6),
    st.lists(st.tuples(st.floats(0.0001, 0.2), st.floats(0, 1)), min_size=1, max_size=30),
)
def test_the_servers_time_is_known_as_well_as_its_fastest_answer(
    ahead: float, answers: list[tuple[float, float]]
) -> None:
    learned, at = pace.ServerTime(), 100.0
    for trip, share in answers:
        learned.learn(at + trip * share + ahead, at, at + trip)
        at += trip + 0.01
    slack = (at - 100.0) * 0.0002 + 1e-6
    assert abs(learned.ahead - ahead) <= min(trip for trip, _ in answers) / 2 + slack


def test_a_server_clock_that_was_set_is_learned_anew() -> None:
    learned = pace.ServerTime()
    learned.learn(1000.0005, 10.0, 10.001)
    learned.learn(500.0005, 11.0, 11.001)
    assert learned.ahead == pytest.approx(489.0, abs=0.001)

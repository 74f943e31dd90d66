"""Every error of every platform is data: which class it is in, why in plain words, and what to do."""

import pytest

from inbox.channels.catalogue import OURS, Catalogue, Rule, Trouble
from inbox.channels.kinds import KINDS
from inbox.direct.outcomes import ERRORS as DIRECT
from inbox.telnyx.outcomes import ERRORS as TELNYX
from inbox.whatsapp.outcomes import ERRORS as WHATSAPP
from kit.ledger.model import NotAccepted, Parked, Refused, Unanswered

from .house import House

PACE = (4, 80007, 130429, 131056, 131057, 131016)
STOP = (131048, 131064, 368, 131031, 132015, 132016, 131042, 131045, 131037)
SKIP = (131026, 131047, 131049, 131050, 130472, 130497, 131021, 131030, 131062)
BUG = (131008, 131009, 131051, 131052, 131053, 132000, 132001, 132005, 132007, 132008, 132012)
AUTH = (0, 3, 10, 190, *range(200, 300), 131005)


@pytest.mark.parametrize(
    ("codes", "sort"),
    [(PACE, "pace"), (STOP, "stop_sender"), (SKIP, "skip_recipient"), (BUG, "our_bug"), (AUTH, "auth")],
)
def test_whatsapps_codes_are_in_the_class_that_they_belong_to(codes: tuple[int, ...], sort: str) -> None:
    assert {code: WHATSAPP.told(str(code)).sort for code in codes} == dict.fromkeys(codes, sort)


@pytest.mark.parametrize(
    ("catalogue", "code", "sort"),
    [
        (DIRECT, "613", "pace"),
        (DIRECT, "10/2018278", "skip_recipient"),
        (DIRECT, "10/2018065", "skip_recipient"),
        (DIRECT, "551", "skip_recipient"),
        (DIRECT, "100/2018109", "our_bug"),
        (DIRECT, "190", "auth"),
        (DIRECT, "368", "stop_sender"),
        (TELNYX, "10011", "pace"),
        (TELNYX, "40300", "skip_recipient"),
        (TELNYX, "40001", "skip_recipient"),
        (TELNYX, "40002", "skip_recipient"),
        (TELNYX, "40003", "stop_sender"),
        (TELNYX, "40009", "our_bug"),
        (TELNYX, "10002", "skip_recipient"),
        (TELNYX, "10009", "auth"),
        (TELNYX, "40305", "stop_sender"),
    ],
)
def test_the_other_platforms_codes_are_in_theirs(catalogue: Catalogue, code: str, sort: str) -> None:
    assert catalogue.rules[code].sort == sort


@pytest.mark.parametrize("attempt", range(1, 9))
def test_a_contact_who_gets_too_many_waits_four_times_longer_each_time_and_alone(attempt: int) -> None:
    found = WHATSAPP.outcome(Trouble(429, "131056"), attempt)
    assert isinstance(found, NotAccepted)
    assert not found.whole_lane
    assert found.retry_after == min(4**attempt, 4**6)


def test_a_used_up_messaging_limit_holds_new_conversations_and_lets_replies_go_on() -> None:
    found = WHATSAPP.outcome(Trouble(400, "131064"), 1)
    assert isinstance(found, NotAccepted)
    assert not found.whole_lane
    assert found.retry_after == 3600
    reported = WHATSAPP.outcome(Trouble(400, "131048"), 1)
    assert isinstance(reported, NotAccepted)
    assert reported.whole_lane


@pytest.mark.parametrize(
    ("code", "outcome"),
    [("132015", Refused), ("131026", Refused), ("190", Parked), ("133010", Parked), ("131000", Unanswered)],
)
def test_what_the_ledger_is_told(code: str, outcome: type[Exception]) -> None:
    assert isinstance(WHATSAPP.outcome(Trouble(400, code), 1), outcome)


def _rules() -> list[tuple[str, str, Rule]]:
    kinds = [(kind, code, rule) for kind, (_, errors) in KINDS.items() for code, rule in errors.rules.items()]
    return [*kinds, *(("ours", code, rule) for code, rule in OURS.items())]


def test_each_says_in_plain_words_what_it_is_and_what_to_do() -> None:
    assert [(kind, code) for kind, code, rule in _rules() if not rule.plain or not rule.advice] == []


async def test_they_are_shown_with_the_kinds_of_channels(house: House) -> None:
    shown = {each["kind"]: each["errors"] for each in (await house.get("/v1/channels/kinds"))["items"]}
    whatsapp = {each["code"]: each for each in shown["whatsapp"]}
    assert whatsapp["131064"]["sort"] == "stop_sender"
    assert "answered meanwhile" in whatsapp["131064"]["advice"]
    assert {each["code"] for each in shown["sms"]} >= {"40001", "40300", "window-closed"}

"""Decisions, without a database."""

import asyncio
import hashlib
from base64 import b64encode
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.channels.catalogue import Trouble
from inbox.media.model import same_digest, type_of
from inbox.media.room import Room
from inbox.messages.model import RISING, Status, highest, risen
from inbox.whatsapp.numbers import canonical, is_number, variants
from inbox.whatsapp.outcomes import ERRORS
from kit.ledger.model import NotAccepted, Parked, Refused, Unanswered

reported = st.sampled_from(RISING)
exception, parks, health_of = ERRORS.outcome, ERRORS.parks, ERRORS.health_of


def trouble_of(status: int, code: int | None, retry_after: float | None = None) -> Trouble:
    return Trouble(status, "" if code is None else str(code), retry_after)


@given(st.lists(reported, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_any_order_and_any_doubling_of_reports_ends_in_the_same_status(reports: list[Status], chance: object) -> None:
    expected = highest(Status.QUEUED, reports)
    shuffled = [*reports, *reports]
    getattr(chance, "shuffle")(shuffled)  # noqa: B009 - typed as object
    assert highest(Status.QUEUED, shuffled) == expected
    assert expected == max([Status.QUEUED, *reports], key=RISING.index)


@given(reported, reported)
def test_a_status_never_goes_back(present: Status, report: Status) -> None:
    assert RISING.index(risen(present, report)) >= RISING.index(present)


def test_what_has_arrived_has_not_failed_and_what_failed_was_not_just_sent() -> None:
    assert risen(Status.DELIVERED, Status.FAILED) is Status.DELIVERED
    assert risen(Status.READ, Status.FAILED) is Status.READ
    assert risen(Status.FAILED, Status.SENT) is Status.FAILED
    assert risen(Status.SENT, Status.FAILED) is Status.FAILED
    assert risen(Status.FAILED, Status.DELIVERED) is Status.DELIVERED
    assert risen(Status.UNCONFIRMED, Status.SENT) is Status.SENT
    assert risen(Status.RECEIVED, Status.READ) is Status.RECEIVED
    orders = permutations([Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED])
    assert {highest(Status.QUEUED, order) for order in orders} == {Status.READ}


@pytest.mark.parametrize(
    ("number", "other"),
    [
        ("5511987654321", "551187654321"),
        ("551187654321", "5511987654321"),
        ("5215512345678", "525512345678"),
        ("525512345678", "5215512345678"),
        ("5491123456789", "541123456789"),
        ("541123456789", "5491123456789"),
    ],
)
def test_a_number_is_known_by_both_its_spellings(number: str, other: str) -> None:
    assert variants(number) == (number, other)


@pytest.mark.parametrize("number", ["551133334444", "16505551234", "4915112345678", "5511", "447911123456"])
def test_other_numbers_and_landlines_have_one_spelling(number: str) -> None:
    assert variants(number) == (number,)


@given(st.from_regex(r"\A5[245][0-9]{9,12}\Z"))
def test_spellings_lead_back_to_each_other(number: str) -> None:
    for other in variants(number):
        assert number in variants(other)
        assert canonical(number) == canonical(other)
        assert canonical(f"+{number}") == f"+{canonical(other)}"


def test_what_is_no_number() -> None:
    assert not is_number("US.13491208655302741918")
    assert not is_number("")
    assert not is_number("١٢٣٤٥٦٧")
    assert is_number("16505551234")


@pytest.mark.parametrize("code", [4, 80007, 130429, 131057, 131048])
def test_pace_is_a_matter_of_the_whole_lane(code: int) -> None:
    told = exception(trouble_of(400, code), 1)
    assert isinstance(told, NotAccepted)
    assert told.whole_lane


def test_too_many_to_one_contact_waits_four_times_longer_each_time() -> None:
    waits = []
    for attempt in (1, 2, 3):
        told = exception(trouble_of(400, 131056), attempt)
        assert isinstance(told, NotAccepted)
        assert not told.whole_lane
        waits.append(told.retry_after)
    assert waits == [4, 16, 64]


@pytest.mark.parametrize("code", [0, 3, 10, 104, 190, 200, 250, 299, 131005])
def test_a_dead_token_parks_whatever_the_status(code: int) -> None:
    for status in (400, 401, 403, 500):
        told = exception(trouble_of(status, code), 1)
        assert isinstance(told, Parked)
        assert parks(told.code)
        assert health_of(told.code) == "token_dead"


def test_a_bare_401_parks_and_a_bare_429_waits() -> None:
    told = exception(trouble_of(401, None), 1)
    assert isinstance(told, Parked)
    assert parks(told.code)
    assert isinstance(exception(trouble_of(429, None, 7.0), 1), NotAccepted)
    assert not parks("")


@pytest.mark.parametrize("code", [368, 131031, 131037, 131042, 131045])
def test_a_restricted_account_parks_too(code: int) -> None:
    told = exception(trouble_of(403, code), 1)
    assert isinstance(told, Parked)
    assert health_of(told.code) == "restricted"


@pytest.mark.parametrize("code", [100, 131008, 131026, 131047, 131049, 131050, 131051, 132000, 132015, 130497, 99999])
def test_a_refused_message_says_why_in_plain_words(code: int) -> None:
    told = exception(trouble_of(400, code), 1)
    assert isinstance(told, Refused)
    assert told.code == str(code)
    assert told.reason.endswith(".")


@pytest.mark.parametrize(
    "trouble",
    [trouble_of(500, None), trouble_of(503, 2), trouble_of(500, 131000), trouble_of(502, 1), trouble_of(408, None)],
)
def test_an_error_that_proves_nothing_leaves_it_unknown(trouble: Trouble) -> None:
    assert isinstance(exception(trouble, 1), Unanswered)


def test_a_medium_is_what_its_bytes_say() -> None:
    assert type_of(b"\x89PNG\r\n\x1a\n....") == "image/png"
    assert type_of(b"<html><script>") == "application/octet-stream"
    assert type_of(b"%PDF-1.7") == "application/pdf"
    assert type_of(b"") == "application/octet-stream"


def test_a_checksum_is_read_in_both_spellings() -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    assert same_digest(digest.upper(), digest)
    assert same_digest(b64encode(bytes.fromhex(digest)).decode(), digest)
    assert same_digest("", digest)
    assert not same_digest("AAAA", digest)
    assert not same_digest("not base64!", digest)


async def test_many_large_media_at_once_are_held_a_few_at_a_time() -> None:
    room, held, most = Room(100), 0, 0

    async def fetched(size: int) -> int:
        nonlocal held, most
        async with room.of(size):
            held += min(size, room.most)
            most = max(most, held)
            try:
                await asyncio.sleep(0)
            finally:
                held -= min(size, room.most)
        return size

    sizes = [60, 30, 500, 1, 100, 99, 2] * 5
    fetching = [asyncio.create_task(fetched(size)) for size in sizes]
    await asyncio.sleep(0)
    fetching[0].cancel()
    async with asyncio.timeout(20):
        done = await asyncio.gather(*fetching, return_exceptions=True)
    assert done[1:] == sizes[1:]
    assert (held, 0 < most <= room.most) == (0, True)

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import EVENTS, Event, Malformed, UnknownEvent, decode, encode
from contracts.auth import MemberAdded, SessionsRevoked
from contracts.billing import EntitlementsChanged
from contracts.event import LARGEST_BODY
from contracts.example import example

BODY = encode(example(EntitlementsChanged))
EVERY_BODY = [encode(example(event)) for event in EVENTS]
NAUGHTY = [
    "\x00",
    "\u202e",
    "\ufeff",
    "\u200b",
    "\u0000null",
    "Ω≈ç√∫",
    "👩‍👩‍👧‍👦",
    "Z̮̞̠͙͔ͅ",
    "' OR 1=1 --",
    "../../etc/passwd",
    "${jndi:ldap://x}",
    "\U0010ffff",
    "é" * 500,
    "constructor",
    "__proto__",
    "__class__",
    "\N{MATHEMATICAL DOUBLE-STRUCK DIGIT ONE}",
    "\N{ARABIC-INDIC DIGIT ONE}",
    "",
    " ",
]


def verdict(body: bytes) -> Event | None:
    """The event, or none when it was refused in one of the two ways there are; anything else is a fault."""
    try:
        return decode(body)
    except (Malformed, UnknownEvent):
        return None


def refused(body: bytes) -> bool:
    return verdict(body) is None


def replaced(event: type[Event], place: tuple[str, ...], value: Any) -> bytes:
    message = json.loads(encode(example(event)))
    inner = message
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    return json.dumps(message).encode()


def places(event: type[Event]) -> Iterator[tuple[str, ...]]:
    message = json.loads(encode(example(event)))
    yield from ((name,) for name in message)
    yield from (("data", name) for name in message["data"])


EVERY_PLACE = [(event, place) for event in EVENTS for place in places(event)]


def test_a_message_cut_off_anywhere_is_refused() -> None:
    assert all(refused(BODY[:length]) for length in range(len(BODY)))


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=300))
def test_noise_is_refused(body: bytes) -> None:
    assert refused(body)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(EVERY_BODY), st.data())
def test_a_damaged_message_is_read_or_refused_and_nothing_else(body: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(body) - 1))
    end = data.draw(st.integers(start, min(len(body), start + 40)))
    verdict(body[:start] + data.draw(st.binary(max_size=20)) + body[end:])


@settings(deadline=None, max_examples=500)
@given(
    st.sampled_from(EVERY_PLACE),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(NAUGHTY),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=6,
    ),
)
def test_a_wrong_value_at_any_place_is_read_or_refused_and_nothing_else(
    where: tuple[type[Event], tuple[str, ...]], value: Any
) -> None:
    verdict(replaced(*where, value))


@pytest.mark.parametrize("value", [None, True, 7, 1.5, [], [[]], {}, {"a": 1}, "x"])
@pytest.mark.parametrize("place", [("id",), ("subject",), ("data", "member_id"), ("data", "user_id")], ids=".".join)
def test_an_id_that_is_none_is_refused(place: tuple[str, ...], value: Any) -> None:
    assert refused(replaced(MemberAdded, place, value))


@pytest.mark.parametrize("text", NAUGHTY, ids=range(len(NAUGHTY)))
def test_naughty_text_is_no_name_no_id_and_no_type(text: str) -> None:
    assert refused(replaced(MemberAdded, ("data", "role"), text)) == (text != "constructor")
    assert refused(replaced(MemberAdded, ("id",), text))
    assert refused(replaced(MemberAdded, ("type",), text))


@pytest.mark.parametrize("raw", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\\ud800", b"\\u12", b"\n", b"\x00"])
def test_text_that_is_not_unicode_is_refused(raw: bytes) -> None:
    assert refused(BODY.replace(b'"plan":"free"', b'"plan":"fr' + raw + b'ee"'))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "utf-7"])
def test_another_encoding_is_refused(encoding: str) -> None:
    body = replaced(MemberAdded, ("data", "role"), "ä").decode()
    assert refused(json.dumps(json.loads(body), ensure_ascii=False).encode(encoding))


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
@pytest.mark.parametrize("depth", [150, 250, 10_000, 20_000])
def test_deep_nesting_is_refused_or_ignored_without_harm(opening: bytes, closing: bytes, depth: int) -> None:
    nested = opening * depth + b"1" + closing * depth
    assert refused(nested)
    event = verdict(BODY.replace(b'"data":{', b'"data":{"deep":' + nested + b","))
    assert event is None or event == decode(BODY)


@pytest.mark.parametrize(
    "number",
    ["9" * 20, "9" * 5000, "1e400", "-1e400", "1e-400", "NaN", "Infinity", "-0", "01", "0x10", "1" + "0" * 9999],
)
def test_a_number_that_is_no_amount_is_refused(number: str) -> None:
    body = encode(example(SessionsRevoked))
    assert refused(body.replace(b'"epoch":1', f'"epoch":{number}'.encode())) or number == "-0"
    assert refused(body.replace(b'"version":1', f'"version":{number}'.encode()))


@pytest.mark.parametrize("number", ["9" * 5000, "1e400", "NaN"])
def test_a_monstrous_number_in_a_field_that_nobody_reads_does_no_harm(number: str) -> None:
    verdict(BODY.replace(b'"data":{', b'"data":{"later":' + number.encode() + b","))


def test_of_a_repeated_key_the_last_one_counts_in_every_place() -> None:
    """The type, the envelope and the data are read alike, so that no two readers see two events."""
    original = decode(BODY)
    twice = (
        BODY.replace(b'"plan":"free"', b'"plan":"other","plan":"free"'),
        BODY.replace(b'"version":1', b'"version":9,"version":1'),
        BODY.replace(b'"data":{', b'"data":{"plan":"other","limits":{}},"data":{'),
        BODY.replace(b'"type":', b'"type":"auth.user.registered.v1","type":'),
        BODY.replace(b'"subject":', b'"subject":"x","subject":'),
    )
    assert [decode(body) for body in twice] == [original] * len(twice)
    assert refused(BODY[:-1] + b',"type":"auth.user.registered.v1"}')
    assert refused(BODY[:-1] + b',"data":{}}')


@pytest.mark.parametrize("size", [LARGEST_BODY, 1_000_000])
@pytest.mark.parametrize("filler", [b" ", b"[", b'{"a":', b'"', b"0", b"\x00", b"\xff"])
def test_a_megabyte_is_refused(filler: bytes, size: int) -> None:
    assert refused(filler * size)
    assert refused(BODY + b" " * size)


def test_a_message_as_large_as_allowed_is_read() -> None:
    assert verdict(BODY + b" " * (LARGEST_BODY - len(BODY))) == decode(BODY)


@pytest.mark.parametrize("body", [b"", b" ", b"null", b"1", b'"x"', b"[]", b"{}", b"true", BODY + BODY, BODY + b"x"])
def test_json_that_is_not_one_object_of_ours_is_refused(body: bytes) -> None:
    assert refused(body)

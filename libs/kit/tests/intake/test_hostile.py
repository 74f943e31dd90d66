import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.db.database import Database
from kit.intake.model import Item
from kit.intake.splitting import storable
from kit.testing.databases import TestDatabase
from kit.testing.letters import GLOBEX, Letters, delivery, letter

from .conftest import House, opened

NAUGHTY = json.loads((Path(__file__).parents[1] / "data/naughty_strings.json").read_text(encoding="utf-8"))["strings"]
STRANGE = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"letters"',
    b'{"letters": []}',
    b'{"letters": null}',
    b'{"letters": [null]}',
    b'{"letters": [[]]}',
    b'{"letters": [{"id": 1}]}',
    b'{"letters": {"id": {}}}',
    b'{"letters": [{"id": 1, "from": 2, "to": 3, "text": 4}]}',
    b'{"letters": [{"id": null, "from": [], "to": {}, "text": {}}]}',
    b'{"letters": [{"id": 1e999, "from": -0.0, "to": NaN, "text": Infinity}]}',
    b'{"letters": ' + b"9" * 5000 + b"}",
    b"[" * 100_000,
    b'{"letters":' * 50_000,
    b"[" * 100_000 + b"]" * 100_000,
    b"\xff\xfe\x00\x01",
    b"\xef\xbb\xbf{}",
    b"\x00" * 1000,
    '{"letters": [{"id": "ä", "from": "😀", "to": "ü", "text": "\u202e"}]}'.encode("utf-16"),
    b'{"letters": [{"id": "\\u0000", "from": "\\u0000", "to": "\\u0000", "text": "\\u0000"}]}',
    b'{"letters": [{"id": "\\ud800", "from": "\\udfff", "to": "\\ud800", "text": "\\ud800"}]}',
    b'{"letters": [{"id": "' + b"i" * 100_000 + b'", "from": "f", "to": "' + b"t" * 5000 + b'", "text": ""}]}',
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    b"letters[]=1&letters[]=2",
]


async def test_strange_deliveries_are_stored_and_every_one_ends_in_a_verdict(house: House) -> None:
    for body in STRANGE:
        assert await house.post(body) == 200
    await house.send(letter(1))
    await house.work()
    assert await house.applied() == ["1"]
    states = {row[0]: row[1] for row in await house.rows("SELECT state, count(*) FROM intake_deliveries GROUP BY 1")}
    assert states["split"] + states["unreadable"] == len(STRANGE) + 1
    assert states["unreadable"] >= 15
    assert await house.value("SELECT sum(items) FROM intake_deliveries") == sum((await house.verdicts()).values())
    reasons = await house.rows("SELECT reason FROM intake_deliveries WHERE state = 'unreadable'")
    assert all(row["reason"] for row in reasons)


async def test_naughty_strings_are_applied_as_they_came_whatever_they_are_used_for(house: House) -> None:
    house.source.owners |= dict.fromkeys(NAUGHTY, GLOBEX)
    written = [
        *({"id": f"text {n}", "from": "anna", "to": "acme", "text": text} for n, text in enumerate(NAUGHTY)),
        *({"id": text or "none", "from": text, "to": text, "text": "x"} for text in NAUGHTY),
    ]
    assert await house.send(*written) == 200
    await house.work()
    assert await house.verdicts() == {"applied": 2 * len(NAUGHTY)}
    assert await house.applied() == NAUGHTY
    for text in NAUGHTY:
        assert await house.applied(GLOBEX, sender=text) == ["x"]


async def test_text_that_a_database_cannot_hold_reaches_the_source_and_is_no_bug(house: House) -> None:
    house.source.owners["\N{REPLACEMENT CHARACTER}"] = GLOBEX
    texts = ["' OR 1=1 --", "{{7*7}}", "../../etc/passwd", "<script>alert(1)</script>", "\r\nSet-Cookie: a=b", "%s%n"]
    await house.send(
        *({"id": text, "from": text, "to": "globex", "text": text} for text in texts),
        {"id": "\0", "from": "\0", "to": "\0", "text": "fine"},
    )
    await house.work()
    assert await house.verdicts() == {"applied": len(texts) + 1}
    for text in texts:
        assert await house.applied(GLOBEX, sender=text) == [text]


async def test_a_text_with_nul_is_the_sources_trouble_and_quarantined(house: House) -> None:
    """The database of this source refuses NUL in text; a real one cleans what it stores."""
    await house.send(letter(1, text="a\0b"), letter(1, sender="berta"))
    await house.work()
    assert await house.verdicts() == {"quarantined": 1, "applied": 1}


async def test_times_out_of_this_world_are_none(place: TestDatabase, database: Database) -> None:
    times = [datetime.max.replace(tzinfo=UTC), datetime.min, datetime(2026, 1, 1)]  # noqa: DTZ001, DTZ901

    class Timed(Letters):
        def split(self, body: bytes) -> Sequence[Item]:
            return [
                Item(str(place), "anna", "acme", "letter", b'"x"', time)
                for place, time in enumerate(times * len(json.loads(body)))
            ]

    async with opened(place, database, Timed()) as house:
        await house.post(delivery())
        await house.work()
        rows = await house.rows("SELECT occurred_at FROM intake_items ORDER BY seq")
        assert [row["occurred_at"] for row in rows] == [None, None, datetime(2026, 1, 1, tzinfo=UTC)]


async def test_a_source_that_fails_over_a_delivery_makes_it_unreadable_and_goes_on(
    place: TestDatabase, database: Database
) -> None:
    class Brittle(Letters):
        def split(self, body: bytes) -> Sequence[Item]:
            if b"crash" in body:
                raise ZeroDivisionError
            return super().split(body)

    async with opened(place, database, Brittle()) as house:
        await house.post(b"crash")
        await house.send(letter(1))
        await house.work()
        assert await house.applied() == ["1"]
        assert (await house.intake.desk.unreadable())[0].reason == "ZeroDivisionError"


async def test_a_source_that_fails_over_a_signature_lets_nobody_in(place: TestDatabase, database: Database) -> None:
    class Brittle(Letters):
        def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
            return super().genuine({"x-signature": headers["another"]}, body)

    async with opened(place, database, Brittle()) as house:
        assert await house.send(letter(1)) == 403


@given(text=st.text(), most=st.integers(40, 80))
def test_what_is_stored_fits_and_stays_itself(text: str, most: int) -> None:
    stored = storable(text, most)
    assert len(stored) <= most
    assert "\0" not in stored
    stored.encode()
    assert storable(stored, most) == stored
    long = text + "x" * most
    assert storable(long, most) != storable(long + "y", most)


@pytest.mark.parametrize("text", ["\ud800", "a\0b", "x" * 600])
def test_odd_ids_become_ids_of_their_own(text: str) -> None:
    assert storable(text, 512) != storable(text + "!", 512)

"""A service's part of an export: whole, once, in pieces of bounded size, whatever goes wrong on the way."""

import base64
import hashlib
from collections import defaultdict
from typing import Any

import orjson
import pytest

from contracts.privacy import AnswersExport
from kit.errors import TransientError
from kit.ids import new_id
from kit.privacy.handover import PIECE, NotWanted
from kit.privacy.person import Person
from kit.seal import SealBroken
from kit.testing.handing_over import by_table

from .conftest import House, Pages

LARGEST_REQUEST = 1024 * 1024


class Killed(BaseException):
    """The process is gone."""


async def part(house: House, person: Person, answer: AnswersExport) -> list[dict[str, Any]]:
    """The lines of what was answered, after a look at how many pieces they came in."""
    lines = await house.handover.lines(house.keyring, "sample", person, answer.export_id, answer.attempt)
    numbers = [key[2] for key in house.handover.pieces if key[:2] == (answer.export_id, answer.attempt)]
    assert sorted(numbers) == list(range(answer.pieces))
    return list(lines)


async def test_what_somebody_wrote_is_handed_over_once_also_when_it_is_asked_twice(house: House) -> None:
    person, other = house.contact(), house.contact()
    await house.writes(person, ["one", "two", "three"])
    await house.writes(other, ["theirs"])
    export_id = await house.wants_export(person, times=3)
    await house.work()
    (answer,) = await house.answers()
    assert (answer.export_id, answer.attempt, answer.pieces, answer.version) == (export_id, 1, 1, 1)
    assert answer.rows == {"pages": 3}
    rows = by_table(await part(house, person, answer))
    assert [each["text"] for each in rows["pages"]] == ["one", "two", "three"]


async def test_of_nobody_nothing_is_handed_over_and_that_is_said(house: House) -> None:
    await house.wants_export(house.contact())
    await house.wants_export(Person("user", new_id()))
    await house.work()
    assert [(each.pieces, each.rows) for each in await house.answers()] == [(0, {}), (0, {})]


async def test_many_rows_large_rows_and_files_come_in_pieces_that_a_request_can_bring(house: House) -> None:
    person = house.contact()
    texts = [f"{number} " + "ä" * 30_000 for number in range(40)]
    huge = "x" * 3_000_000
    await house.writes(person, [*texts[:20], huge, *texts[20:]])
    content = hashlib.sha256(b"seed").digest() * 50_000
    house.pages.files = [
        ("files/large", [content[at : at + 700_000] for at in range(0, len(content), 700_000)]),
        ("files/empty", []),
        ("files/small", [b"hello"]),
    ]
    await house.wants_export(person)
    await house.work()
    (answer,) = await house.answers()
    assert answer.rows == {"pages": 41}
    assert answer.pieces > 10
    assert max(map(len, house.handover.pieces.values())) < LARGEST_REQUEST
    assert min(map(len, house.handover.pieces.values())) < PIECE < LARGEST_REQUEST / 2
    lines = await part(house, person, answer)
    rows = by_table(lines)["pages"]
    assert [each["text"] for each in rows if "text" in each] == texts
    (named,) = (each["file"] for each in rows if "file" in each)
    files: dict[str, bytes] = defaultdict(bytes)
    order: list[str] = []
    for line in lines:
        if "file" in line:
            files[line["file"]] += base64.b64decode(line["data"])
            order += [] if order and order[-1] == line["file"] else [line["file"]]
    assert order == [named, "files/large", "files/empty", "files/small"]
    assert (files["files/large"], files["files/empty"], files["files/small"]) == (content, b"", b"hello")
    assert orjson.loads(files[named])["text"] == huge


@pytest.mark.parametrize("dies_at", [0, 1, 2])
async def test_killed_before_any_piece_a_later_attempt_is_whole_and_the_first_is_void(
    house: House, dies_at: int
) -> None:
    person = house.contact()
    texts = [f"{number}" + "x" * 200_000 for number in range(5)]
    await house.writes(person, texts)
    export_id = await house.wants_export(person)
    house.handover.troubles = [*[None] * dies_at, Killed()]
    with pytest.raises(Killed):
        await house.answering().work()
    assert len(house.handover.pieces) == dies_at
    assert not await house.answering().work()
    await house.forward(301)
    await house.work()
    (answer,) = await house.answers()
    assert (answer.export_id, answer.attempt, answer.rows) == (export_id, 2, {"pages": 5})
    assert [each["text"] for each in by_table(await part(house, person, answer))["pages"]] == texts


async def test_killed_after_the_last_piece_it_is_answered_for_once(house: House) -> None:
    person = house.contact()
    await house.writes(person, ["one"])
    await house.wants_export(person)

    class Dying(Pages):
        async def export(self, person: Person, organization_ids: Any) -> Any:
            async for found in super().export(person, organization_ids):
                yield found
            raise Killed

    with pytest.raises(Killed):
        await house.answering(Dying(house.database)).work()
    await house.forward(301)
    await house.work()
    assert [each.attempt for each in await house.answers()] == [2]


async def test_a_compliance_that_is_away_is_tried_again(house: House) -> None:
    person = house.contact()
    await house.writes(person, [f"{number}" + "x" * 200_000 for number in range(5)])
    await house.wants_export(person)
    house.handover.troubles = [None, TransientError()]
    await house.work()
    assert await house.answers() == []
    await house.forward(2)
    await house.work()
    (answer,) = await house.answers()
    assert (answer.attempt, answer.rows) == (2, {"pages": 5})
    assert len(await part(house, person, answer)) == 5


async def test_what_nobody_waits_for_any_more_is_not_handed_over_for_ever(house: House) -> None:
    person = house.contact()
    await house.writes(person, ["one"])
    export_id = await house.wants_export(person)
    house.handover.troubles = [NotWanted()]
    await house.work()
    assert await house.state(export_id) == "done"
    assert await house.answers() == []
    await house.forward(4000)
    await house.work()
    assert house.handover.puts == 1


async def test_who_lost_the_task_hands_nothing_more_over(house: House) -> None:
    """The lease ends while somebody reads; another worker has begun anew, and the first finds out before a piece."""
    person = house.contact()
    await house.writes(person, ["one"])
    await house.wants_export(person)

    async def another(now: str) -> None:
        if now == "export 0" and not await house.answers():
            house.pages.happens = _nothing
            await house.forward(301)
            await house.work()

    await house.answering(Pages(house.database, another)).work()
    assert [each.attempt for each in await house.answers()] == [2]
    assert {key[1] for key in house.handover.pieces} == {2}


async def _nothing(_moment: str) -> None:
    """Nothing happens."""


async def test_whose_key_is_gone_there_is_nothing_to_hand_over_of(house: House) -> None:
    person = house.contact()
    await house.writes(person, ["one"])
    async with house.database.transaction(house.organization_id) as tx:
        await house.keyring.shred(tx, house.organization_id, person.key_owner)
    await house.wants_export(person)
    await house.work()
    (answer,) = await house.answers()
    assert (answer.pieces, answer.rows) == (0, {})


async def test_a_piece_opens_only_in_its_place_and_for_its_organization(house: House) -> None:
    person = house.contact()
    await house.writes(person, ["one"])
    export_id = await house.wants_export(person)
    await house.work()
    (sealed,) = house.handover.pieces.values()
    assert b"one" not in sealed
    (answer,) = await house.answers()
    assert await house.handover.lines(house.keyring, "sample", person, export_id, answer.attempt)
    for service, attempt in (("other", 1), ("sample", 2)):
        house.handover.pieces = {(export_id, attempt, 0): sealed}
        with pytest.raises(SealBroken):
            await house.handover.lines(house.keyring, service, person, export_id, attempt)

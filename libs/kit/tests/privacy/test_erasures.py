"""An erasure goes step by step: whatever dies, comes late or comes twice, it ends once and its counts are right."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from kit.db.database import Transaction
from kit.errors import TransientError
from kit.ids import new_id
from kit.privacy.holding import Blocked, Erased, Holdings
from kit.privacy.person import Person
from kit.privacy.requests import RequestKeys

from .conftest import House, Pages, organizations

WORDS = ["one", "two", "three", "four", "five"]


class Killed(BaseException):
    """The process is gone."""


async def test_an_erasure_ends_with_what_was_counted_and_the_same_event_twice_is_one(house: House) -> None:
    person, other = house.contact(), house.contact()
    await house.writes(person, WORDS, stickers=True)
    await house.writes(other, ["theirs"], stickers=True)
    erasure_id = await house.wants_erasure(person, times=3)
    await house.work()
    (answer,) = await house.answers()
    assert (answer.erasure_id, answer.outcome, answer.version) == (erasure_id, "done", 1)
    assert answer.organization_id == house.organization_id
    assert answer.removed == {"pages": 5, "stickers": 5}
    assert (answer.anonymised, answer.kept, answer.kept_because, answer.keys, answer.blocked_by) == (
        {},
        {},
        {},
        [],
        None,
    )
    assert [row["text"] for row in await house.ask("SELECT text FROM pages")] == ["theirs"]
    assert [row["page_text"] for row in await house.ask("SELECT page_text FROM stickers")] == ["theirs"]
    await house.wants_erasure(person)  # asked anew, there is nothing
    await house.work()
    assert [each.removed for each in await house.answers()] == [answer.removed, {"pages": 0, "stickers": 0}]


@pytest.mark.parametrize("way", ["erase", "anonymise"])
@pytest.mark.parametrize("moment", ["begin", "end"])
@pytest.mark.parametrize("step", [0, 1, 2])
async def test_killed_between_any_two_steps_another_goes_on_when_the_lease_is_over(
    house: House, way: str, moment: str, step: int
) -> None:
    person = house.contact()
    await house.writes(person, WORDS, stickers=True)
    erasure_id = await house.wants_erasure(person, way)
    seen: list[str] = []

    async def dies(now: str) -> None:
        seen.append(now)
        if seen.count(moment) == step + 1 and now == moment:
            raise Killed

    with pytest.raises(Killed):
        await house.answering(Pages(house.database, dies)).work()
    assert not await house.answering().work()
    await house.forward(301)
    await house.work()
    assert await house.state(erasure_id) == "done"
    (answer,) = await house.answers()
    gone = {"pages": 5, "stickers": 5} if way == "erase" else {"stickers": 5}
    assert (answer.removed, answer.anonymised) == (gone, {} if way == "erase" else {"pages": 5})


async def test_two_workers_never_work_at_one_task(house: House) -> None:
    people = [house.contact() for _ in range(6)]
    for person in people:
        await house.writes(person, WORDS)
        await house.wants_erasure(person)
    await asyncio.gather(*(house.work() for _ in range(3)))
    answers = await house.answers()
    assert sorted(each.removed["pages"] for each in answers) == [5] * 6
    assert len({each.erasure_id for each in answers}) == 6
    assert await house.ask("SELECT FROM pages") == []


async def test_whose_lease_has_lapsed_changes_nothing_any_more(house: House) -> None:
    """A worker that was stopped for long wakes up between two steps, when another has taken the task."""
    user = Person("user", new_id())
    await house.writes(user, WORDS)
    await house.wants_erasure(user)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def sleeping(tx: Transaction, person: Person) -> Sequence[UUID]:
        reached.set()
        await go_on.wait()
        return await organizations(tx, person)

    answering = house.answering()
    slow = asyncio.create_task(replace(answering, holdings=Holdings([house.pages], sleeping)).work())
    await reached.wait()
    await house.forward(301)
    await house.work()
    assert [each.removed["pages"] for each in await house.answers()] == [5]
    await house.writes(user, ["late"])
    go_on.set()
    assert await slow
    assert len(await house.answers()) == 1
    assert [row["text"] for row in await house.ask("SELECT text FROM pages")] == ["late"]


async def test_who_is_blocked_says_so_and_is_through_once_it_is_settled(house: House) -> None:
    person = house.contact()
    await house.writes(person, WORDS)
    erasure_id = await house.wants_erasure(person)
    house.pages.in_the_way = ["last_owner"]
    await house.work()
    (blocked,) = await house.answers()
    assert (blocked.outcome, blocked.blocked_by, blocked.version) == ("blocked", "last_owner", 1)
    await house.work()
    assert len(await house.answers()) == 1, "it is not asked again at once"
    await house.forward(3601)
    await house.work()
    house.pages.in_the_way = []
    await house.forward(3601)
    await house.work()
    assert [(each.outcome, each.version) for each in await house.answers()] == [
        ("blocked", 1),
        ("blocked", 2),
        ("done", 3),
    ]
    assert await house.state(erasure_id) == "done"


async def test_what_was_erased_before_something_stood_in_the_way_is_counted(house: House) -> None:
    person = house.contact()
    await house.writes(person, WORDS)

    class Last(Pages):
        async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
            _ = tx, person, way
            raise Blocked("last_owner")

    await house.wants_erasure(person)
    await house.answering(house.pages, Last(house.database)).work()
    (blocked,) = await house.answers()
    assert (blocked.outcome, blocked.removed) == ("blocked", {"pages": 5, "stickers": 0})


async def test_what_came_meanwhile_goes_in_another_round(house: House) -> None:
    person, late = house.contact(), [False]

    class Last(Pages):
        """Comes after the pages; by then somebody has written again, once."""

        async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
            _ = way
            if not late[0]:
                late[0] = True
                await tx.execute(
                    "INSERT INTO pages (id, organization_id, person_id, text) VALUES ($1, $2, $3, 'late')",
                    new_id(),
                    tx.organization_id,
                    person.id,
                )
            return Erased()

    await house.writes(person, WORDS)
    erasure_id = await house.wants_erasure(person)
    house.others = [Last(house.database)]
    await house.work()
    assert await house.answers() == []
    assert await house.state(erasure_id) == "open"
    await house.forward(2)
    await house.work()
    (answer,) = await house.answers()
    assert (answer.outcome, answer.removed["pages"]) == ("done", 6)


async def test_what_cannot_be_now_is_tried_again_with_longer_and_longer_pauses(house: House) -> None:
    person = house.contact()
    await house.writes(person, WORDS)
    erasure_id = await house.wants_erasure(person)
    tried: list[str] = []

    async def fails(now: str) -> None:
        if now == "begin":
            tried.append(now)
            raise TransientError

    house.pages.happens = fails
    for times, pause in enumerate((1, 10, 60, 300, 300), start=1):
        await house.work()
        assert len(tried) == times
        await house.forward(pause - 0.5)
        await house.work()
        assert len(tried) == times
        await house.forward(1)
    assert await house.answers() == []
    house.pages = replace(house.pages, happens=_nothing)
    await house.work()
    assert await house.state(erasure_id) == "done"


async def _nothing(_moment: str) -> None:
    """Nothing happens."""


async def test_a_bug_over_one_person_holds_up_nobody_else(house: House) -> None:
    broken, sound = house.contact(), house.contact()

    class Broken(Pages):
        async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
            if person == broken:
                raise LookupError
            return await super().erase(tx, person, way)

    house.pages = Broken(house.database)
    for person in (broken, sound):
        await house.writes(person, WORDS)
        await house.wants_erasure(person)
    await house.work()
    (answer,) = await house.answers()
    assert answer.removed["pages"] == 5
    assert len(await house.ask("SELECT FROM pages")) == 5


async def test_a_user_is_erased_wherever_they_are_known_and_their_answer_belongs_to_nobody(house: House) -> None:
    user, places = Person("user", new_id()), [new_id() for _ in range(2)]
    for place in places:
        await house.writes(user, WORDS, by=place)
    await house.ask(
        """
        INSERT INTO idempotency_keys (principal, key, operation, fingerprint)
        VALUES ($1, 'one', 'x', ''), ($2, 'one', 'x', '')
        """,
        f"{user.id}/{places[0]}",
        f"{new_id()}/{places[0]}",
    )
    house.others = [RequestKeys(house.database)]
    await house.wants_erasure(user)
    await house.work()
    await house.wants_erasure(lonely := Person("user", new_id()))
    await house.writes(lonely, ["in one place only"], by=places[0])
    await house.work()
    first, second = await house.answers()
    assert (first.organization_id, first.removed) == (None, {"pages": 10, "stickers": 0, "idempotency_keys": 1})
    assert (second.organization_id, second.removed["pages"]) == (None, 1)
    assert len(await house.ask("SELECT FROM idempotency_keys")) == 1


async def test_a_user_whom_nobody_knows_is_answered_for(house: House) -> None:
    await house.wants_erasure(Person("user", new_id()))
    await house.work()
    (answer,) = await house.answers()
    assert (answer.outcome, answer.removed) == ("done", {"pages": 0, "stickers": 0})


async def test_rows_that_lead_to_nobody_since_do_not_excuse_rows_that_still_do(house: House) -> None:
    """Three links were emptied; three others that came meanwhile are not taken for them."""
    person = house.contact()

    class Unlinking(Pages):
        async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
            _ = way
            count = await tx.execute("UPDATE pages SET person_id = NULL WHERE person_id = $1", person.id)
            if count == 3:
                await tx.execute(
                    """
                    INSERT INTO pages (id, organization_id, person_id)
                    SELECT gen_random_uuid(), $1, $2 FROM generate_series(1, 2)
                    """,
                    tx.organization_id,
                    person.id,
                )
            return Erased(unlinked={"pages": count})

    house.pages = Unlinking(house.database)
    await house.writes(person, WORDS[:3])
    erasure_id = await house.wants_erasure(person)
    await house.work()
    assert await house.answers() == []
    await house.forward(2)
    await house.work()
    assert await house.state(erasure_id) == "done"
    (answer,) = await house.answers()
    assert answer.anonymised == {"pages": 5}


async def test_what_is_kept_for_a_reason_is_told_with_it_and_counts_as_done(house: House) -> None:
    person = house.contact()

    class Keeping(Pages):
        async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
            _ = way
            kept: int = await tx.fetchval("SELECT count(*) FROM pages WHERE person_id = $1", person.id)
            return Erased(kept={"pages": kept}, because={"pages": "audit"}, keys=[f"page:{person.id}"])

    house.pages = Keeping(house.database)
    await house.writes(person, WORDS)
    await house.wants_erasure(person)
    await house.work()
    (answer,) = await house.answers()
    assert (answer.outcome, answer.kept, answer.kept_because) == ("done", {"pages": 5}, {"pages": "audit"})
    assert answer.keys == [f"page:{person.id}"]


async def test_tasks_are_forgotten_ninety_days_after_they_were_done(house: House) -> None:
    done, waiting = house.contact(), house.contact()
    await house.wants_erasure(done)
    await house.work()
    house.pages.in_the_way = ["last_owner"]
    await house.writes(waiting, WORDS)
    await house.wants_erasure(waiting)
    purge = next(loop for loop in house.answering().loops() if loop.name == "purge privacy tasks").work
    for days, left in ((89, 2), (2, 1)):
        await house.forward(days * 86400)
        await purge()  # type: ignore[call-arg]
        assert len(await house.ask("SELECT FROM privacy_tasks")) == left

import asyncio
from collections.abc import Sequence

from kit.db.database import Database, Transaction
from kit.db.provision import move_clock
from kit.errors import DomainError, TransientError
from kit.intake.keeping import Watch
from kit.intake.model import Quarantined, Received, Verdict
from kit.intake.reducing import fitting
from kit.intake.splitting import Splitter
from kit.telemetry import tracing
from kit.testing.databases import TestDatabase
from kit.testing.letters import ACME, GLOBEX, PATH, Letters, delivery, keyring, letter, signed

from .conftest import House, opened, until


async def test_a_delivery_is_stored_answered_and_applied_in_order(house: House) -> None:
    assert await house.send(letter(1), letter(2)) == 200
    assert await house.send(letter(3)) == 200
    assert await house.applied() == []
    await house.work()
    assert await house.applied() == ["1", "2", "3"]
    assert await house.verdicts() == {"applied": 3}


async def test_two_tenants_are_applied_each_in_its_own_organization(house: House) -> None:
    await house.send(letter(1), letter(1, to="globex"), letter(2), letter(2, to="globex"))
    await house.work()
    assert await house.applied(ACME) == ["1", "2"]
    assert await house.applied(GLOBEX) == ["1", "2"]
    rows = await house.rows("SELECT tenant, organization_id FROM intake_items ORDER BY seq")
    assert {(row["tenant"], row["organization_id"]) for row in rows} == {("acme", ACME), ("globex", GLOBEX)}


async def test_the_same_delivery_twice_is_applied_once(house: House) -> None:
    for _ in range(2):
        assert await house.send(letter(1), letter(2)) == 200
    await house.work()
    assert await house.send(letter(2)) == 200
    await house.work()
    assert await house.applied() == ["1", "2"]
    assert await house.verdicts() == {"applied": 2, "duplicate": 3}
    rows = await house.rows("SELECT content FROM intake_items WHERE verdict = 'duplicate'")
    assert {row["content"] for row in rows} == {b""}


async def test_the_same_item_in_many_concurrent_deliveries_is_applied_once(house: House) -> None:
    async with house.working(2):
        answers = await asyncio.gather(
            *(house.send(letter(1), letter(number), letter(number)) for number in range(2, 42))
        )
        assert set(answers) == {200}
        await until(house.settled)
    assert sorted(await house.applied()) == sorted(str(number) for number in range(1, 42))
    assert await house.verdicts() == {"applied": 41, "duplicate": 79}


async def test_an_item_without_an_id_is_nobodys_duplicate(house: House) -> None:
    await house.send({**letter(1), "id": ""}, {**letter(2), "id": ""})
    await house.send({**letter(3), "id": ""})
    await house.work()
    assert await house.applied() == ["1", "2", "3"]


async def test_many_workers_keep_the_order_of_each_key(house: House) -> None:
    senders = [f"s{number}" for number in range(8)]
    async with house.working(3):
        for number in range(0, 40, 2):
            written = [letter(each, sender=sender) for sender in senders for each in (number, number + 1)]
            assert await house.send(*written) == 200
        await until(house.settled)
    for sender in senders:
        assert await house.applied(sender=sender) == [str(number) for number in range(40)]
    assert await house.verdicts() == {"applied": 320}


async def test_what_goes_wrong_with_one_item_stops_no_other_key(house: House) -> None:
    async def wrong() -> Verdict | None:
        raise ZeroDivisionError

    house.source.trouble["bad"] = wrong
    await house.send(letter(1), letter(2, text="bad"), letter(3), letter(1, sender="berta"), letter(1, to="globex"))
    async with house.working():
        await until(lambda: house.applied(sender="berta"), equals=["1"])
        await until(lambda: house.applied(GLOBEX), equals=["1"])
        await until(house.settled)
    assert await house.applied() == ["1", "3"]
    (row,) = await house.rows("SELECT reason, attempts FROM intake_items WHERE verdict = 'quarantined'")
    assert (row["reason"], row["attempts"]) == ("ZeroDivisionError", 3)


async def test_a_rule_that_refuses_an_item_quarantines_it_at_once_with_its_title(house: House) -> None:
    class LetterUnstamped(DomainError):
        """There is no stamp on it."""

    async def refuse() -> Verdict | None:
        raise LetterUnstamped("a detail that may name a person")

    async def doubt() -> Verdict | None:
        return Quarantined("in doubt")

    house.source.trouble |= {"unstamped": refuse, "doubtful": doubt}
    await house.send(letter(1, text="unstamped"), letter(2, text="doubtful"), letter(3))
    await house.work()
    rows = await house.rows("SELECT reason, attempts FROM intake_items WHERE verdict = 'quarantined' ORDER BY seq")
    assert [tuple(row) for row in rows] == [("There is no stamp on it.", 1), ("in doubt", 1)]
    assert (await house.applied())[-1] == "3"


async def test_a_passing_trouble_is_waited_for_and_keeps_the_order(house: House) -> None:
    tries = 0

    async def away() -> Verdict | None:
        nonlocal tries
        tries += 1
        if tries < 8:
            raise TransientError(retry_after=0.0)
        return None

    house.source.trouble["2"] = away
    await house.send(letter(1), letter(2), letter(3), letter(1, sender="berta"))
    async with house.working(2):
        await until(lambda: house.applied(sender="berta"), equals=["1"])
        await until(house.settled)
    assert await house.applied() == ["1", "2", "3"]
    assert await house.verdicts() == {"applied": 4}


async def test_a_source_that_miscounts_its_verdicts_changes_nothing(place: TestDatabase, database: Database) -> None:
    class Careless(Letters):
        async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
            return (await super().apply(tx, items))[1:]

    async with opened(place, database, Careless()) as house:
        await house.send(letter(1))
        await house.work()
        assert await house.applied() == []
        assert [row["reason"] for row in await house.rows("SELECT reason FROM intake_items")] == ["WrongVerdicts"]


async def test_a_verdict_is_given_without_waiting_for_a_poll(place: TestDatabase, database: Database) -> None:
    """With a poll of an hour, only hints can have brought them."""
    async with opened(place, database, Letters(), poll=3600) as house, house.working():
        for number in range(21):
            await house.send(letter(number))
            await until(house.settled)
        assert await house.verdicts() == {"applied": 21}


async def test_nothing_that_came_in_is_unaccounted_for(house: House) -> None:
    async def wrong() -> Verdict | None:
        raise DomainError

    house.source.trouble["bad"] = wrong
    watch = Watch(house.database)
    await house.send(letter(1), letter(2, text="bad"), letter(3, to="nobody"))
    await house.send(letter(1), letter(4))
    await house.post(b"not json")
    async with house.working():
        await until(house.settled)
        await until(lambda: house.value("SELECT count(*) FROM intake_keys"), equals=0)
    promised = await house.value("SELECT sum(items) FROM intake_deliveries")
    assert promised == sum((await house.verdicts()).values()) == 5
    assert await watch.unaccounted() == {("letters",): 0.0}
    assert await watch.undecided() == {("letters",): 0}
    assert await watch.doubtful() == {("letters",): 3}
    await house.database.statement("DELETE FROM intake_items WHERE verdict = 'duplicate'")
    assert await watch.unaccounted() == {("letters",): 1.0}


async def test_moving_the_platforms_clock_back_makes_nobody_wait(house: House) -> None:
    await move_clock(house.place.admin_url, 86400)
    await house.send(letter(1))
    await house.work()
    await house.send(letter(2))
    async with house.working():
        await move_clock(house.place.admin_url, None)
        await house.send(letter(3))
        await until(house.settled)
    assert await house.applied() == ["1", "2", "3"]


async def test_what_follows_from_a_delivery_belongs_to_its_trace(house: House) -> None:
    seen: list[str] = []

    async def look() -> Verdict | None:
        seen.append(tracing.current_traceparent() or "")
        return None

    house.source.trouble["1"] = look
    body = delivery(letter(1))
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {**signed(body), "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    assert (await house.client.post(PATH, content=body, headers=headers)).status_code == 200
    await house.work()
    assert [each.split("-")[1] for each in seen] == [trace]


async def test_shuffled_deliveries_are_all_applied_in_the_order_in_which_they_came(house: House) -> None:
    numbers = [7, 3, 9, 1, 8, 2, 6, 4, 5, 3, 7]
    for number in numbers:
        await house.send(letter(number), letter(number, to="globex"))
    await house.work(3)
    expected = [str(number) for number in dict.fromkeys(numbers)]
    assert await house.applied() == expected
    assert await house.applied(GLOBEX) == expected


async def test_an_item_whose_seal_is_broken_stops_nobody(house: House) -> None:
    await house.send(letter(1), letter(2), letter(1, sender="berta"))
    splitter = Splitter(house.database, keyring(house.database), house.source, lease=60)
    await splitter.register()
    await splitter.step()
    await house.rows(
        "UPDATE intake_items SET content = set_byte(content, 45, 255 - get_byte(content, 45)) WHERE seq = 1"
    )
    await house.work()
    assert await house.applied() == ["2"]
    assert await house.applied(sender="berta") == ["1"]
    assert [item.reason for item in await house.intake.desk.list()] == ["it cannot be unsealed"]


def test_a_claim_grows_while_it_is_quickly_done_and_shrinks_when_it_takes_long() -> None:
    """Items of a claim wait for its last one, so slow sources and busy machines get small claims; never tiny ones."""
    assert fitting(8, 8, 0.005) == 16
    assert fitting(8, 5, 0.005) == 8
    assert fitting(100, 100, 0.005) == 100
    assert fitting(64, 64, 0.05) == 64
    assert fitting(64, 40, 0.5) == 20
    assert fitting(8, 8, 10.0) == 8

"""What one sender has sent is let go of, and what came with it from others can still be applied."""

import pytest

from kit.intake.desk import Choice
from kit.intake.forgetting import Undecided, forget_items, forget_lanes, kept_of_lanes, lane_of
from kit.testing.letters import ACME, GLOBEX, keyring, letter

from .conftest import House

ANNA = [lane_of("anna")]


async def test_a_senders_items_go_in_batches_with_the_bodies_they_came_in(house: House) -> None:
    for number in range(5):
        await house.send(letter(number), letter(number, sender="bob"))
    await house.send(letter(9, sender="bob"))
    await house.work()
    await house.send(letter(1))  # a duplicate
    await house.work()
    counts: list[int] = []
    while not counts or counts[-1] == 4:
        async with house.database.transaction(ACME) as tx:
            counts.append(await forget_lanes(tx, "letters", ACME, ANNA, 4))
    assert counts == [4, 2]
    assert await house.verdicts() == {"applied": 6}
    bodies = await house.rows("SELECT octet_length(body) AS size, items FROM intake_deliveries ORDER BY seq")
    assert [(each["size"] > 0, each["items"]) for each in bodies] == [(False, 1)] * 5 + [(True, 1), (False, 0)]
    assert await house.intake.desk.list(state="quarantined") == []
    rest = await house.intake.desk.list(state="applied")
    assert await house.intake.replay(Choice(ids=[each.id for each in rest])) == 6
    await house.work()
    assert await house.applied(sender="bob") == [*"01234", "9"] * 2


async def test_what_waits_for_its_verdict_is_waited_for(house: House) -> None:
    await house.send(letter(1))
    await house.work()
    (item,) = await house.intake.desk.list(state="applied")
    await house.intake.replay(Choice(ids=[item.id]))
    async with house.database.transaction(ACME) as tx:
        with pytest.raises(Undecided):
            await forget_lanes(tx, "letters", ACME, ANNA)
    async with house.database.transaction(ACME) as tx:  # by its id it is meant, whatever waits
        assert await forget_items(tx, "letters", ACME, ["acme-anna-1", "acme-anna-2"]) == 1
    await house.work()
    assert await house.verdicts() == {}
    assert await house.value("SELECT count(*) FROM intake_keys") == 0


async def test_another_organizations_items_of_the_same_sender_stay(house: House) -> None:
    await house.send(letter(1), letter(2, to="globex"))
    await house.work()
    async with house.database.transaction(ACME) as tx:
        assert await forget_lanes(tx, "letters", ACME, ANNA) == 1
        assert await forget_items(tx, "letters", ACME, ["globex-anna-2"]) == 0
    assert await house.applied(GLOBEX) == ["2"]
    assert await house.verdicts() == {"applied": 1}


async def test_what_is_kept_of_a_sender_is_handed_over_page_by_page(house: House) -> None:
    await house.send(*(letter(number) for number in range(5)), letter(7, sender="bob"))
    await house.send(letter(1))
    await house.work()
    found, after = [], None
    while True:
        async with house.database.transaction(ACME) as tx:
            page = await kept_of_lanes(tx, keyring(house.database), "letters", ACME, ANNA, after=after, at_most=2)
        found += page
        if len(page) < 2:
            break
        after = page[-1].id
    assert [each.content for each in found] == [f'"{number}"'.encode() for number in range(5)]
    assert {each.verdict for each in found} == {"applied"}

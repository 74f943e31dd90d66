import io
from argparse import ArgumentParser

import pytest
from rich.console import Console

from kit.db.provision import move_clock
from kit.errors import Invalid
from kit.http.app import create_app
from kit.intake import cli
from kit.intake.desk import Choice, Desk, NotReceived
from kit.intake.keeping import purge
from kit.intake.model import Verdict
from kit.intake.router import router
from kit.testing.letters import GLOBEX, delivery, keyring, letter

from .conftest import House, served, until


async def test_letters_for_an_unknown_tenant_wait_in_quarantine_and_are_applied_in_order_when_replayed(
    house: House,
) -> None:
    await house.send(*(letter(number, to="initech") for number in range(1, 6)), letter(1))
    await house.work()
    assert await house.verdicts() == {"quarantined": 5, "applied": 1}
    listed = await house.intake.desk.list(source="letters", reason="unknown initech")
    assert [item.reason for item in listed] == ["unknown initech"] * 5
    house.source.owners["initech"] = GLOBEX
    assert await house.intake.replay(Choice(source="letters", reason="unknown initech")) == 5
    await house.work(3)
    assert await house.applied(GLOBEX) == ["1", "2", "3", "4", "5"]
    assert {item.generation for item in await house.intake.desk.list(state="applied")} == {0, 1}
    assert await house.intake.replay(Choice(source="letters", reason="unknown initech")) == 0


async def test_a_replayed_item_is_still_nobodys_second(house: House) -> None:
    await house.send(letter(1, to="initech"))
    await house.work()
    await house.send(letter(1, to="initech"))
    await house.work()
    assert await house.verdicts() == {"quarantined": 1, "duplicate": 1}
    house.source.owners["initech"] = GLOBEX
    await house.intake.replay(Choice(ids=[(await house.intake.desk.list())[0].id]))
    await house.work()
    assert await house.applied(GLOBEX) == ["1"]


async def test_a_replay_while_workers_run_ends_though_all_are_quarantined_again(house: House) -> None:
    await house.send(*(letter(number, sender=f"s{number}", to="initech") for number in range(30)))
    async with house.working(2):
        await until(house.settled)
        for _ in range(3):
            assert await house.intake.replay(Choice(source="letters", reason="unknown initech")) == 30
            await until(house.settled)
    assert await house.verdicts() == {"quarantined": 30}
    assert {item.generation for item in await house.intake.desk.list()} == {3}


async def test_what_was_applied_can_be_replayed_by_its_id_alone(house: House) -> None:
    await house.send(letter(1))
    await house.work()
    (item,) = await house.intake.desk.list(state="applied")
    assert await house.intake.replay(Choice(since=item.received_at)) == 0
    assert await house.intake.replay(Choice(ids=[item.id])) == 1
    await house.work()
    assert await house.applied() == ["1", "1"]


async def test_what_is_discarded_stays_so_until_somebody_names_it(house: House) -> None:
    await house.send(letter(1, to="initech"), letter(2, to="initech"))
    await house.work()
    first, second = await house.intake.desk.list()
    assert await house.intake.discard(Choice(ids=[first.id])) == 1
    assert await house.intake.replay(Choice(since=first.received_at)) == 1
    await house.work()
    assert await house.verdicts() == {"quarantined": 1, "discarded": 1}
    assert await house.intake.discard(Choice(source="letters", reason="unknown initech")) == 1
    assert await house.intake.replay(Choice(ids=[first.id, second.id])) == 2


async def test_a_delivery_that_nobody_can_read_is_kept_and_can_be_replayed(house: House) -> None:
    await house.post(b"not json")
    await house.work()
    (unreadable,) = await house.intake.desk.unreadable()
    assert (unreadable.state, unreadable.items, unreadable.bytes) == ("unreadable", 0, 8)
    assert unreadable.reason == "not a list of letters: JSONDecodeError"
    assert await house.intake.replay(Choice(ids=[unreadable.id])) == 1
    await house.work()
    (again,) = await house.intake.desk.unreadable()
    assert again.generation == 1
    assert await house.intake.discard(Choice(ids=[unreadable.id])) == 1
    assert await house.intake.desk.unreadable() == []


@pytest.mark.parametrize("choice", [Choice(), Choice(source="letters"), Choice(reason="unknown initech")])
async def test_everything_at_once_is_not_a_choice(house: House, choice: Choice) -> None:
    with pytest.raises(Invalid):
        await house.intake.replay(choice)
    with pytest.raises(Invalid):
        await house.intake.discard(choice)


async def test_what_was_received_is_shown_on_the_command_line_alone_and_only_when_asked_for(house: House) -> None:
    await house.send(letter(1, text="between us", to="initech"))
    await house.work()
    (item,) = await house.intake.desk.list()

    async def run(*arguments: str) -> tuple[int, str]:
        parser, out = ArgumentParser(), io.StringIO()
        cli.add_command(parser.add_subparsers(dest="command"))
        console = Console(file=out, width=200)
        desk = Desk(house.database, keyring(house.database))
        return await cli.run(parser.parse_args(["intake", *arguments]), desk, console), out.getvalue()

    status, text = await run("list")
    assert (status, "unknown initech" in text, "between us" in text) == (0, True, False)
    assert "between us" not in (await run("show", str(item.id)))[1]
    assert '"between us"' in (await run("show", str(item.id), "--payload"))[1]
    assert "between us" in (await run("show", str(item.delivery_id), "--payload"))[1]
    assert (await run("replay"))[0] == 1
    assert (await run("discard", str(item.id)))[1] == "1 discarded.\n"
    assert (await run("show", str(house.source.owners["acme"])))[0] == 1
    assert "0 unreadable" in (await run("list", "--state", "unreadable"))[1]


async def test_the_doors_of_operators_need_their_token_and_show_no_content(house: House) -> None:
    await house.send(letter(1, text="between us", to="initech"))
    await house.post(b"[]")
    await house.work()
    for token, shown, status in (
        ("", "", 404),
        ("opens", "", 401),
        ("opens", "guessed", 401),
        ("opens", "opens", 200),
    ):
        app = create_app(service="s", title="S", routers=[router], parts=[Desk(house.database)], operator_token=token)
        async with served(app) as client:
            headers = {"authorization": f"Bearer {shown}"} if shown else {}
            answer = await client.get("/internal/intake/items", headers=headers)
            assert answer.status_code == status, (token, shown)
    async with served(app) as client:
        client.headers["authorization"] = "Bearer opens"
        (item,) = (await client.get("/internal/intake/items")).json()
        (unreadable,) = (await client.get("/internal/intake/deliveries")).json()
        shown_item = (await client.get(f"/internal/intake/{item['id']}")).json()
        shown_delivery = (await client.get(f"/internal/intake/{unreadable['id']}")).json()
        assert "between us" not in f"{item} {shown_item} {shown_delivery}"
        assert shown_item["reason"] == "unknown initech"
        assert shown_delivery["bytes"] == 2
        body = {"source": "letters", "reason": "unknown initech"}
        assert (await client.post("/internal/intake/replay", json=body)).json() == {"count": 1}
        await house.work()
        assert (await client.post("/internal/intake/discard", json=body)).json() == {"count": 1}
        assert (await client.post("/internal/intake/discard", json={})).status_code == 422


async def test_what_is_old_goes_and_what_is_undecided_or_doubtful_stays(house: House) -> None:
    async def wait() -> Verdict | None:
        raise AssertionError

    house.source.trouble["never"] = wait
    await house.send(letter(1), letter(2, to="initech"))
    await house.post(b"not json")
    await house.work()
    await house.send(letter(1), letter(3, sender="berta"))
    await house.rows("UPDATE intake_items SET attempts = 0")

    async def left() -> tuple[int, int]:
        return (
            await house.value("SELECT count(*) FROM intake_deliveries"),
            await house.value("SELECT count(*) FROM intake_items"),
        )

    await move_clock(house.place.admin_url, 29 * 86400)
    assert not await purge(house.database)
    assert await left() == (3, 2)
    await move_clock(house.place.admin_url, 2 * 86400)
    await purge(house.database)
    assert await left() == (2, 1), "the unread delivery, the unreadable one, the quarantined item"
    await move_clock(house.place.admin_url, 60 * 86400)
    await purge(house.database)
    assert await left() == (1, 0)
    await house.work()
    assert await house.applied(sender="berta") == ["3"]


async def test_a_thing_that_is_not_there_cannot_be_shown(house: House) -> None:
    with pytest.raises(NotReceived):
        await house.intake.desk.show(house.source.owners["acme"])
    assert delivery() == b'{"letters": []}'

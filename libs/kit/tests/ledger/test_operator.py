"""What an operator sees and decides, by command and over HTTP."""

import argparse
import io

import httpx
import pytest
from rich.console import Console

from kit.http.app import create_app
from kit.ids import new_id
from kit.ledger import cli
from kit.ledger.kind import Timing
from kit.ledger.model import Effect, Entry, Receipt, Refused, Status, Unanswered
from kit.ledger.operating import Operating
from kit.ledger.router import router

from .conftest import Bench, Sending

TOKEN = "an operator's token"
BEARER = {"authorization": f"Bearer {TOKEN}"}


def client(bench: Bench, token: str = TOKEN) -> httpx.AsyncClient:
    app = create_app(
        service="sample", title="Sample", routers=[router], parts=[Operating(bench.ledger)], operator_token=token
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sample")


@pytest.fixture
async def stuck(bench: Bench, kind: Sending) -> list[Effect]:
    """Two that nobody knows, and one that was refused, each of another organization."""
    from .conftest import effect

    kind.timing = Timing(call_within=1, looks_after=(600.0,))

    async def answers(entry: Entry) -> Receipt:
        if entry.lane_key == "refused":
            raise Refused("Not [red]allowed[/red].", code="forbidden", said="password=hunter2")
        raise Unanswered("Nobody knows.")

    kind.answers = answers
    effects = [effect(new_id()), effect(new_id()), effect(new_id(), "refused")]
    for each in effects:
        await bench.add(each)
    async with bench.working():
        await bench.until(effects[0], Status.UNKNOWN)
        await bench.until(effects[1], Status.UNKNOWN)
        await bench.until(effects[2], Status.REFUSED)
    kind.answers = Sending().answers
    return effects


async def test_the_doors_are_shut_without_the_token(bench: Bench) -> None:
    async with client(bench) as http:
        assert (await http.get("/internal/ledger")).status_code == 401
        assert (await http.get("/internal/ledger", headers={"authorization": "Bearer wrong"})).status_code == 401
    async with client(bench, "") as http:
        assert (await http.get("/internal/ledger", headers=BEARER)).status_code == 404


async def test_what_is_stuck_is_listed_page_by_page(bench: Bench, stuck: list[Effect]) -> None:
    async with client(bench) as http:
        seen, cursor = [], None
        while True:
            query = {"limit": "1", **({"cursor": cursor} if cursor else {})}
            page = (await http.get("/internal/ledger", params=query, headers=BEARER)).json()
            seen += [item["id"] for item in page["items"]]
            if (cursor := page["next_cursor"]) is None:
                break
        assert seen == [str(each.id) for each in sorted(stuck, key=lambda each: each.id, reverse=True)]
        only = {"status": "refused", "kind": "sample.sending"}
        (refused,) = (await http.get("/internal/ledger", params=only, headers=BEARER)).json()["items"]
        assert (refused["code"], refused["organization_id"]) == ("forbidden", str(stuck[2].lane.organization_id))
        old = await http.get("/internal/ledger", params={"older_than_seconds": "3600"}, headers=BEARER)
        assert old.json()["items"] == []


async def test_one_is_shown_with_what_was_tried_and_nothing_secret(bench: Bench, stuck: list[Effect]) -> None:
    async with client(bench) as http:
        shown = (await http.get(f"/internal/ledger/{stuck[2].id}", headers=BEARER)).json()
        assert (await http.get(f"/internal/ledger/{new_id()}", headers=BEARER)).status_code == 404
    assert shown["effect"]["status"] == "refused"
    assert [each["outcome"] for each in shown["attempts"]] == ["refused"]
    assert "hunter2" not in str(shown)


async def test_a_person_retries_and_gives_up_over_http(bench: Bench, kind: Sending, stuck: list[Effect]) -> None:
    async with client(bench) as http:
        again = await http.post(f"/internal/ledger/{stuck[0].id}/retry", headers=BEARER)
        assert again.json()["effect"]["status"] == "pending"
        no = {"reason": "The customer has seen it."}
        ended = await http.post(f"/internal/ledger/{stuck[1].id}/give-up", json=no, headers=BEARER)
        assert (ended.json()["effect"]["status"], ended.json()["effect"]["settled_by"]) == ("refused", "person")
        twice = await http.post(f"/internal/ledger/{stuck[1].id}/give-up", json=no, headers=BEARER)
        assert (twice.status_code, twice.json()["type"]) == (409, "urn:rostrum:problem:effect-moved-on")
    async with bench.working():
        await bench.until(stuck[0], Status.DONE)
    assert kind.statuses(stuck[0].subject_id) == [Status.UNKNOWN, Status.PENDING, Status.DONE]


async def command(bench: Bench, *words: str) -> tuple[int, str]:
    parser = argparse.ArgumentParser()
    cli.add_command(parser.add_subparsers(dest="command"))
    console = Console(file=io.StringIO(), width=200)
    status = await cli.run(parser.parse_args(["ledger", *words]), bench.ledger, console)
    assert isinstance(console.file, io.StringIO)
    return status, console.file.getvalue()


async def test_the_same_by_command(bench: Bench, stuck: list[Effect]) -> None:
    status, listed = await command(bench, "list", "--status", "unknown", "--status", "refused")
    assert status == 0
    assert all(str(each.id) in listed for each in stuck)
    assert "Not [red]allowed[/red]." in listed
    assert str(stuck[0].id) not in (await command(bench, "list", "--older-than", "2h"))[1]
    assert "Nobody knows." in (await command(bench, "show", str(stuck[0].id)))[1]
    assert (await command(bench, "show", str(new_id())))[0] == 1
    assert (await command(bench, "give-up", str(stuck[0].id), "--reason", "enough"))[0] == 0
    status, told = await command(bench, "retry", str(stuck[1].id), str(new_id()))
    assert (status, "1 to be tried again, 1 not." in told) == (1, True)

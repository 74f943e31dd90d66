import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from kit.db.database import Database
from kit.intake.receiving import Door
from kit.intake.storing import Store
from kit.testing.databases import TestDatabase
from kit.testing.letters import PATH, Letters, delivery, keyring, letter, signed
from kit.testing.programs import eventually
from kit.testing.proxy import proxied

from .conftest import House, opened, until


async def stored(house: House) -> int:
    count: int = await house.value("SELECT count(*) FROM intake_deliveries")
    return count


async def test_a_challenge_is_answered_for_who_knows_the_word(house: House) -> None:
    answer = await house.client.get(PATH, params={"challenge": "<b>1158201444</b>", "token": "open sesame"})
    assert (answer.status_code, answer.text) == (200, "<b>1158201444</b>")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    refused = await house.client.get(PATH, params={"challenge": "1", "token": "guessed"})
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:rostrum:problem:challenge-refused"


async def test_only_exactly_the_signed_bytes_are_stored(house: House) -> None:
    body = delivery(letter(1))
    respaced = json.dumps(json.loads(body), separators=(",", ":")).encode()
    wrong: list[list[tuple[bytes, bytes]]] = [
        [(b"x-signature", signed(respaced)["x-signature"].encode())],
        [(b"x-signature", b"sha256=")],
        [(b"x-signature", b"sha256=" + b"\xff" * 64)],
        [],
    ]
    for headers in wrong:
        refused = await house.client.post(PATH, content=body, headers=headers)
        assert refused.status_code == 403
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json().keys() == {"type", "title", "status", "request_id"}
    assert await stored(house) == 0
    assert await house.post(body) == 200
    assert await stored(house) == 1


async def test_two_signatures_are_none(house: House) -> None:
    body = delivery(letter(1))
    good = signed(body)["x-signature"]
    headers = [("x-signature", good), ("x-signature", good)]
    assert (await house.client.post(PATH, content=body, headers=headers)).status_code == 403


async def test_nothing_of_a_delivery_rests_in_the_clear(house: House) -> None:
    assert await house.send(letter(1, text="a word between us", sender="+491700000001")) == 200
    await house.work()
    for table in ("intake_deliveries", "intake_items", "intake_keys"):
        for row in await house.rows(f"SELECT t::text AS line, convert_to(t::text, 'UTF8') AS raw FROM {table} AS t"):
            assert "a word between us" not in row["line"]
            assert b"a word between us".hex() not in row["line"]
            assert b"+491700000001".hex() not in row["line"]


async def test_three_megabytes_are_taken_and_more_than_the_limit_is_not(house: House) -> None:
    assert await house.send(letter(1, text="x" * 3_000_000)) == 200
    large = delivery(letter(2, text="x" * (house.source.body_limit + 1)))
    assert await house.post(large) == 413
    await house.work()
    assert [len(text) for text in await house.applied()] == [3_000_000]


async def test_a_chunked_body_is_bounded_without_a_length(house: House) -> None:
    async def chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    body = delivery(letter(1, text="y" * 200_000))
    answer = await house.client.post(PATH, content=chunks(body, 1000), headers=signed(body))
    assert answer.status_code == 200
    large = delivery(letter(2, text="y" * house.source.body_limit))
    answer = await house.client.post(PATH, content=chunks(large, 100_000), headers=signed(large))
    assert answer.status_code == 413
    assert await stored(house) == 1


async def test_a_body_that_does_not_arrive_is_not_waited_for_for_ever(database: Database) -> None:
    door = Door(Letters(), Store(database, keyring(database)), patience=0.05)
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        await asyncio.sleep(3600)
        return {}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    scope = {"type": "http", "method": "POST", "headers": [], "path": PATH}
    await door(scope, receive, send)
    assert sent[0]["status"] == 408


async def test_unproven_bodies_hold_a_bounded_lot_and_keep_no_small_delivery_out(database: Database) -> None:
    """Strangers send much, slowly and unsigned; what waits for their last byte is bounded all the same."""
    source = Letters()
    door = Door(source, Store(database, keyring(database), within=30), arriving=1_000_000)
    scope = {"type": "http", "method": "POST", "headers": [], "path": PATH}
    going_on = asyncio.Event()

    async def sent(*pieces: bytes, slow: bool = False, headers: Mapping[str, str] | None = None) -> int:
        told: list[Any] = []
        left = list(pieces)

        async def receive() -> dict[str, object]:
            if slow and len(left) == 1:
                await going_on.wait()
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

        async def send(message: Any) -> None:
            told.append(message)

        named = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        await door({**scope, "headers": named}, receive, send)
        status: int = told[0]["status"]
        return status

    strangers = [asyncio.create_task(sent(b"x" * 300_000, b"x", slow=True)) for _ in range(10)]
    await eventually(lambda: _all_but(strangers, 3))
    assert [each.result() for each in strangers if each.done()] == [503] * 7
    small, large = delivery(letter(1)), delivery(letter(2, text="y" * 200_000))
    assert await sent(small, headers=signed(small)) == 200
    assert await sent(large, headers=signed(large)) == 503
    going_on.set()
    assert sorted(await asyncio.gather(*strangers)) == [403] * 3 + [503] * 7
    assert await sent(large, headers=signed(large)) == 200


async def _all_but(tasks: Sequence[asyncio.Task[int]], waiting: int) -> bool:
    return sum(not each.done() for each in tasks) == waiting


async def test_a_client_that_leaves_harms_nobody(house: House) -> None:
    port = house.client.base_url.port or 0
    with closing(socket.create_connection(("127.0.0.1", port))) as half:
        half.sendall(f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{{".encode())
    assert await house.send(letter(1)) == 200
    assert await stored(house) == 1


async def test_receiving_goes_on_while_sending_is_ill_and_no_worker_runs(house: House) -> None:
    """The application of these tests refuses every other change: its outbox is said not to move."""
    assert (await house.client.post("/v1/anything", json={})).status_code == 503
    assert await house.send(letter(1)) == 200


async def test_other_methods_and_paths_beside_it_are_not_the_door(house: House) -> None:
    refused = await house.client.put(PATH, content=b"")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, POST")
    assert (await house.client.get(f"{PATH}/")).status_code == 404


async def test_requests_are_named_and_measured_like_all_others(house: House) -> None:
    body = delivery(letter(1))
    answer = await house.client.post(PATH, content=body, headers={**signed(body), "x-request-id": "abc-12345678"})
    assert answer.headers["x-request-id"] == "abc-12345678"
    told = (await house.client.get("/metrics")).text
    assert f'http_request_method="POST",http_response_status_code="200",http_route="{PATH}"' in told
    assert 'letters_intake_deliveries_total{outcome="stored",source="letters"}' in told


async def test_when_too_many_wait_the_provider_is_asked_to_come_again(
    place: TestDatabase, database: Database
) -> None:
    store = Store(database, keyring(database), waiting=0)
    door = Door(Letters(), store)
    transport = httpx.ASGITransport(app=door)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        body = delivery(letter(1))
        answer = await client.post(PATH, content=body, headers=signed(body))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    async with opened(place, database, Letters()) as house:
        assert await stored(house) == 0


async def test_concurrent_deliveries_share_commits_and_each_is_stored_when_it_is_answered(
    place: TestDatabase, database: Database
) -> None:
    """While the first commit is on its way all the others come, and have the second one together."""
    parts = urlsplit(place.url("letters"))
    async with proxied(parts.hostname or "127.0.0.1", parts.port or 5432) as proxy:
        url = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{proxy.listening_on}").geturl()
        behind = await Database.open(url, name="behind", pool_size=1, acquire_within=30)
        store = Store(behind, keyring(database), within=60)
        transport = httpx.ASGITransport(app=Door(Letters(), store))

        async def one(client: httpx.AsyncClient, number: int) -> int:
            body = delivery(letter(number, sender=f"s{number}"))
            answer = await client.post(PATH, content=body, headers=signed(body))
            return answer.status_code

        first = proxy.hold("to_server", b"INSERT INTO intake_deliveries")
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            sent = [asyncio.create_task(one(client, number)) for number in range(300)]
            await first.reached.wait()
            await until(lambda: asyncio.sleep(0, store._held), equals=300)
            assert not any(each.done() for each in sent)
            first.release()
            assert {await each for each in sent} == {200}
        await behind.close()
    (row,) = await database.statement("SELECT count(*) AS n, count(DISTINCT xmin::text) AS t FROM intake_deliveries")
    assert row["n"] == 300
    assert row["t"] <= 2


async def test_a_delivery_that_cannot_be_stored_fails_alone(database: Database) -> None:
    """A source name with NUL is refused by the database, whatever else is in the statement."""
    store = Store(database, keyring(database), within=30)
    puts = [store.put("bad\0" if number == 5 else "letters", b"{}") for number in range(10)]
    results = await asyncio.gather(*puts, return_exceptions=True)
    failed = [place for place, result in enumerate(results) if isinstance(result, Exception)]
    assert failed == [5]
    rows = await database.statement("SELECT count(*) AS n FROM intake_deliveries")
    assert rows[0]["n"] == 9


async def test_while_the_database_is_away_the_provider_is_asked_to_come_again(
    place: TestDatabase, database: Database
) -> None:
    other = await Database.open(place.url("letters"), name="short", pool_size=1, acquire_within=0.1)
    try:
        async with opened(place, database, Letters()) as house:
            door = Door(house.source, Store(other, keyring(database)))
            async with (
                other.transaction(),
                httpx.AsyncClient(transport=httpx.ASGITransport(app=door), base_url="http://here") as client,
            ):
                body = delivery(letter(1))
                answer = await client.post(PATH, content=body, headers=signed(body))
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
    finally:
        await other.close()


@pytest.mark.parametrize("length", ["-1", "1e3", "99999999999999999999999", "\u0663"])
async def test_a_length_that_is_none_is_refused(database: Database, length: str) -> None:
    door = Door(Letters(), Store(database, keyring(database)))
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    headers = [(b"content-length", length.encode())]
    await door({"type": "http", "method": "POST", "headers": headers, "path": PATH}, receive, send)
    assert sent[0]["status"] == 413

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from hypothesis import given
from hypothesis import strategies as st

from kit.clock import SystemClock
from kit.db.database import Database
from kit.http.app import create_app
from kit.http.caller import TokenVerifier
from kit.http.idempotency import (
    Idempotency,
    IdempotencyKey,
    IdempotencyKeyMalformed,
    IdempotencyKeyReused,
    IdempotencyKeySpent,
    fingerprint,
    purge,
    read_key,
)
from kit.ids import new_id
from kit.testing import sample
from kit.testing.databases import Databases
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer

Serving = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Database]:
    place = await databases.clone({"sample": sample})
    opened = await Database.open(place.url("sample"), name="test", pool_size=4, acquire_within=30)
    yield opened
    await opened.close()


def key(mark: bytes = b"a", name: str = "k") -> Idempotency:
    return Idempotency("someone", name, "POST /things", mark)


async def test_a_repeated_request_gets_what_the_first_one_made(database: Database) -> None:
    made = uuid4()
    async with database.transaction() as tx:
        assert await key().claim(tx) is None
        await key().remember(tx, made, 3)
    async with database.transaction() as tx:
        earlier = await key().claim(tx)
    assert earlier is not None
    assert (earlier.resource_id, earlier.version) == (made, 3)


async def test_a_key_of_another_request_is_refused(database: Database) -> None:
    async with database.transaction() as tx:
        await key().claim(tx)
        await key().remember(tx, uuid4(), 1)
    with pytest.raises(IdempotencyKeyReused):
        async with database.transaction() as tx:
            await key(b"b").claim(tx)


async def test_a_request_that_failed_leaves_its_key_free(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as tx:
            await key().claim(tx)
            raise ZeroDivisionError
    async with database.transaction() as tx:
        assert await key().claim(tx) is None


async def test_a_request_that_made_nothing_is_not_repeated(database: Database) -> None:
    async with database.transaction() as tx:
        await key().claim(tx)
    with pytest.raises(IdempotencyKeySpent):
        async with database.transaction() as tx:
            await key().claim(tx)


async def test_of_twins_at_the_same_time_one_makes_and_the_others_get_it(database: Database) -> None:
    made = []

    async def request() -> UUID:
        async with database.transaction() as tx:
            earlier = await key().claim(tx)
            if earlier:
                return earlier.resource_id
            await asyncio.sleep(0.05)
            made.append(uuid4())
            await key().remember(tx, made[-1], 1)
            return made[-1]

    answers = await asyncio.gather(*(request() for _ in range(4)))
    assert len(made) == 1
    assert set(answers) == set(made)


async def test_after_a_day_the_key_is_free_and_can_be_purged(database: Database) -> None:
    for name in ("a", "b", "c"):
        async with database.transaction() as tx:
            await key(name=name).claim(tx)
            await key(name=name).remember(tx, uuid4(), 1)
    async with database.transaction() as tx:
        await tx.execute("UPDATE idempotency_keys SET created_at = created_at - interval '25 hours' WHERE key <> 'c'")
    async with database.transaction() as tx:
        assert await key(b"other", "a").claim(tx) is None
        await key(b"other", "a").remember(tx, uuid4(), 1)
    async with database.transaction() as tx:
        assert await purge(tx) == 1
        assert await tx.fetchval("SELECT count(*) FROM idempotency_keys") == 2


async def test_without_a_key_every_request_happens(database: Database) -> None:
    async with database.transaction() as tx:
        none = Idempotency("", None, "", b"")
        assert await none.claim(tx) is None
        await none.remember(tx, uuid4(), 1)
        assert await tx.fetchval("SELECT count(*) FROM idempotency_keys") == 0


@pytest.mark.parametrize(
    ("header", "read"),
    [("abc", "abc"), ('"abc"', "abc"), (' "a-b" ', "a-b"), ('"a\\"b"', 'a"b'), ("x" * 255, "x" * 255)],
)
def test_a_key_is_read_bare_or_quoted(header: str, read: str) -> None:
    assert read_key(header) == read


@pytest.mark.parametrize("header", ["", '""', " ", "a b", '"a b"', "x" * 256, "é", "a\tb", "\x7f"])
def test_other_keys_are_refused(header: str) -> None:
    with pytest.raises(IdempotencyKeyMalformed):
        read_key(header)


@given(st.text(max_size=30))
def test_any_header_is_read_or_refused(header: str) -> None:
    try:
        assert 1 <= len(read_key(header)) <= 255
    except IdempotencyKeyMalformed:
        return


def test_a_fingerprint_sees_the_meaning_of_the_body_not_its_spelling() -> None:
    one = fingerprint("POST", "/a?", "me", b'{"a": 1, "b": "\xc3\xa9"}')
    assert one == fingerprint("POST", "/a?", "me", b'{"b":"\\u00e9","a":1}')
    others = [("PUT", "/a?", "me", b"{}"), ("POST", "/b?", "me", b"{}"), ("POST", "/a?", "you", b"{}")]
    assert len({one, *(fingerprint(*other) for other in others)}) == 4


async def test_an_endpoint_is_given_the_key_of_its_request(serving: Serving) -> None:
    router, clock, issuer = APIRouter(), SystemClock(), Issuer()

    @router.post("/things")
    async def make(idempotency: IdempotencyKey) -> dict[str, str | None]:
        return {"key": idempotency.key, "operation": idempotency.operation, "mark": idempotency.fingerprint.hex()}

    verifier = TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, clock)
    app = create_app(service="sample", title="Sample", routers=[router], verifier=verifier)
    async with serving(app) as client:
        client.headers["authorization"] = f"Bearer {issuer.token(clock.now(), new_id())}"
        quoted = (await client.post("/things", json={"a": 1}, headers={"idempotency-key": '"k1"'})).json()
        bare = (await client.post("/things", json={"a": 1}, headers={"idempotency-key": "k1"})).json()
        without = (await client.post("/things", json={"a": 1})).json()
        bad = await client.post("/things", headers={"idempotency-key": "a b"})
        twice = await client.post("/things", headers=[("idempotency-key", "a"), ("idempotency-key", "b")])
    assert quoted == bare
    assert quoted["operation"] == "POST /things"
    assert without["key"] is None
    assert [bad.status_code, twice.status_code] == [422, 422]
    assert bad.json()["errors"][0]["parameter"] == "idempotency-key"

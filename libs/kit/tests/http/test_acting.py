"""Staff in a person's place: what cannot be put on record is not answered."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest
from fastapi import APIRouter

from kit.clock import SystemClock
from kit.errors import TransientError
from kit.http.acting import Admission, nobody
from kit.http.app import create_app
from kit.http.caller import Caller, CurrentCaller, TokenVerifier
from kit.ids import new_id
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer

CLOCK = SystemClock()
HAPPENED: list[str] = []
router = APIRouter()


@router.get("/things/{thing_id}")
async def read(thing_id: str, _caller: CurrentCaller) -> str:
    HAPPENED.append(f"answered {thing_id}")
    return thing_id


Opened = Callable[[Admission], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def issuer() -> Issuer:
    HAPPENED.clear()
    return Issuer()


@pytest.fixture
def opened(issuer: Issuer) -> Opened:
    @asynccontextmanager
    async def open_with(acting: Admission) -> AsyncIterator[httpx.AsyncClient]:
        verifier = TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, CLOCK)
        app = create_app(service="t", title="T", routers=[router], verifier=verifier, clock=CLOCK, acting=acting)
        token = issuer.token(CLOCK.now(), new_id(), act={"sub": str(new_id())})
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://t.test",
            headers={"authorization": f"Bearer {token}"},
        ) as client:
            yield client

    return open_with


async def record(caller: Caller, method: str, route: str) -> None:
    HAPPENED.append(f"recorded {method} {route} {caller.actor_id is not None}")


async def record_nothing(_caller: Caller, _method: str, _route: str) -> None:
    raise TransientError("The database is away.")


async def test_the_line_comes_first_and_names_the_route_not_the_path(opened: Opened) -> None:
    async with opened(record) as http:
        assert (await http.get("/things/7")).status_code == 200
    assert HAPPENED == ["recorded GET /things/{thing_id} True", "answered 7"]


async def test_when_no_line_can_be_written_nothing_is_answered(opened: Opened) -> None:
    async with opened(record_nothing) as http:
        assert (await http.get("/things/7")).status_code == 503
    assert HAPPENED == []


async def test_where_nothing_is_put_on_record_nobody_acts_for_somebody_else(opened: Opened) -> None:
    async with opened(nobody) as http:
        refused = await http.get("/things/7")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:rostrum:problem:not-while-impersonating")
    assert HAPPENED == []


async def test_a_person_who_acts_for_themselves_leaves_no_such_line(opened: Opened, issuer: Issuer) -> None:
    async with opened(record) as http:
        own = {"authorization": f"Bearer {issuer.token(CLOCK.now(), new_id())}"}
        assert (await http.get("/things/7", headers=own)).status_code == 200
    assert HAPPENED == ["answered 7"]

"""API keys at the gateway: junk costs nothing, a good key is asked about once, an ended one is refused at once."""

import asyncio
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from gateway.deadlines import Sweep
from gateway.fetch import NotFetched, ask
from gateway.revocations import Revocation, Revocations
from gateway.routes import Route
from gateway.upstream import Upstream
from kit.clock import ManualClock
from kit.http import api_keys as form

from .conftest import CLOSED, OPEN, Issuer, a_policy, answering, raw_service, until

POSTS = Route("/v1/posts", "publisher")
CONTACTS = Route("/v1/contacts", "inbox")
EVENTS = Route("/v1/events", "gateway", methods=frozenset({"GET"}), body_limit=0)
STAFF = Route("/v1/staff", "auth", staff=True)
ROUTES = (OPEN, CLOSED, POSTS, CONTACTS, EVENTS, STAFF)
SCOPES = "posts:read posts:write"


def a_key() -> str:
    return form.written(os.urandom(form.SIZE))


@dataclass
class Auth:
    """What auth does with keys: it knows some, and says so when it is asked."""

    issuer: Issuer
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    away: bool = False
    slow: asyncio.Event | None = None
    life: int = 300

    def add(self, **claims: Any) -> str:
        key, key_id = a_key(), str(uuid4())
        self.known[key] = {
            "sub": key_id,
            "sid": key_id,
            "epoch": 0,
            "org": str(uuid4()),
            "role": "editor",
            "principal": "key",
            "scope": SCOPES,
        } | claims
        return key

    def id_of(self, key: str) -> UUID:
        return UUID(self.known[key]["sid"])

    async def exchange(self, question: bytes) -> bytes:
        asked = orjson.loads(question)
        self.asked.append((asked["key"], asked["address"]))
        if self.slow is not None:
            await self.slow.wait()
        if self.away:
            raise NotFetched("auth is away")
        claims = dict(self.known.get(asked["key"], {}))
        if not claims:
            raise NotFetched("status 401", 401, "invalid-api-key")
        networks = claims.pop("networks", [])
        if networks and asked["address"] not in claims.pop("from"):
            return orjson.dumps({"access_token": None, "expires_in": 0, "allowed_addresses": networks})
        claims.pop("from", None)
        now = int(time.time())
        token = self.issuer.token(**{"iat": now, "nbf": now, "exp": now + self.life} | claims)
        return orjson.dumps({"access_token": token, "expires_in": self.life, "allowed_addresses": networks})


@dataclass
class Place:
    house: Any
    auth: Auth

    async def ask(self, key: str, path: str = "/v1/posts", **more: Any) -> Any:
        return await self.house.ask(path, token=key, **more)


@pytest.fixture
def open_house(house: Any) -> Any:
    async def opened(**options: Any) -> Place:
        auth = Auth(Issuer())
        made = await house(routes=ROUTES, issuer=auth.issuer, exchange=auth.exchange, **options)
        return Place(made, auth)

    return opened


@pytest.fixture
async def place(open_house: Any) -> Place:
    place: Place = await open_house()
    return place


async def test_a_good_key_opens_and_its_service_sees_a_token_and_never_the_key(place: Place) -> None:
    key = place.auth.add()
    for _ in range(3):
        assert (await place.ask(key)).status == 200
    assert len(place.auth.asked) == 1, "it is remembered"
    for request in place.house.received:
        assert key.encode() not in request
        assert b"rk_" not in request
        (line,) = [each for each in request.split(b"\r\n") if each.startswith(b"authorization: ")]
        assert line.startswith(b"authorization: Bearer ey")
    assert b"rk_" not in place.house.log.getvalue()


async def test_a_key_may_stand_in_its_own_header(place: Place) -> None:
    key = place.auth.add()
    answer = await place.house.ask("/v1/posts", X_API_Key=key)
    assert answer.status == 200
    assert b"x-api-key" not in place.house.received[0].lower()
    for wrong in (place.auth.issuer.token(), "anything", ""):
        assert (await place.house.ask("/v1/posts", X_API_Key=wrong)).status == 401
    assert (await place.house.ask("/v1/posts", token=key, X_API_Key=key)).status == 401, "state it once"
    assert len(place.house.received) == 1


async def test_junk_is_refused_without_asking_auth(place: Place) -> None:
    good = place.auth.add()
    junk = [
        good[:-1],
        good + "0",
        good[:20] + ("a" if good[20] != "a" else "b") + good[21:],
        "rk_live_" + "0" * (form.LENGTH - 8),
        "rk_test_" + good[8:],
        "rk_",
        "rk_live_" + "-" * (form.LENGTH - 8),
    ]
    for each in junk:
        answer = await place.ask(each)
        assert (answer.status, answer.json()["type"]) == (401, "urn:rostrum:problem:invalid-api-key")
        assert answer["www-authenticate"] == 'Bearer error="invalid_token"'
    assert place.auth.asked == []
    assert place.house.received == []


async def test_an_unknown_key_is_asked_about_once(place: Place) -> None:
    unknown = a_key()
    answers = [await place.ask(unknown) for _ in range(5)]
    assert {answer.status for answer in answers} == {401}
    assert len(place.auth.asked) == 1
    assert place.house.received == []


async def test_what_is_remembered_of_refused_keys_is_bounded(open_house: Any) -> None:
    place = await open_house(capacity=20)
    for _ in range(50):
        assert (await place.ask(a_key())).status == 401
    assert place.house.parts.api_keys.remembered == (0, 20)
    for _ in range(30):
        assert (await place.ask(place.auth.add())).status == 200
    assert place.house.parts.api_keys.remembered == (20, 20)


async def test_many_who_show_a_new_key_at_once_ask_once(place: Place) -> None:
    key, place.auth.slow = place.auth.add(), asyncio.Event()
    requests = asyncio.gather(*(place.ask(key) for _ in range(20)))
    await until(lambda: place.auth.asked)
    await asyncio.sleep(0.05)
    place.auth.slow.set()
    assert {answer.status for answer in await requests} == {200}
    assert len(place.auth.asked) == 1


async def test_only_so_many_keys_are_asked_about_at_once(open_house: Any) -> None:
    place = await open_house(most_at_once=2)
    place.auth.slow = asyncio.Event()
    waiting = asyncio.gather(*(place.ask(place.auth.add()) for _ in range(2)))
    await until(lambda: len(place.auth.asked) == 2)
    assert (await place.ask(place.auth.add())).status == 503
    place.auth.slow.set()
    assert {answer.status for answer in await waiting} == {200}


async def test_a_token_that_ends_soon_is_renewed_and_serves_to_its_end_when_auth_is_away(open_house: Any) -> None:
    clock = ManualClock(datetime.now(UTC))
    place = await open_house(clock=clock)
    place.auth.life = 29  # no longer than it is renewed ahead: asked again after a second
    key = place.auth.add()
    assert (await place.ask(key)).status == 200
    await asyncio.sleep(1.05)
    assert (await place.ask(key)).status == 200
    assert len(place.auth.asked) == 2
    place.auth.away = True
    await asyncio.sleep(1.05)
    assert (await place.ask(key)).status == 200, "auth is away, the token is good"
    clock.forward(seconds=60)
    answer = await place.ask(key)
    assert (answer.status, answer.json()["type"]) == (503, "urn:rostrum:problem:api-keys-unavailable")
    assert answer["retry-after"] == "2"
    assert (await place.ask(place.auth.add())).status == 503


async def test_an_ended_key_is_refused_at_once_although_its_token_is_remembered(open_house: Any) -> None:
    revocations = Revocations()
    place = await open_house(revocations=revocations)
    key, other = place.auth.add(), place.auth.add()
    assert (await place.ask(key)).status == 200
    ended = place.auth.id_of(key)
    revocations.note(Revocation(user_id=ended, session_id=ended))
    answer = await place.ask(key)
    assert (answer.status, answer.json()["type"]) == (401, "urn:rostrum:problem:session-revoked")
    assert (await place.ask(other)).status == 200


async def test_an_ended_key_is_refused_by_what_other_gateways_said_in_redis(place: Place) -> None:
    key = place.auth.add()
    assert (await place.ask(key)).status == 200
    await place.house.redis.ask("SET", f"{place.house.namespace}:revoked:{place.auth.id_of(key)}", 1)
    assert (await place.ask(key)).status == 401


async def test_when_nobody_knows_of_revocations_auth_is_asked_each_time(open_house: Any) -> None:
    now = [0.0]
    revocations = Revocations(now=lambda: now[0])
    place = await open_house(revocations=revocations)
    key = place.auth.add()
    assert (await place.ask(key)).status == 200
    now[0] += 31
    for _ in range(2):
        assert (await place.ask(key)).status == 200
    assert len(place.auth.asked) == 3
    del place.auth.known[key]
    assert (await place.ask(key)).status == 401


async def test_a_key_does_what_its_scopes_say_and_no_more(place: Place) -> None:
    reader, full = place.auth.add(scope="posts:read"), place.auth.add()
    assert (await place.ask(reader)).status == 200
    for method, path in (
        ("POST", "/v1/posts"),
        ("DELETE", "/v1/posts/1"),
        ("GET", "/v1/contacts"),
        ("GET", "/v1/events"),
    ):
        answer = await place.ask(reader, path, method=method)
        assert (answer.status, answer.json()["type"]) == (403, "urn:rostrum:problem:scope-missing"), path
    assert (await place.ask(full, method="POST", body=b"{}")).status == 200
    assert len(place.house.received) == 2


async def test_a_kept_answer_never_reaches_who_may_do_less(place: Place) -> None:
    """The cache keeps answers by role; a key with that role and without the scope is told nothing."""
    organization = str(uuid4())
    person = place.auth.issuer.token(org=organization, role="editor")
    for _ in range(3):
        assert (await place.house.ask("/v1/contacts", token=person)).status == 200
    key = place.auth.add(org=organization, role="editor")
    assert (await place.ask(key, "/v1/contacts")).status == 403
    asked = len(place.house.received)
    able = place.auth.add(org=organization, role="editor", scope="contacts:read")
    assert (await place.ask(able, "/v1/contacts")).status == 200
    assert len(place.house.received) == asked + 1, "its own service was asked"


async def test_a_key_is_refused_from_elsewhere_and_works_from_where_it_may(open_house: Any) -> None:
    place = await open_house(trusted=(ip_network("127.0.0.1/32"),))
    key = place.auth.add(networks=["203.0.113.0/24"], **{"from": ["203.0.113.7", "203.0.113.8"]})

    async def come(address: str) -> int:
        return int((await place.ask(key, x_forwarded_for=address)).status)

    assert await come("198.51.100.1") == 403
    assert await come("198.51.100.2") == 403
    assert len(place.auth.asked) == 1, "which networks may, is known from then on"
    assert await come("203.0.113.7") == 200
    assert await come("203.0.113.8") == 200
    assert await come("198.51.100.1") == 403
    assert len(place.auth.asked) == 2
    assert len(place.house.received) == 2


async def test_a_key_that_is_shown_from_two_places_at_once_is_judged_for_each(open_house: Any) -> None:
    place = await open_house(trusted=(ip_network("127.0.0.1/32"),))
    key = place.auth.add(networks=["203.0.113.0/24"], **{"from": ["203.0.113.7"]})
    place.auth.slow = asyncio.Event()
    foreign = asyncio.create_task(place.ask(key, x_forwarded_for="198.51.100.1"))
    await until(lambda: place.auth.asked)
    own = asyncio.create_task(place.ask(key, x_forwarded_for="203.0.113.7"))
    await asyncio.sleep(0.05)
    place.auth.slow.set()
    assert (await foreign).status == 403
    assert (await own).status == 200


async def test_each_key_has_limits_of_its_own_and_one_over_them_is_told_429(open_house: Any) -> None:
    policy = a_policy(
        credential={"per": "credential", "burst": 20, "period": 36_000.0},
        user={"per": "user", "burst": 1000, "period": 60.0},
    )
    place = await open_house(policy=policy)
    organization = str(uuid4())
    first, second = place.auth.add(org=organization), place.auth.add(org=organization)
    assert [(await place.ask(first)).status for _ in range(22)] == [200] * 20 + [429] * 2
    assert (await place.ask(second)).status == 200


async def test_the_keys_of_an_organization_share_its_plan(open_house: Any) -> None:
    policy = a_policy(organization={"per": "organization", "burst": 20, "period": 36_000.0})
    place = await open_house(policy=policy)
    organization = str(uuid4())
    keys = [place.auth.add(org=organization) for _ in range(21)]
    assert [(await place.ask(key)).status for key in keys] == [200] * 20 + [429]
    assert (await place.ask(place.auth.add())).status == 200


async def test_who_shows_junk_pays_with_the_limit_of_the_address(open_house: Any) -> None:
    policy = a_policy(address={"per": "address", "burst": 20, "period": 36_000.0})
    place = await open_house(policy=policy)
    assert [(await place.ask(a_key())).status for _ in range(24)] == [401] * 20 + [429] * 4
    assert len(place.auth.asked) <= 21


async def test_a_key_opens_no_door_of_staff(place: Place) -> None:
    key = place.auth.add(scope="posts:read staff:read")
    assert (await place.ask(key, "/v1/staff/users")).status == 401
    assert place.auth.asked == []


async def test_on_a_public_route_a_key_is_dropped(place: Place) -> None:
    key = place.auth.add()
    assert (await place.house.ask("/v1/open", token=key)).status == 200
    assert (await place.house.ask("/v1/open", X_API_Key=key)).status == 200
    assert all(b"rk_" not in request for request in place.house.received)
    assert place.auth.asked == []


async def test_a_token_from_auth_that_cannot_be_verified_lets_nobody_in(place: Place) -> None:
    key = place.auth.add(aud="somebody-else")
    assert (await place.ask(key)).status == 503
    strange = place.auth.add(principal="staff", staff_role="admin")
    assert (await place.ask(strange)).status == 503
    assert place.house.received == []


async def test_when_the_signing_keys_change_every_key_is_exchanged_anew(place: Place) -> None:
    key = place.auth.add()
    assert (await place.ask(key)).status == 200
    place.house.parts.api_keys.forget()
    assert (await place.ask(key)).status == 200
    assert len(place.auth.asked) == 2


async def test_the_question_reaches_auth_over_http() -> None:
    """What goes over the wire, and what a refusal on it means."""
    received: list[bytes] = []
    body = b'{"type":"urn:rostrum:problem:invalid-api-key","status":401}'
    refusing = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    async with raw_service(answering(refusing, received)) as port:
        sweep = Sweep()
        sweep.start()
        upstream = Upstream("auth", f"http://127.0.0.1:{port}", sweep)
        try:
            with pytest.raises(NotFetched) as refused:
                await ask(upstream, "/internal/api-keys/exchanges", "gateway.token", b'{"key":"x"}')
        finally:
            upstream.close()
            sweep.stop()
    assert (refused.value.status, refused.value.code) == (401, "invalid-api-key")
    (request,) = received
    head, _, content = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /internal/api-keys/exchanges HTTP/1.1\r\n")
    assert b"\r\nauthorization: Bearer gateway.token\r\n" in head
    assert content == b'{"key":"x"}'


async def test_what_a_program_does_ends_with_the_program(open_house: Any) -> None:
    """Whoever it acts for: the tokens of an ended program name it, and it is among what has ended."""
    revocations = Revocations()
    place = await open_house(revocations=revocations)
    program = uuid4()
    acting = place.auth.issuer.token(org=str(uuid4()), role="editor", client_id=str(program), scope="posts:read")
    alone = place.auth.issuer.token(
        sub=str(program),
        principal="client",
        org=str(uuid4()),
        role="editor",
        client_id=str(program),
        scope="posts:read",
    )
    other = place.auth.issuer.token(org=str(uuid4()), role="editor", client_id=str(uuid4()), scope="posts:read")
    for token in (acting, alone, other):
        assert (await place.house.ask("/v1/posts", token=token)).status == 200
    revocations.note(Revocation(user_id=program, session_id=program))
    assert (await place.house.ask("/v1/posts", token=acting)).status == 401
    assert (await place.house.ask("/v1/posts", token=alone)).status == 401
    assert (await place.house.ask("/v1/posts", token=other)).status == 200

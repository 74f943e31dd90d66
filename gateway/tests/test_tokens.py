import asyncio
import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from gateway.keys import KeyRing
from gateway.problems import Refused
from gateway.tokens import Verifier
from kit.clock import ManualClock, SystemClock


def resigned(tools: Any, header: Any, claims: Any, sign: Any) -> Any:
    signed = tools.b64(orjson.dumps(header)) + "." + tools.b64(orjson.dumps(claims))
    return signed + "." + tools.b64(sign(signed.encode()))


def with_secret(secret: Any) -> Any:
    return lambda data: hmac.digest(secret, data, hashlib.sha256)


@pytest.fixture
async def closed(house: Any) -> Any:
    return await house()


async def test_a_good_token_opens_the_door(closed: Any) -> None:
    answer = await closed.ask("/v1/closed", token=closed.issuer.token())
    assert answer.status == 200


async def test_without_a_token_the_door_stays_shut(closed: Any) -> None:
    answer = await closed.ask("/v1/closed")
    assert answer.status == 401
    assert answer["www-authenticate"] == "Bearer"
    assert answer["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:rostrum:problem:unauthenticated"
    assert answer.json()["request_id"] == answer["x-request-id"]


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -6), ("exp", -100_000), ("nbf", 60), ("iat", 60)])
async def test_a_token_out_of_its_time_is_refused(closed: Any, claim: str, seconds: int) -> None:
    answer = await closed.ask("/v1/closed", token=closed.issuer.token(**{claim: int(time.time()) + seconds}))
    assert answer.status == 401
    assert closed.received == []


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "somebody-else"},
        {"aud": ["somebody-else"]},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": None},
        {"sub": None},
        {"sid": None},
        {"exp": None},
        {"iat": None},
        {"jti": None},
        {"sub": "not-a-uuid"},
        {"sub": 7},
        {"epoch": "1"},
        {"epoch": True},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 1e300},
    ],
    ids=str,
)
async def test_a_token_with_a_wrong_claim_is_refused(closed: Any, changes: Any) -> None:
    answer = await closed.ask("/v1/closed", token=closed.issuer.token(**changes))
    assert answer.status == 401
    assert answer["www-authenticate"] == 'Bearer error="invalid_token"'
    assert closed.received == []


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": "id+jwt"},
        {"typ": None},
        {"kid": None},
        {"kid": "another"},
        {"kid": ["k1"]},
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "RS256"},
        {"alg": "ES256"},
        {"alg": "Ed448"},
        {"alg": None},
        {"alg": ["EdDSA"]},
        {"crit": ["exp"]},
        {"b64": False},
    ],
    ids=str,
)
async def test_a_token_with_a_wrong_header_is_refused(closed: Any, header: Any) -> None:
    answer = await closed.ask("/v1/closed", token=closed.issuer.token(header=header))
    assert (answer.status, closed.received) == (401, [])


async def test_the_public_key_is_not_a_secret_to_sign_with(closed: Any, tools: Any) -> None:
    header = {"alg": "HS256", "typ": "at+jwt", "kid": "k1"}
    public = closed.issuer.public
    der = closed.issuer.key.public_key().public_bytes_raw()
    for secret in (public, base64.urlsafe_b64encode(public), der, orjson.dumps(closed.issuer.jwk()), b""):
        token = resigned(tools, header, closed.issuer.claims(), with_secret(secret))
        assert (await closed.ask("/v1/closed", token=token)).status == 401


async def test_a_key_that_the_token_brings_along_is_not_used(closed: Any, tools: Any) -> None:
    thief = tools.Issuer("k1")
    for hint in (
        {"jwk": thief.jwk()},
        {"jku": "http://127.0.0.1:1/keys"},
        {"x5u": "http://127.0.0.1:1/chain"},
        {"x5c": ["MIIB"]},
    ):
        header = {"alg": "EdDSA", "typ": "at+jwt", "kid": "k1", **hint}
        token = resigned(tools, header, thief.claims(), thief.key.sign)
        assert (await closed.ask("/v1/closed", token=token)).status == 401


async def test_an_altered_token_is_refused(closed: Any, tools: Any) -> None:
    head, payload, signature = closed.issuer.token().split(".")
    other = closed.issuer.token().split(".")[1]
    raw = base64.urlsafe_b64decode(signature + "==")
    order = 2**252 + 27742317777372353535851937790883648493
    malleable = raw[:32] + ((int.from_bytes(raw[32:], "little") + order) % 2**256).to_bytes(32, "little")
    for forged in (
        f"{head}.{other}.{signature}",
        f"{head}.{payload}.{tools.b64(malleable)}",
        f"{head}.{payload}.{tools.b64(bytes(64))}",
        f"{head}.{payload}.{tools.b64(raw[:32])}",
        f"{head}.{payload}.",
        f"{head}.{payload}",
        f".{payload}.{signature}",
        f"{head}..{signature}",
        f"{head}.{payload}.{signature}=",
        f"{head}.{payload}.{signature}.{signature}",
        f"{head}.{payload}.{signature}\u00e9",
        f"{tools.b64(b'[]')}.{payload}.{signature}",
        f"{tools.b64(b'[' * 400)}.{payload}.{signature}",
        f"{head}.{payload}.{signature}{'A' * 5000}",
        "....",
        "x",
    ):
        async with closed.client() as client:
            await client.send(
                b"GET /v1/closed HTTP/1.1\r\nhost: a\r\nauthorization: Bearer " + forged.encode() + b"\r\n\r\n"
            )
            assert (await client.answer()).status == 401, forged


@pytest.mark.parametrize("value", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "bearer", "Token abc", "Bearer,x"])
async def test_another_scheme_is_refused(closed: Any, value: Any) -> None:
    async with closed.client() as client:
        await client.send(f"GET /v1/closed HTTP/1.1\r\nhost: a\r\nauthorization: {value}\r\n\r\n".encode())
        assert (await client.answer()).status == 401


async def test_two_authorization_headers_are_refused(closed: Any) -> None:
    token = closed.issuer.token()
    line = f"authorization: Bearer {token}\r\n"
    async with closed.client() as client:
        await client.send(f"GET /v1/closed HTTP/1.1\r\nhost: a\r\n{line}{line}\r\n".encode())
        assert (await client.answer()).status == 401


def verifier(issuer: Any, clock: Any = None, **options: Any) -> Any:
    ring = KeyRing(issuer.jwks, **{key: options.pop(key) for key in ("now", "ask_every", "keep") if key in options})
    clock = clock or SystemClock()
    return Verifier(ring, clock, issuer="https://rostrum.local", audience="rostrum-api", **options), ring


async def test_a_remembered_token_dies_when_it_expires(tools: Any) -> None:
    issuer, clock = tools.Issuer(), ManualClock(datetime.now(UTC))
    checking, _ = verifier(issuer, clock)
    now = int(clock.now().timestamp())
    token = issuer.token(iat=now, nbf=now, exp=now + 600).encode()
    await checking.session(token)
    assert checking.remembered == 1
    clock.forward(seconds=606)
    with pytest.raises(Refused):
        await checking.session(token)
    assert checking.remembered == 0


async def test_only_good_tokens_are_remembered_and_not_too_many(tools: Any) -> None:
    issuer = tools.Issuer()
    checking, _ = verifier(issuer, capacity=3)
    for _ in range(10):
        await checking.session(issuer.token().encode())
        with pytest.raises(Refused):
            await checking.session(issuer.token(aud="x").encode())
    assert checking.remembered == 3


async def test_a_new_key_is_found_without_a_restart_and_a_withdrawn_one_is_forgotten(tools: Any) -> None:
    old, new = tools.Issuer("old"), tools.Issuer("new")
    served = [old]

    async def jwks() -> Any:
        return orjson.dumps({"keys": [issuer.jwk() for issuer in served]})

    old.jwks = jwks
    checking, ring = verifier(old, ask_every=0.0)
    token = old.token().encode()
    await checking.session(token)
    served[:] = [new]
    await checking.session(new.token().encode())
    with pytest.raises(Refused):
        await checking.session(token)
    assert ring.known("old") is None


async def test_made_up_key_ids_do_not_reach_auth(tools: Any) -> None:
    issuer = tools.Issuer()
    checking, _ = verifier(issuer, now=lambda: 0.0)
    await checking.session(issuer.token().encode())

    async def try_one(number: Any) -> None:
        with pytest.raises(Refused):
            await checking.session(issuer.token(header={"kid": f"made-up-{number}"}).encode())

    await asyncio.gather(*(try_one(number) for number in range(200)))
    assert issuer.asked == 1


async def test_a_stampede_for_the_first_key_asks_once(tools: Any) -> None:
    issuer = tools.Issuer()
    checking, _ = verifier(issuer)
    await asyncio.gather(*(checking.session(issuer.token().encode()) for _ in range(100)))
    assert issuer.asked == 1


async def test_while_auth_is_away_known_keys_serve_up_to_a_bound(tools: Any) -> None:
    issuer, now = tools.Issuer(), [0.0]
    checking, ring = verifier(issuer, now=lambda: now[0], keep=100.0, ask_every=1.0)
    await checking.session(issuer.token().encode())
    issuer.away = True
    now[0] = 50.0
    assert not await ring.refresh()
    await checking.session(issuer.token().encode())
    now[0] = 101.0
    with pytest.raises(Refused) as refused:
        await checking.session(issuer.token().encode())
    assert refused.value.problem.status == 503


async def test_without_keys_the_door_says_it_cannot_tell(house: Any, tools: Any) -> None:
    issuer = tools.Issuer()
    issuer.away = True
    door = await house(issuer=issuer)
    answer = await door.ask("/v1/closed", token=issuer.token())
    assert (answer.status, answer["retry-after"]) == (503, "2")


async def test_when_no_word_of_revocations_comes_nothing_is_taken_from_memory(tools: Any) -> None:
    issuer, trusts = tools.Issuer(), [True]
    checking, ring = verifier(issuer, trusts_memory=lambda: trusts[0])
    token = issuer.token().encode()
    first = await checking.session(token)
    assert await checking.session(token) is first
    trusts[0] = False
    again = await checking.session(token)
    assert (again, again is first) == (first, False)
    assert ring.usable

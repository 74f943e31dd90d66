import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, Depends, FastAPI

from kit.clock import ManualClock
from kit.http.app import create_app
from kit.http.caller import (
    CurrentCaller,
    Door,
    MemberCaller,
    OpenToAnybody,
    OrganizationCaller,
    PersonalCaller,
    TokenRefused,
    TokenVerifier,
    jwks_at,
    permitted,
)
from kit.http.client import Outbound
from kit.http.doors import routes_of
from kit.http.tokens import KeySet, KeysUnavailable, public_keys

Serving = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]

START = datetime(2026, 3, 1, tzinfo=UTC)
ISSUER, AUDIENCE = "https://issuer.test", "api"
SENT: tuple[dict[str, Any], ...] = ({}, {"via": "019bc1a2-7f00-7000-8000-000000000001"})


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    def __init__(self) -> None:
        self.keys = {"k1": Ed25519PrivateKey.generate()}
        self.fetched = 0
        self.away = False

    def jwk(self, kid: str) -> dict[str, str]:
        raw = self.keys[kid].public_key().public_bytes_raw()
        return {"kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "alg": "EdDSA", "x": b64(raw)}

    async def jwks(self) -> object:
        self.fetched += 1
        if self.away:
            raise OSError
        return {"keys": [{"kty": "RSA", "kid": "other"}, *map(self.jwk, self.keys)]}

    def token(
        self, *, kid: str = "k1", header: dict[str, Any] | None = None, signer: str | None = None, **claims: Any
    ) -> str:
        now = int(START.timestamp())
        body = {"iss": ISSUER, "aud": AUDIENCE, "sub": str(uuid4()), "sid": str(uuid4()), "epoch": 1, "jti": "t1"}
        body |= {"org": str(uuid4()), "role": "owner", "iat": now, "nbf": now, "exp": now + 600} | claims
        body = {name: value for name, value in body.items() if value is not ...}
        head = {"alg": "EdDSA", "typ": "at+jwt", "kid": kid} | (header or {})
        head = {name: value for name, value in head.items() if value is not ...}
        signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(body).encode())}"
        return f"{signed}.{b64(self.keys[signer or 'k1'].sign(signed.encode()))}"


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def verifier(issuer: Issuer, clock: ManualClock) -> TokenVerifier:
    return TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, clock)


async def test_a_good_token_names_its_caller(issuer: Issuer, verifier: TokenVerifier) -> None:
    user, organization = uuid4(), uuid4()
    caller = await verifier.verify(issuer.token(sub=str(user), org=str(organization), role="editor", epoch=4))
    assert isinstance(caller, MemberCaller)
    assert (caller.user_id, caller.organization_id, caller.role, caller.epoch) == (user, organization, "editor", 4)


async def test_a_token_without_an_organization_has_no_role(issuer: Issuer, verifier: TokenVerifier) -> None:
    caller = await verifier.verify(issuer.token(org=..., role=...))
    assert (caller.organization_id, caller.role) == (None, None)


@pytest.mark.parametrize("audience", [[AUDIENCE], ["else", AUDIENCE]])
async def test_the_audience_may_be_one_of_several(issuer: Issuer, verifier: TokenVerifier, audience: Any) -> None:
    assert await verifier.verify(issuer.token(aud=audience))


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://evil.test"},
        {"iss": ...},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": ...},
        {"aud": AUDIENCE + "x"},
        {"exp": ...},
        {"exp": "9999999999"},
        {"exp": True},
        {"exp": 1e30},
        {"iat": ...},
        {"iat": START.timestamp() + 60},
        {"nbf": START.timestamp() + 60},
        {"nbf": "soon"},
        {"sub": "root"},
        {"sub": ...},
        {"sid": 5},
        {"org": "x"},
        {"org": ...},
        {"role": ...},
        {"role": "Owner; DROP"},
        {"epoch": "1"},
        {"epoch": True},
        {"jti": ...},
        {"header": {"alg": "none"}},
        {"header": {"alg": "HS256"}},
        {"header": {"alg": "eddsa"}},
        {"header": {"alg": ...}},
        {"header": {"typ": "JWT"}},
        {"header": {"typ": ...}},
        {"header": {"kid": ...}},
        {"header": {"kid": 5}},
        {"header": {"crit": ["exp"]}},
        {"header": {"b64": False}},
        {"header": {"jwk": {}}},
        {"header": {"jku": "https://evil.test"}},
        {"kid": "unknown"},
    ],
)
async def test_a_token_with_anything_wrong_is_refused(issuer: Issuer, verifier: TokenVerifier, wrong: Any) -> None:
    with pytest.raises(TokenRefused):
        await verifier.verify(issuer.token(**wrong))


async def test_a_token_signed_by_another_key_is_refused(issuer: Issuer, verifier: TokenVerifier) -> None:
    issuer.keys["k2"] = Ed25519PrivateKey.generate()
    with pytest.raises(TokenRefused):
        await verifier.verify(issuer.token(kid="k1", signer="k2"))


async def test_the_public_key_is_no_secret_for_an_hmac(issuer: Issuer, verifier: TokenVerifier) -> None:
    head, body, _ = issuer.token(header={"alg": "HS256"}).split(".")
    key = issuer.keys["k1"].public_key().public_bytes_raw()
    forged = b64(hmac.new(key, f"{head}.{body}".encode(), hashlib.sha256).digest())
    with pytest.raises(TokenRefused):
        await verifier.verify(f"{head}.{body}.{forged}")


def tampered(token: str) -> list[str]:
    head, body, signature = token.split(".")
    return [
        *("", ".", "..", "...", token + ".", token + "=", " " + token, token + "\n", token + "\u00e9", "a" * 5000),
        *(f"{head}.{body}.", f"{head}.{body}", f"{head}..{signature}", f".{body}.{signature}"),
        *(f"{head}.{body}x.{signature}", f"{head}.{body}.{signature[:-4]}", f"{token}.{signature}"),
        *(f"{head}.{b64(b'[]')}.{signature}", f"{b64(b'{')}.{body}.{signature}", f"{b64(b'[1]')}.{body}.{signature}"),
    ]


async def test_a_token_changed_in_any_place_is_refused(issuer: Issuer, verifier: TokenVerifier) -> None:
    for token in tampered(issuer.token()):
        with pytest.raises(TokenRefused):
            await verifier.verify(token)


async def test_another_spelling_of_the_same_signature_is_refused(issuer: Issuer, verifier: TokenVerifier) -> None:
    token = issuer.token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    respelt = token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]
    with pytest.raises(TokenRefused):
        await verifier.verify(respelt)


async def test_a_token_ends_by_the_platform_clock_with_five_seconds_of_grace(
    issuer: Issuer, verifier: TokenVerifier, clock: ManualClock
) -> None:
    token = issuer.token()
    clock.forward(seconds=604)
    assert await verifier.verify(token)
    clock.forward(seconds=1)
    with pytest.raises(TokenRefused):
        await verifier.verify(token)


class Times:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def times() -> Times:
    return Times()


async def test_keys_are_fetched_once_for_five_minutes(issuer: Issuer, times: Times) -> None:
    keys = KeySet(issuer.jwks, monotonic=times)
    for _ in range(3):
        await keys.key("k1")
    times.now += 299
    await keys.key("k1")
    assert issuer.fetched == 1
    times.now += 2
    await keys.key("k1")
    assert issuer.fetched == 2


async def test_a_new_key_is_found_and_a_retired_one_vanishes(issuer: Issuer, times: Times) -> None:
    keys = KeySet(issuer.jwks, monotonic=times)
    await keys.key("k1")
    issuer.keys = {"k2": Ed25519PrivateKey.generate()}
    times.now += 6
    assert await keys.key("k2")
    with pytest.raises(TokenRefused):
        await keys.key("k1")


async def test_made_up_key_ids_do_not_make_it_fetch_again_and_again(issuer: Issuer, times: Times) -> None:
    keys = KeySet(issuer.jwks, monotonic=times)
    for number in range(50):
        times.now += 0.05
        with pytest.raises(TokenRefused):
            await keys.key(f"made-up-{number}")
    assert issuer.fetched == 1


async def test_all_who_wait_share_one_fetch(issuer: Issuer, times: Times) -> None:
    keys = KeySet(issuer.jwks, monotonic=times)
    await asyncio.gather(*(keys.key("k1") for _ in range(50)))
    assert issuer.fetched == 1


async def test_old_keys_go_on_for_a_while_when_the_issuer_is_away(issuer: Issuer, times: Times) -> None:
    keys = KeySet(issuer.jwks, monotonic=times)
    await keys.key("k1")
    issuer.away = True
    times.now += 301
    assert await keys.key("k1")
    times.now += 900
    with pytest.raises(KeysUnavailable):
        await keys.key("k1")


async def test_an_issuer_that_does_not_answer_holds_up_one_and_not_all(issuer: Issuer, times: Times) -> None:
    asked, answers = asyncio.Event(), asyncio.Event()

    async def slowly() -> object:
        if issuer.fetched:
            asked.set()
            await answers.wait()
        return await issuer.jwks()

    keys = KeySet(slowly, monotonic=times)
    await keys.key("k1")
    times.now += 301
    first = asyncio.create_task(keys.key("k1"))
    await asked.wait()
    assert await asyncio.wait_for(keys.key("k1"), 30)
    answers.set()
    assert await first


async def test_without_any_key_the_answer_is_unavailable_not_refused(issuer: Issuer, times: Times) -> None:
    issuer.away = True
    with pytest.raises(KeysUnavailable):
        await KeySet(issuer.jwks, monotonic=times).key("k1")


def test_unusable_keys_are_passed_over() -> None:
    good = Issuer().jwk("k1")
    odd = [good | {"crv": "X25519"}, good | {"use": "enc"}, good | {"alg": "RS256"}, good | {"x": "AAAA"}, {}, 5]
    assert public_keys({"keys": odd}) == {}
    assert list(public_keys(json.dumps({"keys": [good]}).encode())) == ["k1"]
    with pytest.raises(ValueError, match="JWK"):
        public_keys([])


async def test_keys_are_fetched_from_the_issuers_address(issuer: Issuer, serving: Serving) -> None:
    keys = APIRouter()

    @keys.get("/.well-known/jwks.json")
    async def jwks() -> object:
        return await issuer.jwks()

    outbound = Outbound()
    async with serving(create_app(service="sample", title="Sample", routers=[keys])) as client:
        known = KeySet(jwks_at(f"{client.base_url}/.well-known/jwks.json", outbound))
        assert await known.key("k1")
    await outbound.close()


router = APIRouter()


@router.get("/me")
async def me(caller: CurrentCaller) -> dict[str, str]:
    return {"user": str(caller.user_id)}


@router.get("/mine")
async def mine(caller: OrganizationCaller) -> dict[str, str]:
    return {"organization": str(caller.organization_id)}


@router.get("/owners")
async def owners(caller: Annotated[MemberCaller, Depends(permitted("organization.rename"))]) -> dict[str, str]:
    return {"role": caller.role}


@router.get("/trail")
async def trail(caller: Annotated[MemberCaller, Depends(permitted("audit.read"))]) -> dict[str, str]:
    return {"role": caller.role}


@router.get("/own")
async def own(caller: PersonalCaller) -> dict[str, str]:
    return {"user": str(caller.user_id)}


@router.get("/open", dependencies=[OpenToAnybody])
async def everybody() -> dict[str, str]:
    return {}


@pytest.fixture
def app(verifier: TokenVerifier) -> FastAPI:
    return create_app(service="sample", title="Sample", routers=[router], verifier=verifier)


def test_every_route_tells_whose_its_door_is(app: FastAPI) -> None:
    doors = {each.path: each.doors for each in routes_of(app)}
    assert doors["/owners"] == (Door("permitted", "organization.rename"),)
    assert doors["/mine"] == (Door("member"),)
    assert doors["/own"] == (Door("person"),)
    assert doors["/open"] == doors["/livez"] == (Door("anybody"),)
    assert doors["/me"] == (), "who only asks for a caller has not said who may enter"


def test_a_door_for_a_permission_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        permitted("posts.burn")


async def test_whom_an_agency_sent_does_nothing_that_would_outlast_it(
    app: FastAPI, serving: Serving, issuer: Issuer
) -> None:
    async with serving(app) as client:
        answers = [
            await client.get(path, headers={"authorization": f"Bearer {issuer.token(role='admin', **claims)}"})
            for path in ("/owners", "/trail")
            for claims in SENT
        ]
        bad = await client.get("/me", headers={"authorization": f"Bearer {issuer.token(via='somebody')}"})
    assert [answer.status_code for answer in answers] == [200, 200, 200, 403]
    assert bad.status_code == 401


async def test_what_is_a_persons_is_no_programs(app: FastAPI, serving: Serving, issuer: Issuer) -> None:
    async with serving(app) as client:
        for principal, status in (("user", 200), ("key", 403), ("client", 403)):
            claims: dict[str, Any] = {"principal": principal}
            answer = await client.get("/own", headers={"authorization": f"Bearer {issuer.token(**claims)}"})
            assert answer.status_code == status
            if status == 403:
                assert answer.json()["type"] == "urn:rostrum:problem:person-needed"
        assert (await client.get("/open")).status_code == 200


async def test_an_endpoint_knows_its_caller(app: FastAPI, serving: Serving, issuer: Issuer) -> None:
    async with serving(app) as client:
        client.headers["authorization"] = f"bearer {issuer.token()}"
        answers = [await client.get(path) for path in ("/me", "/mine", "/owners")]
    assert [answer.status_code for answer in answers] == [200, 200, 200]


async def test_who_lacks_organization_or_role_is_told_so(app: FastAPI, serving: Serving, issuer: Issuer) -> None:
    async with serving(app) as client:
        without = await client.get("/mine", headers={"authorization": f"Bearer {issuer.token(org=..., role=...)}"})
        editor = await client.get("/owners", headers={"authorization": f"Bearer {issuer.token(role='editor')}"})
    assert (without.status_code, without.json()["type"]) == (403, "urn:rostrum:problem:no-organization")
    assert (editor.status_code, editor.json()["type"]) == (403, "urn:rostrum:problem:role-missing")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic abc", "Token abc"])
async def test_who_says_nothing_is_asked_to_sign_in(app: FastAPI, serving: Serving, header: str) -> None:
    async with serving(app) as client:
        answer = await client.get("/me", headers={} if header is None else {"authorization": header})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_bad_token_is_told_apart_and_not_repeated(app: FastAPI, serving: Serving, issuer: Issuer) -> None:
    token = issuer.token(iss="https://evil.test")
    async with serving(app) as client:
        answer = await client.get("/me", headers={"authorization": f"Bearer {token}"})
        twice = await client.get("/me", headers=[("authorization", f"Bearer {issuer.token()}")] * 2)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert token not in answer.text
    assert twice.status_code == 401

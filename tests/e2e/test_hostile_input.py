"""Whatever is sent through the public door, the answer is a problem document, never a failure."""

import json
import secrets
from typing import Any

import httpx
import pytest

from local.trial import Trial
from local.visitor import Visitor, newcomer, seen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

OPEN = (
    "/v1/accounts",
    "/v1/accounts/verify",
    "/v1/sessions",
    "/v1/sessions/refresh",
    "/v1/sessions/second-factor",
    "/v1/sessions/passkey",
)
CLOSED = ("/v1/organizations", "/v1/invitations/accept", "/v1/me/factors/passkeys", "/v1/sessions/current/proofs")
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "null": b"null",
    "deep": b"[" * 50_000,
    "a NUL": b'{"email":"a\\u0000@example.com","password":"x","name":"\\u0000","token":"\\u0000"}',
    "half a surrogate": b'{"email":"\\ud800","password":"\\ud800","name":"\\ud800","token":"\\ud800"}',
    "not UTF-8": b'{"name":"\xff\xfe"}',
    "wrong types": b'{"email":{"$gt":""},"password":[],"name":7,"token":{},"refresh_token":true}',
    "unknown fields": b'{"email":"a@example.com","password":"x","is_admin":true,"__proto__":{}}',
    "an endless name": json.dumps({"name": "x" * 100_000, "email": "x" * 100_000, "token": "x" * 100_000}).encode(),
    "statements": b"""{"name":"'; DROP TABLE users; --","email":"' OR 1=1 --","password":"' OR 1","token":"OR 1"}""",
    "a huge number": b'{"name":' + b"9" * 5000 + b"}",
}


def check(answer: httpx.Response, path: str, what: str) -> None:
    assert answer.status_code < 500, f"{path}: {what} gave {answer.status_code}"
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", f"{path}: {what}"
        problem: dict[str, Any] = answer.json()
        assert {"type", "title", "status", "request_id"} <= problem.keys()
        assert problem["request_id"] == answer.headers["x-request-id"]
        told = answer.text.lower()
        assert not any(word in told for word in ("traceback", "asyncpg", "select ", "insert into", "/src/"))


@pytest.fixture
async def visitor(platform: Trial, http: httpx.AsyncClient) -> Visitor:
    return await newcomer(platform.addresses, http, f"hostile.{secrets.token_hex(4)}@example.com")


async def test_hostile_bodies_get_a_clear_answer(platform: Trial, http: httpx.AsyncClient, visitor: Visitor) -> None:
    for path in OPEN:
        for what, body in BODIES.items():
            answer = await http.post(
                platform.addresses.gateway + path, content=body, headers={"content-type": "application/json"}
            )
            check(answer, path, what)
            assert answer.status_code >= 400 or what == "statements", f"{path} took {what}"
    for path in CLOSED:
        for what, body in BODIES.items():
            check(
                await visitor.call("POST", path, content=body, headers={"content-type": "application/json"}),
                path,
                what,
            )


async def test_a_body_beyond_the_limit_is_refused_before_it_was_read(visitor: Visitor) -> None:
    answer = await visitor.call("POST", "/v1/organizations", content=b"x" * 2_000_000)
    assert answer.status_code == 413
    check(answer, "/v1/organizations", "two megabytes")


async def test_the_field_at_fault_is_named(visitor: Visitor) -> None:
    answer = await visitor.call("POST", "/v1/organizations", json={"name": ""})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/name"]


@pytest.mark.parametrize(
    "header",
    ["x-user-id", "x-organization-id", "x-role", "x-rostrum-user", "x-forwarded-user", "forwarded"],
)
async def test_identity_cannot_be_claimed_by_a_header(visitor: Visitor, header: str) -> None:
    mine = (await visitor.call("GET", "/v1/me", expect=200)).json()
    claimed = (await visitor.call("GET", "/v1/me", expect=200, headers={header: secrets.token_hex(16)})).json()
    assert claimed == mine


async def test_lists_are_bounded_and_a_made_up_cursor_is_refused(visitor: Visitor) -> None:
    for _ in range(3):
        await visitor.create_organization(f"Listed {secrets.token_hex(3)}")
    first = (await visitor.call("GET", "/v1/organizations", params={"limit": 2}, expect=200)).json()
    rest = (
        await visitor.call(
            "GET", "/v1/organizations", params={"limit": 2, "cursor": first["next_cursor"]}, expect=200
        )
    ).json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)
    for bad in ({"limit": 0}, {"limit": 1_000_000}, {"cursor": "made-up"}, {"cursor": "e30"}):
        answer = await visitor.call("GET", "/v1/organizations", params=bad)
        assert answer.status_code == 422
        check(answer, "/v1/organizations", str(bad))


async def test_who_has_the_newest_version_is_told_so(visitor: Visitor) -> None:
    await visitor.found("Billed")

    async def look() -> str | None:
        answer = await visitor.call("GET", "/v1/billing/organization")
        return answer.headers["etag"] if answer.json().get("seats_used") == 1 else None

    tag = await seen("billing's view with the owner's seat", look)
    again = await visitor.call("GET", "/v1/billing/organization", headers={"if-none-match": tag})
    assert again.status_code == 304
    assert not again.content


async def test_an_editing_conflict_is_seen(visitor: Visitor) -> None:
    made = await visitor.create_organization("Edited")
    path = f"/v1/organizations/{made['id']}"
    read = await visitor.call("GET", path, expect=200)
    tag = read.headers["etag"]
    assert (await visitor.call("PATCH", path, json={"name": "Blind"})).status_code == 428
    await visitor.call("PATCH", path, json={"name": "First"}, headers={"if-match": tag}, expect=200)
    late = await visitor.call("PATCH", path, json={"name": "Second"}, headers={"if-match": tag})
    assert late.status_code == 412
    check(late, path, "a late edit")

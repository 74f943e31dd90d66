"""Staff through the public door: apart from customers, on record in a person's place, and able to lift a plan."""

import re
import secrets
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from local.staff import hired
from local.trial import Trial
from local.visitor import Visitor, newcomer, seen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SERVICES = ("auth", "billing", "compliance", "generation", "inbox", "publisher")


@dataclass
class Doors:
    """The gateway, asked with whatever token."""

    platform: Trial
    http: httpx.AsyncClient

    async def ask(self, method: str, path: str, token: str = "", **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return await self.http.request(method, self.platform.addresses.gateway + path, headers=headers, **more)


async def administrator(doors: Doors) -> str:
    """The token of a new administrator."""
    email = f"staff.{secrets.token_hex(4)}@example.com"
    return (await hired(doors.platform.plan, doors.http, email)).access_token


async def lines(ada: Visitor) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await ada.call("GET", "/v1/audit/entries?limit=100", expect=200)).json()["items"]
    return found


async def test_staff_through_the_public_door(platform: Trial, http: httpx.AsyncClient) -> None:
    ada = await newcomer(platform.addresses, http, f"ada.{secrets.token_hex(4)}@example.com")
    organization = (await ada.found("Impersonated"))["id"]
    doors = Doors(platform, http)
    staff = await administrator(doors)

    assert (await doors.ask("GET", "/v1/staff/users", staff)).status_code == 200
    assert (await doors.ask("GET", "/v1/staff/users", ada.access_token)).status_code == 401
    assert (await doors.ask("GET", "/v1/me", staff)).status_code == 401
    for path in ("/v1/posts", "/v1/conversations", "/v1/billing/organization", "/v1/audit/entries"):
        assert (await doors.ask("GET", path, staff)).status_code == 401

    body = {"user_id": ada.user_id, "organization_id": organization, "reason": "Ticket 4711: nothing is shown."}
    begun = (await doors.ask("POST", "/v1/staff/impersonations", staff, json=body)).json()
    await _every_request_is_on_record(doors, ada, begun["access_token"])
    await _it_ends_when_the_person_says_so(doors, ada, begun)
    await _a_grant_lifts_the_plan(doors, ada, staff, organization)


async def _every_request_is_on_record(doors: Doors, ada: Visitor, acting: str) -> None:
    asked = [
        ("GET", "/v1/me", 200),
        ("GET", "/v1/billing/organization", 200),
        ("GET", "/v1/posts", 200),
        ("GET", "/v1/channels", 200),
        ("GET", "/v1/channels", 200),
        ("GET", "/v1/generation/budget", 200),
        ("GET", "/v1/audit/entries", 200),
        ("POST", "/v1/organizations", 403),
        ("POST", "/v1/privacy/exports", 403),
        ("GET", "/v1/events", 403),
    ]
    for method, path, status in asked:
        json = {"json": {"name": "x"}} if method == "POST" else {}
        answer = await doors.ask(method, path, acting, **json)
        assert answer.status_code == status, (method, path, answer.text)
        if status == 403:
            assert answer.json()["type"] == "urn:rostrum:problem:not-while-impersonating"
    written = await doors.ask("POST", "/v1/posts", acting, json={})
    assert written.status_code == 422, "writing is not refused where it concerns neither credentials nor money"

    async def told() -> list[dict[str, Any]] | None:
        found = [each for each in await lines(ada) if each["action"].endswith(".request.impersonated")]
        return found if len(found) >= len(asked) else None  # without the stream of events, with what was written

    found = await seen("a line of each request in the trail of the organization", told)
    by_service = {service: [each for each in found if each["action"].startswith(service)] for service in SERVICES}
    assert {service: len(each) for service, each in by_service.items()} == {
        "auth": 2,
        "billing": 1,
        "compliance": 2,
        "generation": 1,
        "inbox": 2,
        "publisher": 2,
    }
    assert {each["actor_kind"] for each in found} == {"staff"}
    assert {each["target_id"] for each in found} == {ada.user_id}
    refused = [each["details"]["route"] for each in found if each["details"]["refused"]]
    assert sorted(refused) == ["/v1/organizations", "/v1/privacy/exports"]


async def _it_ends_when_the_person_says_so(doors: Doors, ada: Visitor, begun: dict[str, Any]) -> None:
    own = (await ada.call("GET", "/v1/me/impersonations", expect=200)).json()["items"]
    assert [each["id"] for each in own] == [begun["impersonation"]["id"]]
    await ada.call("DELETE", f"/v1/me/impersonations/{begun['impersonation']['id']}", expect=204)

    async def refused() -> bool | None:
        return True if (await doors.ask("GET", "/v1/me", begun["access_token"])).status_code == 401 else None

    await seen("the token of the impersonation refused at the gateway", refused)
    await ada.call("GET", "/v1/me", expect=200)


async def _a_grant_lifts_the_plan(doors: Doors, ada: Visitor, staff: str, organization: str) -> None:
    path = f"/v1/staff/organizations/{organization}/subscription-grants"

    async def look() -> tuple[str, int]:
        answer = await ada.call("GET", "/v1/billing/organization", expect=200)
        (burst,) = re.findall(r'"organization";q=(\d+)', answer.headers["ratelimit-policy"])
        return answer.json()["plan"], int(burst)

    _, free = await look()

    async def on(plan: str) -> str | None:
        burst = {"agency": 25 * free, "free": free}[plan]  # as policy.toml has it, on whatever scale
        return plan if await look() == (plan, burst) else None

    made = await doors.ask("POST", path, staff, json={"plan": "agency", "months": 1, "reason": "goodwill"})
    assert made.status_code == 201, made.text
    await seen("the plan lifted, at billing and at the gateway", lambda: on("agency"))
    assert (await doors.ask("DELETE", f"{path}/{made.json()['id']}", staff)).status_code == 204
    await seen("the plan as it was", lambda: on("free"))


async def test_a_suspension_ends_tokens_within_five_seconds(platform: Trial, http: httpx.AsyncClient) -> None:
    eve = await newcomer(platform.addresses, http, f"eve.{secrets.token_hex(4)}@example.com")
    doors = Doors(platform, http)
    token = await administrator(doors)
    path = f"/v1/staff/users/{eve.user_id}/suspension"
    assert (await doors.ask("PUT", path, token, json={"reason": "abuse"})).status_code == 204

    async def refused() -> bool | None:
        return True if (await eve.call("GET", "/v1/me")).status_code == 401 else None

    await seen("a suspended person's token is refused", refused, within=5.0)
    again = await eve.call("POST", "/v1/sessions", json={"email": eve.email, "password": eve.password})
    assert again.status_code == 403
    assert (await eve.call("GET", "/v1/me")).status_code == 401

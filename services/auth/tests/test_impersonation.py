"""Staff in a person's place: stated, limited, seen, on record, and without the person's credentials."""

import base64
import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from auth.api import ROUTERS
from auth.bootstrap import SERVICE, endpoint_parts
from auth.staff.permissions import StaffRole
from contracts.auth import AuthAuditRecorded, SessionsRevoked
from kit.http.app import create_app

from .conftest import Forward
from .staffing import Colleague, hired
from .story import Person, Story, problem, text_of

REASON = "Ticket 4711: the calendar shows nothing."


async def begun(staff: Colleague, person: Person, organization_id: str | None = None, **more: Any) -> httpx.Response:
    body = {"user_id": person.user_id, "organization_id": organization_id, "reason": REASON, "minutes": 30}
    headers = more.pop("headers", {})
    return await staff.call("POST", "/v1/staff/impersonations", json=body | more, headers=headers)


def acting(story: Story, person: Person, answer: httpx.Response) -> Person:
    """The member of staff as the doors of customers see them."""
    assert answer.status_code == 201, answer.text
    return Person(story.http, person.email, {**person.tokens, "access_token": answer.json()["access_token"]})


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


async def lines(story: Story, action: str) -> list[AuthAuditRecorded]:
    told = await story.told(AuthAuditRecorded)
    return [each for each in told if isinstance(each, AuthAuditRecorded) and each.action == action]


async def test_the_token_says_who_acts_for_whom_and_there_is_none_to_refresh(story: Story) -> None:
    ada, staff = await story.person("ada@site.test"), await hired(story, StaffRole.SUPPORT)
    acme = await ada.create()
    answer = await begun(staff, ada, acme)
    body = answer.json()
    assert set(body) == {"impersonation", "access_token", "expires_in"}
    said = claims(body["access_token"])
    assert (said["sub"], said["act"]) == (ada.user_id, {"sub": staff.staff_id})
    assert (said["sid"], said["org"], said["role"]) == (body["impersonation"]["id"], acme, "owner")
    assert said["exp"] - said["iat"] == 600 == body["expires_in"]

    me = (await acting(story, ada, answer).call("GET", "/v1/me")).json()
    assert (me["user_id"], me["impersonation_id"]) == (ada.user_id, body["impersonation"]["id"])
    assert (await ada.call("GET", "/v1/me")).json()["impersonation_id"] is None


async def test_the_person_and_those_who_run_the_organization_see_it_and_a_mail_tells(story: Story) -> None:
    ada = await story.person("ada@site.test")
    acme = await ada.create()
    bob = await story.member(ada, acme, "bob@site.test", "editor")
    staff = await hired(story, StaffRole.SUPPORT)
    await begun(staff, bob, acme)

    (seen,) = (await bob.call("GET", "/v1/me/impersonations")).json()["items"]
    assert (seen["reason"], seen["staff_id"], seen["over"]) == (REASON, staff.staff_id, False)
    path = f"/v1/organizations/{acme}/impersonations"
    assert [each["id"] for each in (await ada.call("GET", path)).json()["items"]] == [seen["id"]]
    assert problem(await bob.call("GET", path)) == (403, "role-missing")
    carol = await story.person("carol@site.test")
    assert problem(await carol.call("GET", path)) == (404, "organization-not-found")
    assert (await carol.call("GET", "/v1/me/impersonations")).json()["items"] == []

    await story.deliver()
    newest = story.postbox.to("bob@site.test")[-1]
    assert "staff" in text_of(newest).casefold() or "support" in text_of(newest).casefold()
    rows = await story.admin("SELECT row_to_json(i)::text AS row FROM auth.impersonations AS i")
    assert "Ticket" not in rows[0]["row"]


async def test_every_request_is_on_record_before_it_is_answered_and_changes_are_refused(story: Story) -> None:
    ada, staff = await story.person("ada@site.test"), await hired(story, StaffRole.SUPPORT)
    acme = await ada.create()
    somebody = acting(story, ada, await begun(staff, ada, acme))
    asked: list[tuple[str, str, int]] = [
        ("GET", "/v1/me", 200),
        ("GET", f"/v1/organizations/{acme}", 200),
        ("GET", f"/v1/organizations/{acme}/members", 200),
        ("GET", f"/v1/organizations/{uuid4()}", 404),
        ("POST", "/v1/organizations", 403),
        ("PATCH", f"/v1/organizations/{acme}", 403),
        ("POST", f"/v1/organizations/{acme}/invitations", 403),
        ("POST", f"/v1/organizations/{acme}/api-keys", 403),
        ("DELETE", "/v1/sessions/current", 403),
        ("DELETE", "/v1/sessions", 403),
        ("DELETE", f"/v1/me/impersonations/{uuid4()}", 403),
    ]
    bodies = {
        "POST": {"name": "x", "email": "x@y.test", "role": "editor", "scopes": ["posts:read"]},
        "PATCH": {"name": "x"},
    }
    for method, path, status in asked:
        body = {"json": bodies[method]} if method in bodies else {}
        answer = await somebody.call(method, path, **body)
        assert answer.status_code == status, (method, path, answer.text)
        if status == 403:
            assert problem(answer) == (403, "not-while-impersonating")
    made = await lines(story, "auth.request.impersonated")
    assert [(each.details["method"], each.details["refused"]) for each in made] == [
        (method, status == 403) for method, _, status in asked
    ]
    assert made[1].details["route"] == "/v1/organizations/:organization_id"
    for line in made:
        assert (line.actor_kind, str(line.actor_id)) == ("staff", staff.staff_id)
        assert (line.target_kind, line.target_id) == ("user", ada.user_id)
        assert str(line.organization_id) == acme, "in the organization's own trail"


async def test_without_a_line_there_is_no_access(story: Story) -> None:
    """An application that cannot put it on record lets nobody act for somebody else."""
    ada, staff = await story.person("ada@site.test"), await hired(story)
    token = (await begun(staff, ada)).json()["access_token"]
    app = create_app(
        service="auth", title="Auth", routers=ROUTERS, parts=endpoint_parts(story.parts), verifier=story.verifier
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://auth.test") as http:
        answer = await http.get("/v1/me", headers={"authorization": f"Bearer {token}"})
    assert problem(answer) == (403, "not-while-impersonating")
    assert SERVICE.acting is not None
    assert not SERVICE.acting.changes


async def test_another_token_is_given_until_the_end_and_none_outlives_it(story: Story, forward: Forward) -> None:
    ada, staff = await story.person("ada@site.test"), await hired(story)
    first = (await begun(staff, ada, minutes=15)).json()
    path = f"/v1/staff/impersonations/{first['impersonation']['id']}/tokens"
    await forward(9 * 60)
    second = (await staff.call("POST", path)).json()
    assert second["expires_in"] <= 360
    assert claims(second["access_token"])["exp"] <= claims(first["access_token"])["iat"] + 15 * 60 + 1
    assert (await staff.refresh()).status_code == 200
    await forward(6 * 60)
    assert problem(await staff.call("POST", path)) == (409, "impersonation-over")
    late = acting(story, ada, httpx.Response(201, json=second))
    assert (await late.call("GET", "/v1/me")).status_code in {200, 401}
    await forward(6)
    assert problem(await late.call("GET", "/v1/me")) == (401, "invalid-token")
    (seen,) = (await ada.call("GET", "/v1/me/impersonations", headers=await renewed(ada))).json()["items"]
    assert (seen["over"], seen["ended_by"]) == (True, None)


async def renewed(person: Person) -> dict[str, str]:
    """A fresh token, when time has gone on."""
    assert (await person.refresh()).status_code == 200
    return {"authorization": f"Bearer {person.tokens['access_token']}"}


@pytest.mark.parametrize("by", ["staff", "user", "organization"])
async def test_it_is_ended_early_and_gateways_are_told(story: Story, by: str) -> None:
    ada = await story.person("ada@site.test")
    acme = await ada.create()
    bob = await story.member(ada, acme, "bob@site.test", "editor")
    staff = await hired(story)
    impersonation = (await begun(staff, bob, acme)).json()["impersonation"]["id"]
    ways: dict[str, tuple[Any, str]] = {
        "staff": (staff, f"/v1/staff/impersonations/{impersonation}"),
        "user": (bob, f"/v1/me/impersonations/{impersonation}"),
        "organization": (ada, f"/v1/organizations/{acme}/impersonations/{impersonation}"),
    }
    who, path = ways[by]
    assert (await who.call("DELETE", path)).status_code == 204
    assert (await who.call("DELETE", path)).status_code == 204, "what is over stays as it is"
    told = [each for each in await story.told(SessionsRevoked) if isinstance(each, SessionsRevoked)]
    assert [(str(each.user_id), str(each.session_id)) for each in told] == [(bob.user_id, impersonation)]
    assert problem(await staff.call("POST", f"/v1/staff/impersonations/{impersonation}/tokens")) == (
        409,
        "impersonation-over",
    )
    (line,) = await lines(story, "auth.impersonation.ended")
    assert (line.details["by"], str(line.organization_id)) == (by, acme)
    assert (await bob.refresh()).status_code == 200, "the person's own sessions go on"


async def test_it_ends_with_the_session_of_the_member_of_staff(story: Story) -> None:
    ada, root, sue = await story.person("ada@site.test"), await hired(story), await hired(story, StaffRole.SUPPORT)
    first = (await begun(sue, ada)).json()["impersonation"]["id"]
    assert (await sue.call("DELETE", "/v1/staff/sessions/current")).status_code == 204
    (seen,) = (await ada.call("GET", "/v1/me/impersonations")).json()["items"]
    assert (seen["id"], seen["ended_by"]) == (first, "session")
    theirs = (await begun(root, ada)).json()["impersonation"]
    assert theirs["over"] is False


async def test_only_the_right_member_with_fresh_proof_and_a_reason_acts_for_somebody(
    story: Story, forward: Forward
) -> None:
    ada, bob = await story.person("ada@site.test"), await story.person("bob@site.test")
    staff, other = await hired(story, StaffRole.SUPPORT), await hired(story, StaffRole.OPERATOR)
    bobs = await bob.create()
    assert problem(await begun(staff, ada, bobs)) == (409, "not-a-member")
    assert problem(await begun(staff, ada, reason="because")) == (422, "invalid")
    assert problem(await begun(staff, ada, minutes=61)) == (422, "invalid")
    assert problem(await begun(staff, ada, user_id=str(uuid4()))) == (403, "user-unavailable")
    await story.admin("UPDATE auth.users SET suspended_at = now() WHERE id = $1", UUID(bob.user_id))
    assert problem(await begun(staff, bob)) == (403, "user-unavailable")

    made = (await begun(staff, ada)).json()["impersonation"]["id"]
    for method, path in (("DELETE", ""), ("POST", "/tokens")):
        answer = await other.call(method, f"/v1/staff/impersonations/{made}{path}")
        assert problem(answer) == (404, "impersonation-not-found")
    assert [each["id"] for each in (await staff.call("GET", "/v1/staff/impersonations")).json()["items"]] == [made]
    assert (await other.call("GET", "/v1/staff/impersonations")).json()["items"] == []

    assert (await staff.refresh()).status_code == 200
    await forward(11 * 60)
    assert (await staff.refresh()).status_code == 200
    assert problem(await begun(staff, ada)) == (403, "step-up-needed")


async def test_sent_again_with_its_key_it_is_the_same_one(story: Story) -> None:
    ada, staff = await story.person("ada@site.test"), await hired(story)
    key = {"idempotency-key": "once"}
    first, second = await begun(staff, ada, headers=key), await begun(staff, ada, headers=key)
    assert first.json()["impersonation"]["id"] == second.json()["impersonation"]["id"]
    assert len(await lines(story, "auth.impersonation.begun")) == 1
    await story.deliver()
    assert len(story.postbox.to(ada.email)) == 2, "the one that verified the address, and one notice"


async def test_somebody_elses_impersonation_is_not_there(story: Story) -> None:
    ada, bob, staff = await story.person("ada@a.test"), await story.person("bob@b.test"), await hired(story)
    bobs = await bob.create()
    made = (await begun(staff, ada)).json()["impersonation"]["id"]
    assert problem(await bob.call("DELETE", f"/v1/me/impersonations/{made}")) == (404, "impersonation-not-found")
    answer = await bob.call("DELETE", f"/v1/organizations/{bobs}/impersonations/{made}")
    assert problem(answer) == (404, "impersonation-not-found")

"""What staff look up: by whole addresses, masked, and on record."""

from typing import Any
from uuid import uuid4

import pytest

from auth.directory.model import masked
from auth.staff.permissions import StaffRole
from contracts.auth import AuthAuditRecorded, SessionsRevoked

from .conftest import Forward
from .staffing import Colleague, hired
from .story import GOOD, Story, problem


async def lines(story: Story, action: str) -> list[AuthAuditRecorded]:
    told = await story.told(AuthAuditRecorded)
    return [each for each in told if isinstance(each, AuthAuditRecorded) and each.action == action]


async def search(staff: Colleague, **query: Any) -> list[dict[str, Any]]:
    answer = await staff.call("GET", "/v1/staff/users", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_a_user_is_found_by_the_whole_address_and_shown_masked(story: Story) -> None:
    ada, staff = await story.person("ada@lovelace.test"), await hired(story, StaffRole.SUPPORT)
    await story.person("bob@site.test")
    (found,) = await search(staff, email=" ADA@lovelace.test ")
    assert found["id"] == ada.user_id
    assert found["addresses"] == [{"kind": "email", "address": "a***@l***.test", "verified": True}]
    assert await search(staff, email="nobody@lovelace.test") == []
    assert [each["id"] for each in await search(staff, id=ada.user_id)] == [ada.user_id]
    assert await search(staff, id=str(uuid4())) == []
    assert [each["id"] for each in await search(staff, id=ada.user_id, email="ada@lovelace.test")] == [ada.user_id]
    assert await search(staff, id=ada.user_id, email="bob@site.test") == []
    made = await lines(story, "auth.user.searched")
    assert {str(each.actor_id) for each in made} == {staff.staff_id}
    assert [each.details["by"] for each in made][-1] == "email+id"
    assert "lovelace" not in "".join(str(each.details) for each in made)


async def test_users_of_an_organization_and_of_a_time_and_who_is_suspended(story: Story, forward: Forward) -> None:
    ada, bob = await story.person("ada@site.test"), await story.person("bob@site.test")
    acme = await ada.create()
    await story.member(ada, acme, "carol@site.test", "editor")
    staff = await hired(story, StaffRole.OPERATOR)
    assert {each["addresses"][0]["address"] for each in await search(staff, organization=acme)} == {
        "a***@s***.test",
        "c***@s***.test",
    }
    later = story.database.clock.now()
    await forward(60)
    dave = await story.person("dave@site.test")
    assert [each["id"] for each in await search(staff, created_after=later.isoformat())] == [dave.user_id]
    suspended = await staff.call("PUT", f"/v1/staff/users/{bob.user_id}/suspension", json={"reason": "abuse"})
    assert suspended.status_code == 204
    assert [each["id"] for each in await search(staff, suspended=True)] == [bob.user_id]
    assert bob.user_id not in {each["id"] for each in await search(staff, suspended=False)}


async def test_pages_follow_one_another_without_gap_or_repeat(story: Story) -> None:
    people = [(await story.person(f"p{number}@site.test")).user_id for number in range(5)]
    staff = await hired(story, StaffRole.SUPPORT)
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await staff.call("GET", "/v1/staff/users", params=query)).json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == people[::-1]


async def test_an_address_is_opened_on_record_by_who_may(story: Story) -> None:
    ada, staff = await story.person("Ada@lovelace.test"), await hired(story, StaffRole.SUPPORT)
    opened = (await staff.call("GET", f"/v1/staff/users/{ada.user_id}/addresses")).json()
    assert opened["items"] == [{"kind": "email", "address": "Ada@lovelace.test", "verified": True}]
    (line,) = await lines(story, "auth.user.addresses_opened")
    assert (str(line.actor_id), line.target_id) == (staff.staff_id, ada.user_id)
    unknown = await staff.call("GET", f"/v1/staff/users/{uuid4()}/addresses")
    assert problem(unknown) == (404, "user-not-found")


async def test_a_user_is_found_by_the_whole_number(story: Story) -> None:
    number = "+4915112345678"
    asked = await story.http.post("/v1/accounts", json={"phone": number, "password": GOOD})
    code = {"request_token": asked.json()["request_token"]}
    await story.deliver()
    code["code"] = story.phones.code(number)
    assert (await story.http.post("/v1/accounts/verify-phone", json=code)).status_code == 200
    staff = await hired(story, StaffRole.SUPPORT)
    (found,) = await search(staff, phone="+49 151 12345678")
    assert [(each["kind"], each["address"]) for each in found["addresses"]] == [("phone", "+49***78")]
    assert await search(staff, phone="+4915112345679") == []
    reset = await staff.call("POST", f"/v1/staff/users/{found['id']}/password-resets")
    assert problem(reset) == (409, "no-mail-address")


async def test_staff_start_a_reset_and_choose_no_password(story: Story) -> None:
    ada, staff = await story.person("ada@site.test"), await hired(story, StaffRole.SUPPORT)
    before = len(story.postbox.to(ada.email))
    asked = await staff.call("POST", f"/v1/staff/users/{ada.user_id}/password-resets")
    assert (asked.status_code, asked.json()) == (202, {})
    await story.deliver()
    assert len(story.postbox.to(ada.email)) == before + 1
    body = {"token": story.postbox.token(ada.email), "password": "another-otter-83-basalt"}
    assert (await story.http.post("/v1/password-resets/complete", json=body)).status_code == 204
    assert (await story.sign_in(ada.email, "another-otter-83-basalt")).status_code == 201
    (line,) = await lines(story, "auth.user.reset_started")
    assert (str(line.actor_id), line.target_id) == (staff.staff_id, ada.user_id)


async def test_a_user_page_tells_where_they_belong_and_how_they_sign_in(story: Story) -> None:
    ada, staff = await story.person("ada@site.test"), await hired(story, StaffRole.SUPPORT)
    acme = await ada.create("Acme")
    await story.sign_in(ada.email)
    page = (await staff.call("GET", f"/v1/staff/users/{ada.user_id}")).json()
    assert [(each["organization_id"], each["role"]) for each in page["memberships"]] == [(acme, "owner")]
    assert page["factors"] == []
    assert page["sight"]["sessions"] == 2
    assert page["sight"]["last_seen_at"] is not None
    assert len(await lines(story, "auth.user.read")) == 1

    assert (await staff.call("DELETE", f"/v1/staff/users/{ada.user_id}/sessions")).status_code == 204
    page = (await staff.call("GET", f"/v1/staff/users/{ada.user_id}")).json()
    assert page["sight"]["sessions"] == 0
    assert problem(await ada.refresh()) == (401, "session-ended")
    told = await story.told(SessionsRevoked)
    assert [str(each.user_id) for each in told if isinstance(each, SessionsRevoked)] == [ada.user_id]


async def test_organizations_are_found_by_the_beginning_of_their_name(story: Story) -> None:
    ada, staff = await story.person("ada@site.test"), await hired(story, StaffRole.SUPPORT)
    made = {name: await ada.create(name) for name in ("Acme", "ACME Two", "Other", "a_b", "Äpfel & Söhne")}

    async def named(name: str) -> list[str]:
        answer = await staff.call("GET", "/v1/staff/organizations", params={"name": name})
        return [each["name"] for each in answer.json()["items"]]

    assert await named("acme") == ["Acme", "ACME Two"]
    assert await named("äpf") == ["Äpfel & Söhne"]
    assert await named("a_") == ["a_b"], "no pattern, only a beginning"
    assert await named("cme") == []
    listed = (await staff.call("GET", "/v1/staff/organizations")).json()["items"]
    assert [each["id"] for each in listed] == list(made.values())[::-1]
    page = (await staff.call("GET", f"/v1/staff/organizations/{made['Acme']}")).json()
    assert (page["members"], page["owners"]) == (1, [ada.user_id])
    (line,) = await lines(story, "auth.organization.read")
    assert str(line.organization_id) == made["Acme"]
    assert problem(await staff.call("GET", f"/v1/staff/organizations/{uuid4()}")) == (404, "organization-not-found")


@pytest.mark.parametrize(
    ("kind", "address", "shown"),
    [
        ("email", "ada@example.com", "a***@e***.com"),
        ("email", "a@mail.example.co.uk", "a***@m***.uk"),
        ("email", "a@localhost", "a***@l***"),
        ("phone", "+4915112345678", "+49***78"),
        ("phone", "+491", "***"),
        ("email", None, None),
    ],
)
def test_what_is_masked_is_recognised_and_not_usable(kind: str, address: str | None, shown: str | None) -> None:
    assert masked(kind, address) == shown

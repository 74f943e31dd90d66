"""Suspended: nobody goes on with the account, nobody acts in the organization; restored, all is as before."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from auth.staff.permissions import StaffRole
from contracts.auth import (
    AuthAuditRecorded,
    OrganizationRestored,
    OrganizationSuspended,
    SessionsRevoked,
    SubscriptionGranted,
    SubscriptionRevoked,
    UserRestored,
    UserSuspended,
)

from .conftest import Forward
from .staffing import hired
from .story import Story, problem
from .test_api_keys import exchange

WHY = {"reason": "abuse", "note": "Ticket 17: sells followers, says eve@evil.test"}


async def test_a_suspended_user_is_out_and_stays_out_until_restored(story: Story) -> None:
    ada, staff = await story.person("ada@site.test"), await hired(story, StaffRole.OPERATOR)
    path = f"/v1/staff/users/{ada.user_id}/suspension"
    for _ in range(2):
        assert (await staff.call("PUT", path, json=WHY)).status_code == 204
    assert problem(await ada.refresh()) == (401, "session-ended")
    assert problem(await story.sign_in(ada.email)) == (403, "account-suspended")
    assert problem(await story.sign_in(ada.email, "wrong-wrong-wrong-1")) == (401, "wrong-credentials")
    for _ in range(2):
        assert (await staff.call("DELETE", path)).status_code == 204
    assert (await story.sign_in(ada.email)).status_code == 201

    told = await story.told(UserSuspended, UserRestored, SessionsRevoked)
    assert [type(each) for each in told] == [UserSuspended, SessionsRevoked, UserRestored]
    versions = [each.version for each in told if not isinstance(each, SessionsRevoked)]
    assert versions == sorted(set(versions))
    (held,) = (await staff.call("GET", f"/v1/staff/users/{ada.user_id}/suspensions")).json()["items"]
    assert (held["reason"], held["note"], held["suspended_by"]) == ("abuse", WHY["note"], staff.staff_id)
    assert held["lifted_by"] == staff.staff_id
    rows = await story.admin("SELECT row_to_json(s)::text AS row FROM auth.suspensions AS s")
    assert "evil" not in rows[0]["row"]


async def test_while_somebody_signs_in_the_suspension_wins(story: Story) -> None:
    ada, staff = await story.person("ada@site.test"), await hired(story, StaffRole.OPERATOR)
    path = f"/v1/staff/users/{ada.user_id}/suspension"
    await asyncio.gather(staff.call("PUT", path, json=WHY), *(story.sign_in(ada.email) for _ in range(6)))
    rows = await story.admin(
        """
        SELECT 1 FROM auth.sessions AS s JOIN auth.users AS u ON u.id = s.user_id
        WHERE s.ended_at IS NULL AND s.epoch >= u.sessions_from_epoch AND u.suspended_at IS NOT NULL
        """
    )
    assert rows == []


async def test_nobody_acts_in_a_suspended_organization_and_its_members_go_on_elsewhere(
    story: Story, forward: Forward
) -> None:
    ada = await story.person("ada@site.test")
    acme, other = await ada.create("Acme"), await ada.create("Other")
    bob = await story.member(ada, acme, "bob@site.test", "admin")
    key = {"name": "Import", "role": "editor", "scopes": ["posts:read"]}
    made = (await ada.call("POST", f"/v1/organizations/{acme}/api-keys", json=key)).json()
    program = {"name": "Sync", "role": "editor", "scopes": ["posts:read"], "redirect_uris": [], "public": False}
    registered = (await ada.call("POST", f"/v1/organizations/{acme}/oauth-clients", json=program)).json()

    async def machines() -> tuple[int, int]:
        """What the key and the program are answered, on their own."""
        auth = (registered["id"], registered["client_secret"])
        grant = {"grant_type": "client_credentials"}
        return (
            (await exchange(story, made["key"])).status_code,
            (await story.http.post("/v1/oauth/token", data=grant, auth=auth)).status_code,
        )

    assert await machines() == (200, 200)
    assert (await ada.refresh(acme)).status_code == 200
    staff = await hired(story, StaffRole.OPERATOR)
    path = f"/v1/staff/organizations/{acme}/suspension"
    for _ in range(2):
        assert (await staff.call("PUT", path, json={"reason": "payment"})).status_code == 204

    assert problem(await ada.call("GET", f"/v1/organizations/{acme}/members")) == (403, "organization-suspended")
    assert problem(await story.sign_in(bob.email, organization_id=acme)) == (403, "organization-suspended")
    assert problem(await bob.refresh(acme)) == (403, "organization-suspended")
    renewed = await ada.refresh()
    assert (renewed.status_code, renewed.json()["organization_id"]) == (200, None), "signed in, but nowhere"
    assert (await ada.refresh(other)).json()["organization_id"] == other
    assert (await ada.call("GET", f"/v1/organizations/{other}/members")).status_code == 200

    revoked = [each for each in await story.told(SessionsRevoked) if isinstance(each, SessionsRevoked)]
    assert {ada.user_id, bob.user_id} < {str(each.user_id) for each in revoked}
    assert len(revoked) == 4, "and the key, and the program"
    assert {made["id"], registered["id"]} == {str(each.user_id) for each in revoked if each.session_id}
    assert await machines() == (401, 401)
    (told,) = await story.told(OrganizationSuspended)
    assert isinstance(told, OrganizationSuspended)
    assert (str(told.organization_id), told.reason) == (acme, "payment")

    assert (await staff.call("DELETE", path)).status_code == 204
    assert len(await story.told(OrganizationRestored)) == 1
    await forward(11)
    assert (await bob.refresh(acme)).json()["organization_id"] == acme
    assert (await bob.call("GET", f"/v1/organizations/{acme}/members")).status_code == 200
    assert await machines() == (200, 200)
    (held,) = (await staff.call("GET", f"/v1/staff/organizations/{acme}/suspensions")).json()["items"]
    assert (held["reason"], held["note"], held["lifted_by"]) == ("payment", None, staff.staff_id)


async def test_support_suspends_nobody_and_an_operator_needs_fresh_proof(story: Story, forward: Forward) -> None:
    ada = await story.person("ada@site.test")
    sue, otto = await hired(story, StaffRole.SUPPORT), await hired(story, StaffRole.OPERATOR)
    path = f"/v1/staff/users/{ada.user_id}/suspension"
    assert problem(await sue.call("PUT", path, json=WHY)) == (403, "permission-missing")
    unknown = f"/v1/staff/users/{uuid4()}/suspension"
    assert problem(await otto.call("PUT", unknown, json=WHY)) == (404, "user-not-found")
    nowhere = f"/v1/staff/organizations/{uuid4()}/suspension"
    assert problem(await otto.call("PUT", nowhere, json=WHY)) == (404, "organization-not-found")
    await forward(9 * 60)
    assert (await otto.refresh()).status_code == 200
    await forward(2 * 60)
    assert problem(await otto.call("PUT", path, json=WHY)) == (403, "step-up-needed")
    assert await story.told(UserSuspended) == []


async def test_a_plan_is_granted_until_a_date_and_taken_back(story: Story, forward: Forward) -> None:
    ada, staff = await story.person("ada@site.test"), await hired(story, StaffRole.OPERATOR)
    acme = await ada.create()
    path = f"/v1/staff/organizations/{acme}/subscription-grants"
    body = {"plan": "pro", "months": 3, "reason": "incident", "note": "Ticket 18"}
    key = {"idempotency-key": "once"}
    first = await staff.call("POST", path, json=body, headers=key)
    again = await staff.call("POST", path, json=body, headers=key)
    assert (first.status_code, first.json()) == (201, again.json())
    (told,) = await story.told(SubscriptionGranted)
    assert isinstance(told, SubscriptionGranted)
    assert (str(told.organization_id), told.plan, str(told.grant_id)) == (acme, "pro", first.json()["id"])
    assert told.version == 1

    one = f"{path}/{first.json()['id']}"
    for _ in range(2):
        assert (await staff.call("DELETE", one)).status_code == 204
    (taken,) = await story.told(SubscriptionRevoked)
    assert taken.version == 2
    (listed,) = (await staff.call("GET", path)).json()["items"]
    assert (listed["active"], listed["note"], listed["revoked_by"]) == (False, "Ticket 18", staff.staff_id)

    now = story.database.clock.now()
    for wrong in (
        {"until": now.isoformat()},
        {"until": now.replace(year=now.year + 3).isoformat()},
        {"until": now.replace(year=now.year + 1).isoformat(), "months": 1},
        {},
    ):
        refused = await staff.call("POST", path, json={"plan": "pro", "reason": "trial"} | wrong)
        assert problem(refused) == (422, "until-refused")
    unknown = {"plan": "free", "months": 1, "reason": "trial"}
    assert problem(await staff.call("POST", path, json=unknown)) == (422, "invalid")
    short = {"plan": "pro", "reason": "trial", "until": (now + timedelta(seconds=30)).isoformat()}
    made = await staff.call("POST", path, json=short)
    await forward(40)
    over = await staff.call("DELETE", f"{path}/{made.json()['id']}")
    assert problem(over) == (409, "grant-over")
    lines = [each for each in await story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    assert [str(each.organization_id) for each in lines if each.action == "auth.subscription.granted"] == [acme] * 2

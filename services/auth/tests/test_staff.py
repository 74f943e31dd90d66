"""Staff: apart from customers, never without a second factor, and never without somebody who manages them."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from auth.staff.permissions import MATRIX, PERMISSIONS, StaffRole
from contracts.auth import AuthAuditRecorded, SessionsRevoked
from kit.http.tokens import TokenRefused

from .conftest import Forward
from .staffing import STAFF_PASSWORD, Colleague, enrolled, hired, invited
from .story import Story, problem


async def lines(story: Story, action: str) -> list[AuthAuditRecorded]:
    told = await story.told(AuthAuditRecorded)
    return [each for each in told if isinstance(each, AuthAuditRecorded) and each.action == action]


async def test_the_first_member_is_added_by_a_command_and_sets_password_and_code_app_by_its_link(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    token = await invited(story, capsys, "root@staff.test")
    refused = await story.http.post(
        "/v1/staff/sessions", json={"email": "root@staff.test", "password": STAFF_PASSWORD, "code": "123456"}
    )
    assert problem(refused) == (401, "wrong-credentials")

    root = await enrolled(story, "root@staff.test", token)
    assert (await root.sign_in()).status_code == 201
    assert root.tokens["role"] == "admin"
    assert set(root.tokens["permissions"]) == set(PERMISSIONS)
    me = (await root.call("GET", "/v1/staff/me")).json()
    assert (me["member"]["email"], len(me["sessions"])) == ("root@staff.test", 1)

    again = await story.http.post("/v1/staff/enrolments", json={"token": token})
    assert problem(again) == (410, "enrolment-over")
    (added,) = await lines(story, "auth.staff.added")
    (signed_in,) = await lines(story, "auth.staff.signed_in")
    assert added.actor_kind == "operator"
    assert (signed_in.actor_kind, str(signed_in.actor_id)) == ("staff", root.staff_id)


async def test_a_link_that_expired_or_was_replaced_enrols_nobody(
    story: Story, forward: Forward, capsys: pytest.CaptureFixture[str]
) -> None:
    first = await invited(story, capsys, "root@staff.test")
    second = await invited(story, capsys, "root@staff.test")
    for_first = await story.http.post("/v1/staff/enrolments", json={"token": first})
    assert problem(for_first) == (410, "enrolment-over")
    await forward(24 * 3600 + 1)
    for_second = await story.http.post("/v1/staff/enrolments", json={"token": second})
    assert problem(for_second) == (410, "enrolment-over")
    other = first[:-2] + ("B" if first[-2] == "A" else "A") + first[-1]
    forged = await story.http.post("/v1/staff/enrolments", json={"token": other})
    assert problem(forged) == (422, "link-malformed")


async def test_enrolling_needs_the_right_code_and_a_good_password(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    token = await invited(story, capsys, "root@staff.test")
    await story.http.post("/v1/staff/enrolments", json={"token": token})
    wrong = {"token": token, "password": STAFF_PASSWORD, "code": "000000"}
    refused = await story.http.post("/v1/staff/enrolments/completion", json=wrong)
    assert problem(refused) == (422, "code-wrong")
    root = await enrolled(story, "root@staff.test", token)  # the link is still good
    assert (await root.sign_in()).status_code == 201


@pytest.mark.parametrize(
    "changed",
    [
        {"password": "not-the-password-at-all-7"},
        {"code": "000000"},
        {"email": "nobody@staff.test"},
        {"email": "nobody@staff.test", "password": "x", "code": "999999"},
    ],
)
async def test_whatever_is_wrong_the_answer_is_the_same(story: Story, changed: Any) -> None:
    root = await hired(story)
    refused = await root.sign_in(**changed)
    assert problem(refused) == (401, "wrong-credentials")
    assert refused.json()["title"] == "The address, the password or the code is wrong."
    assert len(await lines(story, "auth.staff.refused")) == 1


@pytest.mark.parametrize("missing", ["code", "password"])
async def test_nobody_signs_in_with_one_factor(story: Story, missing: str) -> None:
    body = {"email": "root@staff.test", "password": STAFF_PASSWORD, "code": "123456"}
    del body[missing]
    assert (await story.http.post("/v1/staff/sessions", json=body)).status_code == 422


async def test_a_code_is_taken_once_however_many_show_it_at_once(story: Story) -> None:
    root = await hired(story)
    code = root.code()
    body = {"email": root.email, "password": STAFF_PASSWORD, "code": code}
    answers = await asyncio.gather(*(story.http.post("/v1/staff/sessions", json=body) for _ in range(5)))
    assert Counter(each.status_code for each in answers) == {201: 1, 401: 4}


async def test_a_token_of_staff_opens_no_door_of_customers_and_the_other_way_round(story: Story) -> None:
    root, ada = await hired(story), await story.person("ada@customer.test")
    assert problem(await root.call("GET", "/v1/me")) == (401, "invalid-token")
    assert problem(await ada.call("GET", "/v1/staff/me")) == (401, "invalid-token")
    with pytest.raises(TokenRefused):
        await story.verifier.verify(root.tokens["access_token"])
    for path, token in (
        ("/v1/sessions/refresh", root.tokens["refresh_token"]),
        ("/v1/staff/sessions/refresh", ada.tokens["refresh_token"]),
    ):
        refused = await story.http.post(path, json={"refresh_token": token})
        assert problem(refused) == (401, "refresh-token-malformed")


async def test_the_same_address_may_be_a_customers_and_the_two_know_nothing_of_one_another(story: Story) -> None:
    ada = await story.person("ada@both.test")
    staff = await hired(story, StaffRole.SUPPORT, "ada@both.test")
    assert staff.staff_id != ada.user_id
    rows = await story.admin("SELECT 1 FROM auth.staff AS s JOIN auth.identities AS i ON i.blind = s.email_blind")
    assert rows == []
    assert problem(await story.sign_in("ada@both.test", STAFF_PASSWORD)) == (401, "wrong-credentials")


async def test_guessing_waits_longer_and_longer_and_a_right_sign_in_forgets_it(
    story: Story, forward: Forward
) -> None:
    root = await hired(story)
    for _ in range(6):
        assert (await root.sign_in(password="wrong-wrong-wrong-1", code="000000")).status_code == 401
    assert problem(await root.sign_in(code="000000")) == (429, "too-many-attempts")
    unknown = [await root.sign_in(email="nobody@staff.test", code="123456") for _ in range(7)]
    assert [each.status_code for each in unknown] == [401] * 6 + [429], "an address that nobody has waits alike"
    await forward(301)
    assert (await root.sign_in()).status_code == 201
    await forward(30)
    assert (await root.sign_in()).status_code == 201


async def test_a_session_ends_after_half_an_hour_without_use_and_after_eight_hours(
    story: Story, forward: Forward
) -> None:
    root = await hired(story)
    await forward(29 * 60)
    assert (await root.refresh()).status_code == 200
    await forward(31 * 60)
    assert problem(await root.refresh()) == (401, "session-ended")

    assert (await root.sign_in()).status_code == 201
    for _ in range(19):
        await forward(25 * 60)
        assert (await root.refresh()).status_code == 200
    assert root.tokens["expires_in"] <= 600
    await forward(6 * 60)
    assert problem(await root.refresh()) == (401, "session-ended")


async def test_a_used_refresh_token_ends_the_session_and_tabs_that_refresh_together_do_not(
    story: Story, forward: Forward
) -> None:
    root = await hired(story)
    first = root.tokens["refresh_token"]
    answers = await asyncio.gather(*(root.refresh(first) for _ in range(8)))
    assert {each.status_code for each in answers} == {200}
    assert len({each.json()["refresh_token"] for each in answers}) == 1
    successor = answers[0].json()["refresh_token"]
    await forward(11)
    assert problem(await root.refresh(first)) == (401, "refresh-token-reused")
    assert problem(await root.refresh(successor)) == (401, "session-ended")
    assert len(await lines(story, "auth.staff.reuse_detected")) == 1
    told = [each for each in await story.told(SessionsRevoked) if isinstance(each, SessionsRevoked)]
    assert [str(each.session_id) for each in told] == [root.tokens["session_id"]]


async def test_signing_out_ends_the_session_and_gateways_are_told(story: Story) -> None:
    root = await hired(story)
    assert (await root.call("DELETE", "/v1/staff/sessions/current")).status_code == 204
    assert problem(await root.refresh()) == (401, "session-ended")
    revoked = (await story.http.get("/internal/revocations")).json()["revocations"]
    assert [(each["user_id"], each["session_id"]) for each in revoked] == [(root.staff_id, root.tokens["session_id"])]


async def test_what_reaches_far_asks_for_both_factors_again(story: Story, forward: Forward) -> None:
    root = await hired(story)
    await forward(9 * 60)
    assert (await root.refresh()).status_code == 200
    await forward(2 * 60)
    body = {"email": "new@staff.test", "role": "support"}
    assert problem(await root.call("POST", "/v1/staff/members", json=body)) == (403, "step-up-needed")
    assert problem(await root.prove(code="000000")) == (401, "wrong-credentials")
    assert problem(await root.prove(password="wrong-wrong-wrong-1")) == (401, "wrong-credentials")
    assert (await root.prove()).status_code == 204
    assert (await root.call("POST", "/v1/staff/members", json=body)).status_code == 201


async def test_an_administrator_adds_changes_and_removes_members(story: Story) -> None:
    root = await hired(story)
    body = {"email": "sue@staff.test", "role": "support"}
    added = (await root.call("POST", "/v1/staff/members", json=body)).json()
    assert added["link"].endswith(added["enrolment_token"])
    assert problem(await root.call("POST", "/v1/staff/members", json=body)) == (409, "already-staff")
    sue = await enrolled(story, "sue@staff.test", added["enrolment_token"])
    assert (await sue.sign_in()).status_code == 201
    assert set(sue.tokens["permissions"]) == MATRIX[StaffRole.SUPPORT]
    assert problem(await sue.call("GET", "/v1/staff/members")) == (403, "permission-missing")

    path = f"/v1/staff/members/{sue.staff_id}"
    seen = await root.call("GET", path)
    match = {"if-match": seen.headers["etag"]}
    changed = await root.call("PATCH", path, json={"role": "operator"}, headers=match)
    assert changed.json()["role"] == "operator"
    stale = await root.call("PATCH", path, json={"role": "admin"}, headers=match)
    assert stale.status_code == 412
    assert problem(await sue.refresh()) == (401, "session-ended"), "the old role is dead at once"

    listed = (await root.call("GET", "/v1/staff/members")).json()["items"]
    assert [each["email"] for each in listed] == ["admin@staff.test", "sue@staff.test"]
    assert (await root.call("DELETE", path)).status_code == 204
    assert problem(await root.call("GET", path)) == (404, "staff-not-found")
    assert await story.admin("SELECT 1 FROM auth.staff WHERE id = $1", UUID(sue.staff_id)) == []
    assert problem(await sue.sign_in(code="123456")) == (401, "wrong-credentials")


async def test_whoever_lost_password_or_app_sets_new_ones_by_a_new_link(story: Story, forward: Forward) -> None:
    root, sue = await hired(story), await hired(story, StaffRole.SUPPORT)
    path = f"/v1/staff/members/{sue.staff_id}/enrolments"
    renewed = (await root.call("POST", path)).json()
    assert problem(await sue.refresh()) == (401, "session-ended")
    await forward(60)
    assert problem(await sue.sign_in()) == (401, "wrong-credentials")
    again = await enrolled(story, sue.email, renewed["enrolment_token"])
    assert (await again.sign_in()).status_code == 201
    assert again.secret != sue.secret


async def test_the_last_administrator_stays(story: Story) -> None:
    root = await hired(story)
    path = f"/v1/staff/members/{root.staff_id}"
    match = {"if-match": (await root.call("GET", path)).headers["etag"]}
    for answer in (
        await root.call("DELETE", path),
        await root.call("PATCH", path, json={"role": "support"}, headers=match),
        await root.call("POST", f"{path}/enrolments"),
    ):
        assert problem(answer) == (409, "last-admin")


async def test_of_two_administrators_who_remove_each_other_at_once_one_stays(story: Story) -> None:
    one, two = await hired(story, email="one@staff.test"), await hired(story, email="two@staff.test")
    answers = await asyncio.gather(
        one.call("DELETE", f"/v1/staff/members/{two.staff_id}"),
        two.call("DELETE", f"/v1/staff/members/{one.staff_id}"),
    )
    statuses = sorted(each.status_code for each in answers)
    assert statuses[0] == 204
    assert statuses[1] in {403, 409}, "the session of the one removed is not fresh any more, or the guard holds"
    assert await story.count("staff") == 1


async def test_sessions_are_listed_and_ended(story: Story, forward: Forward) -> None:
    root, sue = await hired(story), await hired(story, StaffRole.SUPPORT)
    await forward(30)
    other = Colleague(story, sue.email, sue.secret, sue.last_step)
    assert (await other.sign_in()).status_code == 201
    path = f"/v1/staff/members/{sue.staff_id}/sessions"
    listed = (await root.call("GET", path)).json()["items"]
    assert [each["id"] for each in listed] == [other.tokens["session_id"], sue.tokens["session_id"]]
    assert (await root.call("DELETE", f"{path}/{sue.tokens['session_id']}")).status_code == 204
    assert problem(await root.call("DELETE", f"{path}/{sue.tokens['session_id']}")) == (404, "session-not-found")
    assert problem(await sue.refresh()) == (401, "session-ended")
    own = f"/v1/staff/me/sessions/{root.tokens['session_id']}"
    assert problem(await other.call("DELETE", own)) == (404, "session-not-found"), "of others, by managers alone"
    assert (await other.refresh()).status_code == 200


async def test_nothing_secret_of_staff_lies_open(story: Story) -> None:
    root = await hired(story)
    rows = await story.admin("SELECT row_to_json(s)::text AS row FROM auth.staff AS s")
    text = "".join(row["row"] for row in rows)
    assert root.email not in text
    assert root.secret not in text
    assert STAFF_PASSWORD not in text


def test_every_role_allows_more_than_the_one_below_and_nothing_unknown() -> None:
    assert MATRIX[StaffRole.SUPPORT] < MATRIX[StaffRole.OPERATOR] < MATRIX[StaffRole.ADMIN]
    assert all(allowed <= set(PERMISSIONS) for allowed in MATRIX.values())

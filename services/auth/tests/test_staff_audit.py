"""What staff do, and what is done to them, is in the audit trail."""

from contracts.audit import ACTIONS
from contracts.auth import AuthAuditRecorded

from .conftest import Forward
from .staffing import enrolled, hired
from .story import Story, problem


async def told(story: Story) -> list[tuple[str, str]]:
    lines = [each for each in await story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    return [(each.action, each.actor_kind) for each in lines if "auth.staff." in each.action]


async def test_a_life_among_the_staff(story: Story, forward: Forward) -> None:
    root = await hired(story)
    added = (await root.call("POST", "/v1/staff/members", json={"email": "sue@staff.test", "role": "support"})).json()
    path = f"/v1/staff/members/{added['staff_id']}"
    await enrolled(story, "sue@staff.test", added["enrolment_token"])
    renewed = (await root.call("POST", f"{path}/enrolments")).json()
    sue = await enrolled(story, "sue@staff.test", renewed["enrolment_token"])
    assert (await sue.sign_in()).status_code == 201
    await forward(60)
    assert (await sue.prove()).status_code == 204
    assert (await root.prove()).status_code == 204
    match = {"if-match": (await root.call("GET", path)).headers["etag"]}
    assert (await root.call("PATCH", path, json={"role": "operator"}, headers=match)).status_code == 200
    assert (await sue.sign_in()).status_code == 201
    one = f"{path}/sessions/{sue.tokens['session_id']}"
    assert (await root.call("DELETE", one)).status_code == 204
    for _ in range(6):
        assert (await sue.sign_in(code="000000")).status_code == 401
    assert problem(await sue.sign_in(code="000000")) == (429, "too-many-attempts")
    assert (await root.call("DELETE", path)).status_code == 204
    first = root.tokens["refresh_token"]
    assert (await root.refresh()).status_code == 200
    await forward(11)
    assert problem(await root.refresh(first)) == (401, "refresh-token-reused")
    await forward(30)
    assert (await root.sign_in()).status_code == 201
    assert (await root.call("DELETE", "/v1/staff/sessions/current")).status_code == 204

    names = [
        ("auth.staff.added", "operator"),
        ("auth.staff.enrolled", "staff"),
        ("auth.staff.signed_in", "staff"),
        ("auth.staff.added", "staff"),
        ("auth.staff.enrolled", "staff"),
        ("auth.staff.enrolment_renewed", "staff"),
        ("auth.staff.enrolled", "staff"),
        ("auth.staff.signed_in", "staff"),
        ("auth.staff.proven", "staff"),
        ("auth.staff.proven", "staff"),
        ("auth.staff.role_changed", "staff"),
        ("auth.staff.signed_in", "staff"),
        ("auth.staff.session_ended", "staff"),
        *[("auth.staff.refused", "staff")] * 6,
        ("auth.staff.throttled", "staff"),
        ("auth.staff.removed", "staff"),
        ("auth.staff.reuse_detected", "system"),
        ("auth.staff.signed_in", "staff"),
        ("auth.staff.signed_out", "staff"),
    ]
    assert await told(story) == names
    assert {name for name, _ in names} == {each for each in ACTIONS if each.startswith("auth.staff.")}


async def test_what_staff_do_to_others(story: Story) -> None:
    ada, staff = await story.person("ada@site.test"), await hired(story)
    acme = await ada.create()
    why = {"reason": "other"}
    grant = {"plan": "pro", "months": 1, "reason": "trial"}
    for kind, thing in (("users", ada.user_id), ("organizations", acme)):
        assert (await staff.call("PUT", f"/v1/staff/{kind}/{thing}/suspension", json=why)).status_code == 204
        assert (await staff.call("DELETE", f"/v1/staff/{kind}/{thing}/suspension")).status_code == 204
    path = f"/v1/staff/organizations/{acme}/subscription-grants"
    made = (await staff.call("POST", path, json=grant)).json()["id"]
    assert (await staff.call("DELETE", f"{path}/{made}")).status_code == 204
    lines = [each for each in await story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    theirs = [each for each in lines if each.actor_kind == "staff" and "auth.staff." not in each.action]
    assert [each.action for each in theirs] == [
        "auth.user.suspended",
        "auth.user.restored",
        "auth.organization.suspended",
        "auth.organization.restored",
        "auth.subscription.granted",
        "auth.subscription.revoked",
    ]
    assert {str(each.actor_id) for each in theirs} == {staff.staff_id}
    assert {str(each.organization_id) for each in theirs[2:]} == {acme}, "where its owners read it"

"""Who has lost all second factors is helped by staff, slowly: told at once, stopped easily, done after three days."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from auth.factor_recoveries.repository import FactorRecoveryRepository
from auth.staff.permissions import StaffRole
from contracts.audit import AuditEntry
from contracts.auth import SessionsRevoked

from .authenticators import Authenticator, add_passkey, ask
from .conftest import Forward
from .second_factors import AuthenticatorApp, complete, half_signed_in, with_app
from .staffing import Colleague, hired
from .story import GOOD, Person, Story, problem, text_of

ADA = "ada.locked-out@lost.test"
WHY = {"reason": "Ticket 31: showed their passport in a call."}
DAYS = 72 * 3600


def path(person: Person, recovery_id: str = "") -> str:
    return f"/v1/staff/users/{person.user_id}/factor-recoveries" + (f"/{recovery_id}" if recovery_id else "")


async def lost(story: Story) -> tuple[Person, AuthenticatorApp, Colleague]:
    ada = await story.person(ADA)
    app = await with_app(story, ada)
    await add_passkey(ada, Authenticator())
    return ada, app, await hired(story, StaffRole.OPERATOR)


async def begun(staff: Colleague, person: Person) -> dict[str, Any]:
    answer = await staff.call("POST", path(person), json=WHY)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def link(story: Story) -> str:
    await story.deliver()
    assert "/stop-factor-recovery#token=" in text_of(story.postbox.to(ADA)[-1])
    return story.postbox.token(ADA)


async def stop(story: Story, token: str) -> httpx.Response:
    return await story.http.post("/v1/factor-recoveries/stop", json={"token": token})


async def finish(story: Story) -> None:
    await story.parts.staff.recoveries.finish_due()


async def lines(story: Story) -> list[tuple[str, str, dict[str, Any]]]:
    told = [each for each in await story.told(AuditEntry) if isinstance(each, AuditEntry)]
    return [
        (each.action.removeprefix("auth."), each.actor_kind, dict(each.details))
        for each in told
        if each.action.startswith("auth.factor_recovery.")
    ]


async def test_after_three_days_the_factors_are_gone_and_the_password_is_enough(
    story: Story, forward: Forward
) -> None:
    ada, app, staff = await lost(story)
    made = await begun(staff, ada)
    assert (made["state"], made["reason"], made["begun_by"]) == ("pending", WHY["reason"], staff.staff_id)
    await link(story)
    await forward(DAYS - 60)
    await finish(story)
    assert (await half_signed_in(story, ada))["factors"] == ["passkey", "totp", "recovery_code"], "not a minute early"
    owed = await half_signed_in(story, ada)
    before = len(await story.told(SessionsRevoked))
    await forward(61)
    await asyncio.gather(finish(story), finish(story), finish(story))
    await finish(story)
    assert len(await story.told(SessionsRevoked)) == before + 1, "by several at once it is done once"
    assert problem(await ada.refresh()) == (401, "session-ended")
    late = await complete(story, owed["sign_in_token"], "totp", app.code())
    assert late.status_code == 401, "half a sign-in from before is over"
    mails = len(story.postbox.to(ADA))
    await story.deliver()
    assert len(story.postbox.to(ADA)) == mails + 1
    assert "were removed" in text_of(story.postbox.to(ADA)[-1])
    answer = await story.sign_in(ADA)
    assert answer.status_code == 201
    again = Person(story.http, ADA, answer.json())
    shown = (await again.call("GET", "/v1/me/factors")).json()
    assert (shown["items"], shown["recovery_codes_left"]) == ([], 0)
    await with_app(story, again)
    recovery = {"recovery": made["id"]}
    assert await lines(story) == [
        ("factor_recovery.begun", "staff", recovery),
        ("factor_recovery.done", "system", recovery),
    ]
    rows = await story.admin("SELECT row_to_json(r)::text AS row FROM auth.factor_recoveries AS r")
    assert "passport" not in rows[0]["row"]


async def test_where_a_second_factor_is_demanded_one_is_asked_for(story: Story, forward: Forward) -> None:
    ada, _, staff = await lost(story)
    await ada.refresh()
    acme = await ada.create()
    demand = {"requires_second_factor": True}
    asked = await ada.call("PATCH", f"/v1/organizations/{acme}", json=demand, headers={"if-match": '"v1"'})
    assert asked.status_code == 200
    await begun(staff, ada)
    await forward(DAYS + 1)
    await finish(story)
    assert problem(await story.sign_in(ADA, organization_id=acme)) == (403, "second-factor-required")
    ada = Person(story.http, ADA, (await story.sign_in(ADA)).json())
    assert [each["organization_id"] for each in (await ada.call("GET", "/v1/me/factors")).json()["demanded_by"]] == [
        acme
    ]
    await with_app(story, ada)
    assert (await ada.refresh(acme)).json()["role"] == "owner"


async def test_the_link_of_the_mail_stops_it_once(story: Story, forward: Forward) -> None:
    ada, _, staff = await lost(story)
    made = await begun(staff, ada)
    token = await link(story)
    answers = await asyncio.gather(*(stop(story, token) for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [204, 410, 410]
    assert problem(await stop(story, "A" * len(token))) == (422, "stop-link-malformed")
    await forward(DAYS + 1)
    await finish(story)
    assert (await half_signed_in(story, ada))["factors"][0] == "passkey"
    assert (await staff.refresh()).status_code in {200, 401}
    assert await lines(story) == [
        ("factor_recovery.begun", "staff", {"recovery": made["id"]}),
        ("factor_recovery.cancelled", "user", {"by": "link"}),
    ]


async def test_whoever_signs_in_with_a_factor_has_not_lost_it(story: Story, forward: Forward) -> None:
    ada, app, staff = await lost(story)
    await begun(staff, ada)
    await forward(60)
    owed = await half_signed_in(story, ada)
    (row,) = await story.admin("SELECT state FROM factor_recoveries")
    assert row["state"] == "pending", "a password alone stops nothing"
    assert (await complete(story, owed["sign_in_token"], "totp", app.code())).status_code == 201
    (held,) = (await staff.call("GET", path(ada))).json()["items"]
    assert (held["state"], held["cancelled_by"]) == ("cancelled", "factor")
    await begun(staff, ada)
    await forward(60)
    shown = await ada.call("POST", "/v1/sessions/current/proofs", json={"factor": "totp", "code": app.code()})
    assert shown.status_code == 200
    assert {each["state"] for each in (await staff.call("GET", path(ada))).json()["items"]} == {"cancelled"}
    await forward(DAYS)
    await finish(story)
    assert (await half_signed_in(story, ada))["factors"] == ["passkey", "totp", "recovery_code"]


async def test_a_passkey_alone_stops_it_too(story: Story) -> None:
    ada, key = await story.person(ADA), Authenticator()
    await add_passkey(ada, key)
    staff = await hired(story, StaffRole.OPERATOR)
    await begun(staff, ada)
    answer = await story.http.post("/v1/sessions/passkey", json={"assertion": key.answer(await ask(story))})
    assert answer.status_code == 201
    (held,) = (await staff.call("GET", path(ada))).json()["items"]
    assert held["state"] == "cancelled"


async def test_of_a_sign_in_at_the_last_moment_and_the_removal_one_wins(story: Story, forward: Forward) -> None:
    ada, app, staff = await lost(story)
    await begun(staff, ada)
    await forward(DAYS + 1)
    owed = await half_signed_in(story, ada)
    answer, *_ = await asyncio.gather(
        complete(story, owed["sign_in_token"], "totp", app.code()), finish(story), finish(story)
    )
    (row,) = await story.admin("SELECT state FROM factor_recoveries")
    left = await story.admin("SELECT FROM totp_factors")
    assert (answer.status_code, row["state"], len(left)) in {(201, "cancelled", 1), (401, "done", 0)}


async def test_staff_sees_and_stops_what_is_pending(story: Story) -> None:
    ada, _, staff = await lost(story)
    made = await begun(staff, ada)
    assert problem(await staff.call("POST", path(ada), json=WHY)) == (409, "factor-recovery-pending")
    listed = (await staff.call("GET", "/v1/staff/factor-recoveries")).json()
    assert [each["id"] for each in listed["items"]] == [made["id"]]
    for _ in range(2):
        assert (await staff.call("DELETE", path(ada, made["id"]))).status_code == 204
    assert problem(await staff.call("DELETE", path(ada, str(uuid4())))) == (404, "factor-recovery-not-found")
    assert (await staff.call("GET", "/v1/staff/factor-recoveries")).json()["items"] == []
    again = await asyncio.gather(*(staff.call("POST", path(ada), json=WHY) for _ in range(3)))
    assert sorted(each.status_code for each in again) == [201, 409, 409]
    assert [line[0] for line in await lines(story)] == [
        "factor_recovery.begun",
        "factor_recovery.cancelled",
        "factor_recovery.begun",
    ]


async def test_it_is_for_few_to_begin_and_not_for_everybody(story: Story, forward: Forward) -> None:
    ada, _, staff = await lost(story)
    support = await hired(story, StaffRole.SUPPORT)
    assert problem(await support.call("POST", path(ada), json=WHY)) == (403, "permission-missing")
    bob = await story.person("bob@lost.test")
    assert problem(await staff.call("POST", path(bob), json=WHY)) == (409, "user-without-second-factor")
    unknown = f"/v1/staff/users/{uuid4()}/factor-recoveries"
    assert problem(await staff.call("POST", unknown, json=WHY)) == (404, "user-not-found")
    colleague = await story.person(staff.email)
    await with_app(story, colleague)
    assert problem(await staff.call("POST", path(colleague), json=WHY)) == (409, "user-is-of-staff")
    await forward(9 * 60)
    assert (await staff.refresh()).status_code == 200
    await forward(2 * 60)
    assert problem(await staff.call("POST", path(ada), json=WHY)) == (403, "step-up-needed")
    assert await story.admin("SELECT FROM factor_recoveries") == []


async def test_beginning_it_often_hides_no_mail(story: Story) -> None:
    ada, _, staff = await lost(story)
    await story.deliver()
    before = len(story.postbox.to(ADA))
    for _ in range(7):
        made = await begun(staff, ada)
        assert (await staff.call("DELETE", path(ada, made["id"]))).status_code == 204
    await story.deliver()
    assert len(story.postbox.to(ADA)) == before + 7


async def test_a_password_that_needs_a_factor_is_set_anew(story: Story, forward: Forward) -> None:
    ada, _, staff = await lost(story)
    await ada.refresh()
    short = {"present": GOOD, "password": "vq7#Lw2z"}
    assert (await ada.call("PUT", "/v1/me/password", json=short)).status_code == 204
    await begun(staff, ada)
    await forward(DAYS + 1)
    await finish(story)
    assert problem(await story.sign_in(ADA, "vq7#Lw2z")) == (401, "wrong-credentials")


async def test_what_dies_on_the_way_is_done_by_the_next(story: Story, forward: Forward) -> None:
    """A process that dies within the transaction has removed nothing."""
    ada, _, staff = await lost(story)
    made = await begun(staff, ada)
    await forward(DAYS + 1)
    with pytest.raises(RuntimeError):
        async with story.database.transaction() as tx:
            assert await FactorRecoveryRepository(tx).finish(UUID(made["id"]))
            raise RuntimeError
    assert (await half_signed_in(story, ada))["factors"][0] == "passkey"
    await finish(story)
    assert (await story.sign_in(ADA)).status_code == 201

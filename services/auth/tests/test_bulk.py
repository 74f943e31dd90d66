"""What staff does to many users at once: looked at first, done once each, told row by row."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from auth.operations.kind import UserOperationKind
from auth.staff.permissions import StaffRole
from contracts.auth import AuthAuditRecorded, SessionsRevoked, UserSuspended
from kit.ids import new_id
from kit.jobs.jobs import Jobs
from kit.testing.databases import TestDatabase
from kit.testing.mortal import Died, Mortal

from .conftest import Forward
from .staffing import Colleague, hired
from .story import Person, Story, problem


async def people(story: Story, count: int) -> list[Person]:
    return [await story.person(f"p{number}@example.com") for number in range(count)]


async def run(colleague: Colleague, operation: str, **more: Any) -> Any:
    body = {"operation": operation, **more}
    return await colleague.call("POST", "/v1/staff/user-operations", json=body)


async def dry(colleague: Colleague, operation: str, **more: Any) -> Any:
    answer = await colleague.call("POST", "/v1/staff/user-operations/dry-runs", json={"operation": operation, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def work(story: Story) -> None:
    worker = story.parts.operations.jobs.worker()
    while not await worker.turn():
        pass


async def rows(colleague: Colleague, job_id: str) -> list[tuple[int, str, str]]:
    answer = await colleague.call("GET", f"/v1/staff/jobs/{job_id}/items?limit=100")
    return [(each["number"], each["state"], each["code"]) for each in answer.json()["items"]]


async def lines(story: Story, action: str) -> list[AuthAuditRecorded]:
    told = await story.told(AuthAuditRecorded)
    return [each for each in told if isinstance(each, AuthAuditRecorded) and each.action == action]


async def test_users_of_a_list_are_suspended_and_each_row_says_what_became_of_it(story: Story) -> None:
    admin = await hired(story)
    ada, bob, carol = await people(story, 3)
    stranger = str(new_id())
    ids = [ada.user_id, stranger, bob.user_id, ada.user_id]
    trial = await dry(admin, "suspend", user_ids=ids)
    assert (trial["total"], trial["known"], trial["unknown"], trial["repeated"]) == (4, 2, 1, 1)
    assert [each["code"] for each in trial["first"]] == ["", "unknown", "", "repeated"]
    assert (await ada.call("GET", "/v1/me")).status_code == 200
    answer = await run(admin, "suspend", user_ids=ids, reason="abuse")
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (job["total"], job["failed"], job["skipped"]) == (4, 1, 1)
    await work(story)
    assert await rows(admin, job["id"]) == [
        (1, "done", ""),
        (2, "failed", "unknown"),
        (3, "done", ""),
        (4, "skipped", "repeated"),
    ]
    for person, status in ((ada, 401), (bob, 401), (carol, 200)):
        assert (await person.refresh()).status_code == status
    told = await lines(story, "auth.user.suspended")
    assert {each.target_id for each in told} == {ada.user_id, bob.user_id}
    assert {(each.actor_kind, str(each.actor_id), each.details["job"]) for each in told} == {
        ("staff", admin.staff_id, job["id"])
    }
    (submitted,) = await lines(story, "auth.user_operation.submitted")
    assert submitted.details == {"operation": "suspend", "listed": 4}
    assert len(await story.told(UserSuspended)) == 2

    again = (await run(admin, "suspend", user_ids=[ada.user_id, carol.user_id], reason="abuse")).json()
    await work(story)
    assert await rows(admin, again["id"]) == [(1, "skipped", "already"), (2, "done", "")]

    restored = (await run(admin, "restore", user_ids=[ada.user_id, bob.user_id, carol.user_id])).json()
    await work(story)
    assert [state for _, state, _ in await rows(admin, restored["id"])] == ["done"] * 3
    assert len(await lines(story, "auth.user.restored")) == 3
    assert (await story.sign_in(ada.email)).status_code == 201


async def test_sessions_of_addresses_are_ended(story: Story) -> None:
    admin = await hired(story)
    ada, bob = await people(story, 2)
    addresses = [ada.email.upper(), "nobody@else.test", "no address", ada.email]
    trial = await dry(admin, "end_sessions", addresses=addresses)
    assert (trial["known"], trial["unknown"], trial["repeated"]) == (1, 2, 1)
    job = (await run(admin, "end_sessions", addresses=addresses)).json()
    await work(story)
    assert [code for _, _, code in await rows(admin, job["id"])] == ["", "unknown", "address-invalid", "repeated"]
    assert (await ada.refresh()).status_code == 401
    assert (await bob.refresh()).status_code == 200
    kept = [await story.admin(f"SELECT * FROM {table}") for table in ("jobs", "job_items")]
    assert "p0@" not in str(kept), "addresses are looked up and not kept"
    await story.deliver()
    assert story.postbox.urgent[-1] is False, "whoever waits for a mail does not stand behind those of a job"
    assert (await story.http.post("/v1/password-resets", json={"email": ada.email})).status_code == 202
    await story.deliver()
    assert story.postbox.urgent[-1] is True


async def test_an_audience_is_found_when_the_job_begins(story: Story) -> None:
    admin = await hired(story)
    ada, bob, carol = await people(story, 3)
    acme = await ada.create("Acme")
    editor = await story.member(ada, acme, "editor@example.com", "editor")
    trial = await dry(admin, "suspend", audience={"organization_id": acme, "roles": ["editor"]})
    assert (trial["total"], [each["user_id"] for each in trial["first"]]) == (1, [editor.user_id])
    answer = await run(admin, "suspend", audience={"organization_id": acme, "roles": ["editor"]}, reason="other")
    assert answer.json()["total"] == 0, "nobody was looked for yet"
    await work(story)
    assert [(await each.refresh()).status_code for each in (ada, bob, carol, editor)] == [200, 200, 200, 401]


async def test_the_same_request_twice_is_one_job(story: Story) -> None:
    admin = await hired(story)
    (ada,) = await people(story, 1)
    body = {"operation": "end_sessions", "user_ids": [ada.user_id]}
    headers = {"idempotency-key": "one"}
    answers = [await admin.call("POST", "/v1/staff/user-operations", json=body, headers=headers) for _ in range(2)]
    assert len({each.json()["id"] for each in answers}) == 1
    other = await admin.call(
        "POST", "/v1/staff/user-operations", json=body | {"operation": "restore"}, headers=headers
    )
    assert problem(other) == (422, "idempotency-key-reused")


async def test_who_may_do_what_and_with_which_proof(story: Story, forward: Forward) -> None:
    support, operator = await hired(story, StaffRole.SUPPORT), await hired(story, StaffRole.OPERATOR)
    (ada,) = await people(story, 1)
    assert problem(await run(support, "end_sessions", user_ids=[ada.user_id])) == (403, "permission-missing")
    assert problem(await run(operator, "suspend", user_ids=[ada.user_id])) == (422, "reason-needed")
    both = {"user_ids": [ada.user_id], "audience": {}}
    wrong: list[dict[str, Any]] = [{}, {"user_ids": []}, {"user_ids": ["x"]}, both]
    for bad in wrong:
        assert (await run(operator, "end_sessions", **bad)).status_code == 422, bad
    assert (await run(operator, "delete", user_ids=[ada.user_id])).status_code == 422
    await forward(601)
    await operator.refresh()
    assert problem(await run(operator, "end_sessions", user_ids=[ada.user_id])) == (403, "step-up-needed")


@pytest.fixture
async def mortal(place: TestDatabase) -> AsyncIterator[Mortal]:
    opened = await Mortal.open(place.url("auth"), name="auth mortal", pool_size=4, acquire_within=60)
    assert isinstance(opened, Mortal)
    try:
        yield opened
    finally:
        await opened.close()


async def test_killed_at_every_step_each_is_suspended_once(story: Story, mortal: Mortal) -> None:
    admin = await hired(story)
    everybody = await people(story, 4)
    ids = [each.user_id for each in everybody]
    job = (await run(admin, "suspend", user_ids=ids, reason="fraud")).json()
    before = len(await story.told(SessionsRevoked))
    deaths, lives = 0, 1
    while (await admin.call("GET", f"/v1/staff/jobs/{job['id']}")).json()["state"] != "finished":
        mortal.live_for(lives)
        try:
            kind = UserOperationKind(mortal, story.parts.mailer, batch=2)
            await Jobs(mortal, [kind]).worker().turn()
            lives = 1
        except Died:
            deaths, lives = deaths + 1, lives + 1
        finally:
            mortal.live_for(None)
    assert deaths > 30
    told = [str(each.user_id) for each in await story.told(UserSuspended) if isinstance(each, UserSuspended)]
    assert sorted(told) == sorted(ids)
    assert len(await story.told(SessionsRevoked)) - before == 4
    assert len(await story.admin("SELECT id FROM suspensions WHERE user_id = $1", UUID(ids[0]))) == 1

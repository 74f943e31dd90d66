"""Jobs of the platform, through the doors of staff."""

from typing import Any

from auth.staff.permissions import StaffRole
from contracts.auth import AuthAuditRecorded
from kit.jobs.model import ItemState

from .staffing import Colleague, hired
from .story import Story, problem


async def lines(story: Story, *actions: str) -> list[AuthAuditRecorded]:
    told = await story.told(AuthAuditRecorded)
    return [each for each in told if isinstance(each, AuthAuditRecorded) and each.action in actions]


async def announced(story: Story, colleague: Colleague, people: int = 3) -> dict[str, Any]:
    """The job of an announcement to so many people."""
    for number in range(people):
        await story.person(f"p{number}@example.com")
    words = {"texts": {"en": {"title": "News", "text": "There is news."}}}
    draft = (await colleague.call("POST", "/v1/staff/announcements", json=words)).json()["id"]
    path = f"/v1/staff/announcements/{draft}/schedule"
    answer = await colleague.call("POST", path, json={}, headers={"if-match": '"v1"'})
    assert answer.status_code == 200, answer.text
    job: dict[str, Any] = answer.json()["job"]
    return job


async def work(story: Story) -> None:
    worker = story.parts.operations.jobs.worker()
    while not await worker.turn():
        pass


async def test_progress_items_and_report_of_a_job(story: Story) -> None:
    admin = await hired(story)
    job = await announced(story, admin)
    assert (job["state"], job["kind"], job["submitted_by"]) == ("queued", "auth.announcement", admin.staff_id)
    await work(story)
    after = (await admin.call("GET", f"/v1/staff/jobs/{job['id']}")).json()
    assert (after["state"], after["total"], after["done"], after["left"]) == ("finished", 3, 3, 0)
    items = (await admin.call("GET", f"/v1/staff/jobs/{job['id']}/items?state=done&limit=2")).json()
    assert [each["code"] for each in items["items"]] == ["by-mail", "by-mail"]
    assert items["next_cursor"] is not None
    report = await admin.call("GET", f"/v1/staff/jobs/{job['id']}/report?state={ItemState.DONE}&format=jsonl")
    assert len(report.text.splitlines()) == 3
    (listed,) = (await admin.call("GET", "/v1/staff/jobs?kind=auth.announcement")).json()["items"]
    assert listed["id"] == job["id"]
    statistics = (await admin.call("GET", "/v1/staff/jobs/statistics")).json()["kinds"]
    assert {each["kind"]: each["finished"] for each in statistics}["auth.announcement"] == 1


async def test_a_job_is_cancelled_and_tried_again_by_who_could_submit_it_and_on_record(story: Story) -> None:
    support, operator = await hired(story, StaffRole.SUPPORT), await hired(story, StaffRole.OPERATOR)
    job = await announced(story, operator)
    path = f"/v1/staff/jobs/{job['id']}"
    assert (await support.call("GET", path)).status_code == 200, "support may look"
    assert problem(await support.call("POST", f"{path}/cancel")) == (403, "permission-missing")
    assert problem(await operator.call("POST", f"{path}/retry")) == (409, "job-not-ended")
    assert (await operator.call("GET", path)).json()["state"] == "queued", "what was refused has not happened"
    await work(story)
    assert problem(await operator.call("POST", f"{path}/retry")) == (409, "nothing-failed")
    await story.admin("UPDATE job_items SET state = 'failed', code = 'x' WHERE number = 1")
    await story.admin("UPDATE jobs SET failed = 1, done = 2 WHERE state = 'finished'")
    assert (await operator.call("POST", f"{path}/retry")).json()["state"] == "reviving"
    cancelled = await operator.call("POST", f"{path}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert (await operator.call("POST", f"{path}/cancel")).status_code == 200
    told = await lines(story, "auth.job.cancelled", "auth.job.retried")
    assert [(each.action, str(each.actor_id), each.target_id) for each in told] == [
        ("auth.job.retried", operator.staff_id, job["id"]),
        ("auth.job.cancelled", operator.staff_id, job["id"]),
    ]


async def test_customers_have_no_door_to_jobs_of_the_platform(story: Story) -> None:
    admin = await hired(story)
    job = await announced(story, admin, people=1)
    ada = await story.person("ada@example.com")
    for method, path in (("GET", ""), ("GET", f"/{job['id']}"), ("POST", f"/{job['id']}/cancel")):
        answer = await ada.call(method, f"/v1/staff/jobs{path}")
        assert answer.status_code == 401, path
    assert (await admin.call("GET", f"/v1/staff/jobs/{admin.staff_id}")).status_code == 404

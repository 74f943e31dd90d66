"""Lists for staff: asked for with a fresh proof, without formulas, on record, and gone after a day."""

import asyncio
import csv
import io
from typing import Any

from auth.exports.kind import PLACE, StaffExportKind
from auth.staff.permissions import StaffRole
from contracts.auth import AuthAuditRecorded
from kit.jobs.jobs import Jobs

from .conftest import Forward
from .staffing import Colleague, hired
from .story import Story, problem


async def asked(colleague: Colleague, what: str = "users", **audience: Any) -> Any:
    return await colleague.call("POST", "/v1/staff/exports", json={"what": what, "audience": audience})


async def work(story: Story) -> None:
    worker = story.parts.operations.jobs.worker()
    while not await worker.turn():
        pass


async def table(colleague: Colleague, export_id: str) -> list[dict[str, str]]:
    answer = await colleague.call("GET", f"/v1/staff/exports/{export_id}/file")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_users_with_their_addresses(story: Story) -> None:
    admin = await hired(story)
    people = [await story.person(email) for email in ("ada@example.com", "bob@example.com")]
    await story.sign_up("unproven@example.com")
    answer = await asked(admin)
    assert answer.status_code == 202, answer.text
    export_id = answer.json()["id"]
    early = await admin.call("GET", f"/v1/staff/exports/{export_id}/file")
    assert problem(early) == (409, "export-not-ready")
    await work(story)
    assert (await admin.call("GET", f"/v1/staff/exports/{export_id}")).json()["state"] == "ready"
    rows = await table(admin, export_id)
    assert [row["address"] for row in rows] == ["ada@example.com", "bob@example.com"]
    assert [row["id"] for row in rows] == [person.user_id for person in people]
    assert rows[0]["last_active_at"].endswith("Z")
    lines = [each.action for each in await story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    assert [each for each in lines if each.startswith("auth.staff_export")] == [
        "auth.staff_export.requested",
        "auth.staff_export.downloaded",
    ]


async def test_no_name_is_a_formula_in_a_list_of_organizations(story: Story) -> None:
    admin, ada = await hired(story), await story.person("ada@example.com")
    for name in ('=HYPERLINK("https://x.test","y")', "Plain, with comma", "@SUM(A1)"):
        await ada.create(name)
    export_id = (await asked(admin, "organizations")).json()["id"]
    await work(story)
    rows = await table(admin, export_id)
    assert [row["name"] for row in rows] == ['\'=HYPERLINK("https://x.test","y")', "Plain, with comma", "'@SUM(A1)"]
    assert {row["members"] for row in rows} == {"1"}


async def test_several_batches_by_several_workers_keep_their_order(story: Story) -> None:
    admin = await hired(story)
    people = [await story.person(f"p{number}@example.com") for number in range(7)]
    export_id = (await asked(admin)).json()["id"]
    jobs = Jobs(story.database, [StaffExportKind(story.database, story.parts.accounts.addresses, batch=2)])

    async def one() -> None:
        worker = jobs.worker()
        while (await admin.call("GET", f"/v1/staff/exports/{export_id}")).json()["state"] == "under_way":
            await worker.turn()

    await asyncio.gather(one(), one(), one())
    assert [row["id"] for row in await table(admin, export_id)] == [person.user_id for person in people]


async def test_what_is_kept_meanwhile_is_sealed(story: Story) -> None:
    admin = await hired(story)
    await story.person("ada@example.com")
    await asked(admin)
    await work(story)
    (piece,) = await story.admin("SELECT export_id, number, sealed FROM staff_export_pieces")
    assert b"ada@" not in piece["sealed"]
    place = PLACE + piece["export_id"].bytes + piece["number"].to_bytes(8)
    assert b"ada@example.com" in await story.keyring.open(None, piece["sealed"], place)


async def test_after_a_day_it_is_gone(story: Story, forward: Forward) -> None:
    admin = await hired(story)
    await story.person("ada@example.com")
    export_id = (await asked(admin)).json()["id"]
    await work(story)
    await forward(24 * 3600 + 1)
    assert (await admin.sign_in()).status_code == 201
    path = f"/v1/staff/exports/{export_id}/file"
    assert problem(await admin.call("GET", path)) == (410, "export-expired")
    assert await story.parts.operations.exports.expire()
    assert not await story.parts.operations.exports.expire()
    assert await story.count("staff_export_pieces") == 0
    assert problem(await admin.call("GET", path)) == (410, "export-expired")
    (line,) = [
        each
        for each in await story.told(AuthAuditRecorded)
        if isinstance(each, AuthAuditRecorded) and each.action == "auth.staff_export.expired"
    ]
    assert (line.actor_kind, line.target_id) == ("system", export_id)


async def test_a_cancelled_one_leaves_nothing(story: Story) -> None:
    admin = await hired(story)
    await story.person("ada@example.com")
    export = (await asked(admin)).json()
    answer = await admin.call("POST", f"/v1/staff/jobs/{export['job_id']}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    await work(story)
    assert (await admin.call("GET", f"/v1/staff/exports/{export['id']}")).json()["state"] == "failed"
    assert await story.count("staff_export_pieces") == 0


async def test_who_may_ask_and_with_which_proof(story: Story, forward: Forward) -> None:
    support, operator = await hired(story, StaffRole.SUPPORT), await hired(story, StaffRole.OPERATOR)
    admin = await hired(story)
    assert problem(await asked(support)) == (403, "permission-missing")
    export_id = (await asked(operator)).json()["id"]
    await work(story)
    assert problem(await admin.call("GET", f"/v1/staff/exports/{export_id}/file")) == (404, "export-not-found")
    await forward(601)
    await operator.refresh()
    assert problem(await asked(operator)) == (403, "step-up-needed")
    assert problem(await operator.call("GET", f"/v1/staff/exports/{export_id}/file")) == (403, "step-up-needed")


async def test_the_same_request_twice_makes_one(story: Story) -> None:
    admin = await hired(story)
    headers = {"idempotency-key": "one"}
    answers = [
        await admin.call("POST", "/v1/staff/exports", json={"what": "users"}, headers=headers) for _ in range(2)
    ]
    assert len({each.json()["id"] for each in answers}) == 1

"""Macros in many conversations: each once, counted, told of, cancelled, tried again, whoever dies."""

from typing import Any
from uuid import UUID

import pytest

from contracts.auth import MemberRemoved
from inbox.bootstrap import Parts
from kit.ids import new_id
from kit.jobs.jobs import Jobs
from kit.testing.mortal import Died, Mortal

from .hearing import NOW
from .house import House
from .test_desk import ask
from .test_labels import made as label_made
from .test_macros import MACROS, macro
from .test_visibility import show


async def talks(house: House, many: int) -> list[str]:
    """So many conversations."""
    await house.connected()
    for number in range(many):
        await house.say("Hello", person=f"1650556{number:04}", name=f"Name {number}")
    await house.reduce()
    found = (await house.get("/v1/conversations?limit=100"))["items"]
    return sorted(each["id"] for each in found)


async def begin(house: House, user_id: UUID, macro_id: str, ids: list[str], job_id: UUID | None = None) -> Any:
    body = {"id": str(job_id or new_id()), "conversation_ids": ids}
    answer = await ask(house, user_id, "POST", f"{MACROS}/{macro_id}/jobs", json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def worked(house: House, jobs: Jobs | None = None) -> None:
    worker = (jobs or house.parts.jobs).worker()
    while not await worker.turn():
        pass


async def test_a_macro_runs_in_each_conversation_once_and_says_what_became_of_each(house: House) -> None:
    ids, robin, label = await talks(house, 25), await house.member(), await label_made(house)
    made = await macro(
        house,
        robin,
        {"do": "reply", "text": "Dear {{contact.name}}"},
        {"do": "label", "add": [label["id"]]},
        {"do": "assign", "assignee_id": None, "to_me": True},
    )
    job_id, missing = new_id(), str(new_id())
    job = await begin(house, robin, made["id"], [*ids, missing, ids[0]], job_id)
    assert (await begin(house, robin, made["id"], [*ids, missing], job_id))["id"] == job["id"]
    other = await ask(
        house, robin, "POST", f"{MACROS}/{made['id']}/jobs", json={"id": str(job_id), "conversation_ids": ids[:1]}
    )
    assert (other.status_code, other.json()["type"].rpartition(":")[2]) == (409, "job-key-reused")
    await worked(house)
    shown = await house.get(f"/v1/macro-jobs/{job['id']}")
    assert (shown["state"], shown["total"], shown["done"], shown["failed"]) == ("finished", 26, 25, 1)
    failed = (await house.get(f"/v1/macro-jobs/{job['id']}/items?state=failed"))["items"]
    assert [(each["subject_id"], each["code"]) for each in failed] == [(missing, "conversation-not-found")]
    again = await house.ask("POST", f"/v1/macro-jobs/{job['id']}/retry")
    assert again.status_code == 200
    await worked(house)
    for each in (await house.get("/v1/conversations?limit=100"))["items"]:
        assert (each["assignee_id"], each["label_ids"]) == (str(robin), [label["id"]])
        said = [one["text"] for one in await house.messages(each["id"]) if one["direction"] == "out"]
        assert said == [f"Dear {each['contact_name']}"]
    lines = [line.action for line in await house.audited()]
    assert (lines.count("inbox.macro.run_on_many"), lines.count("inbox.macro.run")) == (1, 25)
    assert "inbox.job.retried" in lines
    assert (await house.ask("GET", f"/v1/macro-jobs/{job['id']}", by=new_id())).status_code == 404


async def test_what_was_refused_is_told_and_tried_again_and_what_was_partly_done_is_not(house: House) -> None:
    """What is resolved cannot be snoozed: what came before is undone, or stays and is not done twice."""
    ids, robin = await talks(house, 3), await house.member()
    tag = {"if-match": "*"}
    resolved = await house.ask("PATCH", f"/v1/conversations/{ids[1]}", json={"state": "resolved"}, headers=tag)
    assert resolved.status_code == 200, resolved.text
    for on_failure, expected in (("undo", (2, 1)), ("stop", (3, 0))):
        actions = ({"do": "note", "text": on_failure}, {"do": "snooze", "seconds": 3600})
        made = await macro(house, robin, *actions, on_failure=on_failure)
        job = await begin(house, robin, made["id"], ids)
        await worked(house)
        shown = await house.get(f"/v1/macro-jobs/{job['id']}")
        assert (shown["done"], shown["failed"]) == expected, on_failure
        items = (await house.get(f"/v1/macro-jobs/{job['id']}/items"))["items"]
        (one,) = (each for each in items if each["subject_id"] == ids[1])
        assert one["code"] == {"undo": "state-not-reachable", "stop": "partly-done"}[on_failure]
        assert one["reason"] == "Action 2 (snooze) was refused."
        if on_failure == "undo":
            tag = {"if-match": "*"}
            opened = await house.ask("PATCH", f"/v1/conversations/{ids[1]}", json={"state": "open"}, headers=tag)
            assert opened.status_code == 200
            assert (await house.ask("POST", f"/v1/macro-jobs/{job['id']}/retry")).status_code == 200
            await worked(house)
            assert (await house.get(f"/v1/macro-jobs/{job['id']}"))["done"] == 3
            await house.ask("PATCH", f"/v1/conversations/{ids[1]}", json={"state": "resolved"}, headers=tag)
    for each in ids:
        notes = (await house.get(f"/v1/conversations/{each}/notes"))["items"]
        assert sorted(note["text"] for note in notes) == ["stop", "undo"]


async def test_once_cancelled_nothing_more_is_done(house: House) -> None:
    ids, robin = await talks(house, 45), await house.member()
    made = await macro(house, robin, {"do": "note", "text": "once"})
    job = await begin(house, robin, made["id"], ids)
    worker = house.parts.jobs.worker()
    while not (done := (await house.get(f"/v1/macro-jobs/{job['id']}"))["done"]):
        await worker.turn()
    assert 0 < done < len(ids)
    assert (await house.ask("POST", f"/v1/macro-jobs/{job['id']}/cancel")).json()["state"] == "cancelled"
    await worked(house)
    assert await house.count("SELECT count(*) FROM notes") == done


async def test_who_left_and_what_was_changed_meanwhile_does_nothing(house: House) -> None:
    ids, robin, kim = await talks(house, 2), await house.member(), await house.member()
    made = await macro(house, robin, {"do": "note", "text": "said"})
    changed = await begin(house, robin, made["id"], ids)
    body = {"name": made["name"], "actions": [{"do": "note", "text": "unsaid"}], "on_failure": "undo"}
    put = await ask(house, robin, "PUT", f"{MACROS}/{made['id']}", json=body, headers={"if-match": '"v1"'})
    assert put.status_code == 200, put.text
    own = await macro(house, kim, {"do": "note", "text": "said"})
    left = await begin(house, kim, own["id"], ids)
    (row,) = await house.rows("SELECT member_id, version FROM members WHERE user_id = $1", kim)
    gone = MemberRemoved(
        organization_id=house.organization_id,
        time=NOW,
        member_id=row["member_id"],
        user_id=kim,
        version=row["version"] + 1,
    )
    await house.hear(gone)
    await worked(house)
    for job, code in ((changed, "macro-changed"), (left, "not-a-member")):
        items = (await house.get(f"/v1/macro-jobs/{job['id']}/items"))["items"]
        assert {each["code"] for each in items} == {code}
    assert await house.count("SELECT count(*) FROM notes") == 0


@pytest.mark.timeout(240)
async def test_a_worker_that_dies_at_any_step_has_done_nothing_twice(house: House) -> None:
    """It dies before or after each statement of the batch, and another one goes on."""
    ids, robin = await talks(house, 3), await house.member()
    made = await macro(house, robin, {"do": "reply", "text": "Once"}, {"do": "note", "text": "once"})
    mortal = await Mortal.open(house.place.url("inbox"), name="mortal", pool_size=4, acquire_within=20)
    assert isinstance(mortal, Mortal)
    try:
        jobs = mortal_jobs(house.parts, mortal)
        for steps in range(1, 200, 12):
            job = await begin(house, robin, made["id"], ids)
            mortal.live_for(steps)
            try:
                await worked(house, jobs)
            except Died:
                mortal.live_for(None)
                await house.forward(120)
                await worked(house)
            shown = await house.get(f"/v1/macro-jobs/{job['id']}")
            assert (shown["state"], shown["done"]) == ("finished", 3)
            mortal.live_for(None)
            runs = await house.count("SELECT count(*) FROM macro_runs")
            for table in ("notes", "messages WHERE direction = 'out'"):
                assert await house.count(f"SELECT count(*) FROM {table.replace(' WHERE', ' AS t WHERE')}") == runs
    finally:
        await mortal.close()


def mortal_jobs(parts: Parts, mortal: Mortal) -> Jobs:
    return Jobs(mortal, list(parts.jobs.kinds.values()))


async def test_what_somebody_does_not_see_their_macro_does_not_reach(house: House) -> None:
    ids, robin = await talks(house, 2), await house.member()
    made = await macro(house, robin, {"do": "note", "text": "seen"})
    job = await begin(house, robin, made["id"], ids)
    (channel,) = (await house.get("/v1/channels"))["items"]
    await show(house, channel["id"], visible_to="chosen", user_ids=[])
    await worked(house)
    items = (await house.get(f"/v1/macro-jobs/{job['id']}/items"))["items"]
    assert [each["code"] for each in items] == ["conversation-not-found"] * 2
    assert await house.count("SELECT count(*) FROM notes") == 0

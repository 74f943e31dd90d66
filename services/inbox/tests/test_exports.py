"""Contacts leave as a file: written by a job, whole or not at all, handed out for minutes, gone after a day."""

from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import UUID

from inbox.exports.kind import KIND, ContactExports
from kit.ids import new_id
from kit.jobs.jobs import Jobs
from kit.jobs.working import Working
from kit.testing.mortal import Died, Mortal

from .exporting import address, begun, downloaded, exported, lines
from .house import House
from .test_consent import ANN
from .test_imports import run, work
from .test_notes import as_user
from .test_segments import town

PHONE = [{"column": 0, "to": "phone"}]
HEADING = "id,name,phone,whatsapp_id,email,labels,born,city,likes,nickname,orders,created_at"


def small_parts(house: House, database: Any = None, part: int = 2) -> Jobs:
    """Jobs in which a part of a file holds so many contacts."""
    kind = house.parts.jobs.kinds[KIND]
    assert isinstance(kind, ContactExports)
    return Jobs(database or house.database, [replace(kind, part=part)])


async def people(house: House, count: int) -> set[str]:
    numbers = {f"+4917{each:08d}" for each in range(count)}
    await run(house, "\n".join(sorted(numbers)).encode(), heading=False, columns=PHONE)
    return numbers


async def worked(worker: Working, turns: int = 200) -> None:
    for _ in range(turns):
        if await worker.turn():
            return


async def test_contacts_leave_as_a_file_without_formulas_and_on_record(house: House) -> None:
    ids = await town(house)
    await house.say("Hello", person="16505550000", name="=HYPERLINK(1)")
    await house.reduce()
    label = (await house.ask("POST", "/v1/labels", json={"name": "vip"})).json()["id"]
    await house.ask("POST", "/v1/labels/apply", json={"contact_ids": [ids["Ann"]], "add": [label]})
    everybody = await lines(house, await exported(house))
    assert ",".join(everybody[0]) == HEADING
    ann = next(line for line in everybody if line[0] == ids["Ann"])
    assert ann[1:11] == ["Ann", "", ANN, "", "vip", "1990-02-28", "Köln", "tea; coffee", "", "3"]
    assert "'=HYPERLINK(1)" in [line[1] for line in everybody]
    query = {"attribute": "city", "is": "Bonn"}
    segment = (await house.ask("POST", "/v1/segments", json={"name": "Bonners", "query": query})).json()["id"]
    for chosen in ({"segment_id": segment}, {"query": query}):
        assert [line[1] for line in await lines(house, await exported(house, **chosen))] == ["name", "Cem"]
    assert [line[1] for line in await lines(house, await exported(house, query={"label": label}))] == ["name", "Ann"]
    told = Counter(each.details["what"] for each in await house.audited() if each.action == "inbox.contacts.exported")
    assert told == {"started": 4, "handed-out": 4}
    other = await house.ask("POST", "/v1/contact-exports", json={}, by=new_id())
    assert other.status_code == 202
    for body, status in (
        ({"segment_id": segment, "query": query}, 422),
        ({"segment_id": str(new_id())}, 404),
        ({"query": {"nobody": 1}}, 422),
    ):
        assert (await house.ask("POST", "/v1/contact-exports", json=body)).status_code == status, body
    for method, path in (("POST", ""), ("GET", ""), ("GET", f"/{new_id()}")):
        assert (await house.ask(method, f"/v1/contact-exports{path}", json={}, role="agent")).status_code == 403


async def test_a_file_is_handed_out_by_an_address_that_lasts_minutes_and_is_gone_after_a_day(house: House) -> None:
    numbers = await people(house, 3)
    export = await begun(house)
    early = await house.ask("POST", f"/v1/contact-exports/{export['id']}/address")
    assert (early.status_code, early.json()["type"]) == (409, "urn:rostrum:problem:export-not-ready")
    await work(house)
    path = await address(house, export["id"])
    answer = await house.client.get(path)
    assert (answer.status_code, int(answer.headers["content-length"])) == (200, len(answer.content))
    assert answer.headers["cache-control"] == "no-store"
    assert {line[2].removeprefix("'") for line in (await lines(house, export["id"]))[1:]} == numbers
    for wrong in (path[:-1] + ("0" if path[-1] != "0" else "1"), path.replace(export["id"], str(new_id()))):
        assert (await house.client.get(wrong)).status_code == 403
    elsewhere = path.replace(str(house.organization_id), str(new_id()))
    assert (await house.client.get(elsewhere)).status_code == 403
    for method, way in (("GET", ""), ("POST", "/address"), ("POST", "/cancel")):
        answer = await house.ask(method, f"/v1/contact-exports/{export['id']}{way}", by=new_id())
        assert answer.status_code == 404, way
    await house.forward(301)
    assert (await house.client.get(path)).status_code == 403
    folder = house.parts.exports.store.folder
    files = [each for each in folder.rglob("*") if each.is_file()]
    assert files
    assert not any(number.encode() in each.read_bytes() for each in files for number in numbers)
    await house.forward(86_400)
    late = await address(house, export["id"])
    while await house.parts.exports.sweep():
        pass
    assert [each for each in folder.rglob("*") if each.is_file()] == []
    assert (await house.client.get(late)).status_code == 410
    shown = await house.get(f"/v1/contact-exports/{export['id']}")
    assert (shown["state"], await house.count("SELECT count(*) FROM contact_export_parts")) == ("expired", 0)
    assert (await house.ask("POST", f"/v1/contact-exports/{export['id']}/address")).status_code == 410


async def test_a_worker_that_dies_at_any_step_leaves_each_contact_in_the_file_once(house: House) -> None:
    """It dies before or after each statement, and another one goes on; the same request twice is one file."""
    numbers, owner = await people(house, 7), await house.member("owner")
    mortal = await Mortal.open(house.place.url("inbox"), name="mortal", pool_size=4, acquire_within=20)
    assert isinstance(mortal, Mortal)
    died = 0
    try:
        for steps in range(1, 90, 8):
            once = as_user(house, owner, "owner") | {"idempotency-key": new_id().hex}
            first, again = [
                (await house.client.post("/v1/contact-exports", json={}, headers=once)).json() for _ in range(2)
            ]
            assert first["id"] == again["id"]
            mortal.live_for(steps)
            try:
                await worked(small_parts(house, mortal).worker())
            except Died:
                died += 1
                mortal.live_for(None)
                await house.forward(120)
                await worked(small_parts(house).worker())
            mortal.live_for(None)
            job = await house.get(f"/v1/contact-jobs/{first['job_id']}")
            assert (job["state"], job["kind"], job["total"], job["done"]) == ("finished", KIND, 4, 4)
            shown = await house.get(f"/v1/contact-exports/{first['id']}")
            assert (shown["state"], shown["rows"]) == ("finished", 7)
            told = [line[2].removeprefix("'") for line in (await lines(house, first["id"]))[1:]]
            assert Counter(told) == Counter(numbers)
    finally:
        await mortal.close()
    assert died > 5


async def test_a_cancelled_file_is_handed_to_nobody(house: House) -> None:
    await people(house, 7)
    export = await begun(house)
    worker = small_parts(house).worker()
    for _ in range(3):
        await worker.turn()
    cancelled = await house.ask("POST", f"/v1/contact-exports/{export['id']}/cancel")
    assert cancelled.json()["state"] == "cancelled"
    assert (await house.ask("POST", f"/v1/contact-exports/{export['id']}/address")).status_code == 409
    await worked(worker)
    assert (await house.get(f"/v1/contact-exports/{export['id']}"))["rows"] == cancelled.json()["rows"] < 7


async def test_a_part_that_cannot_be_written_is_told_of_and_tried_again(house: House) -> None:
    """A file is never handed out with a hole: it is whole, or there is none."""
    numbers = await people(house, 7)
    export = await begun(house)
    jobs = small_parts(house)
    await jobs.worker().turn()
    folder = house.parts.exports.store.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_bytes(b"no folder")
    worker = jobs.worker()
    for _ in range(30):
        await house.forward(61)
        await worker.turn()
        if (await house.get(f"/v1/contact-exports/{export['id']}"))["state"] == "failed":
            break
    shown = await house.get(f"/v1/contact-exports/{export['id']}")
    assert shown["state"] == "failed"
    assert (await house.ask("POST", f"/v1/contact-exports/{export['id']}/address")).status_code == 409
    folder.unlink()
    again = await begun(house)
    await worked(small_parts(house).worker())
    assert {line[2].removeprefix("'") for line in (await lines(house, again["id"]))[1:]} == numbers


async def test_who_comes_while_a_file_is_written_and_who_is_merged_is_in_it_once_or_not(house: House) -> None:
    await people(house, 5)
    ids = sorted(each["id"] for each in (await house.get("/v1/contacts"))["items"])
    export = await begun(house)
    worker = small_parts(house).worker()
    await worker.turn()
    await house.ask("POST", f"/v1/contacts/{ids[0]}/merge", json={"contact_id": ids[4]})
    await run(house, b"+491739999999", heading=False, columns=PHONE)
    await worked(worker)
    found = [line[0] for line in (await lines(house, export["id"]))[1:]]
    assert sorted(found) == ids[:4]
    assert await house.count("SELECT count(*) FROM contacts WHERE merged_into = $1", UUID(ids[0])) == 1
    assert (await downloaded(house, export["id"])).headers["content-disposition"].startswith("attachment")

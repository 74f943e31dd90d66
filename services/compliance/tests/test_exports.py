import base64
import csv
import io
from uuid import UUID

import orjson
import pytest

from compliance.exports.assembling import LEASE
from contracts.compliance import ExportReady, ExportRequested
from kit.ids import new_id
from kit.testing.mortal import Died

from .office import PARTS, Office, Person, contact, user

NAME = {"table": "contacts", "row": {"id": "1", "name": 'Ada, "the first"', "seen": None}}
SUM = {"table": "contacts", "row": {"id": "2", "name": "=1+1", "tags": ["a", "b"]}}


def picture(data: bytes) -> dict[str, str]:
    return {"file": "media/1.jpg", "media_type": "image/jpeg", "data": base64.b64encode(data).decode()}


async def others_ready(office: Office, export: dict[str, object], person: Person) -> None:
    for service in ("auth", "billing", "generation", "publisher"):
        await office.part_ready(export, person, service)


async def ready(office: Office, person: Person) -> dict[str, object]:
    """An export of one row whose archive can be fetched."""
    export = await office.export(person)
    await office.put(export, person, "inbox", 0, [NAME])
    await office.part_ready(export, person, "inbox", 1, rows={"contacts": 1})
    await others_ready(office, export, person)
    await office.work()
    assert (await office.seen("exports", export, person))["state"] == "ready"
    return export


async def test_what_the_services_hand_over_becomes_an_encrypted_archive_with_a_manifest(office: Office) -> None:
    person = contact()
    export = await office.export(person)
    (asked,) = await office.told(ExportRequested)
    assert isinstance(asked, ExportRequested)
    assert (asked.organization_id, asked.person_kind, asked.person_id) == (
        person.organization_id,
        "contact",
        person.id,
    )
    assert {part["service"] for part in export["parts"]} == set(PARTS)

    await office.put(export, person, "inbox", 0, [NAME, picture(b"one ")])
    await office.put(export, person, "inbox", 1, [picture(b"two"), SUM])
    await office.put(export, person, "auth", 0, [{"table": "users", "row": {"id": "3"}}])
    await office.part_ready(export, person, "inbox", 2, rows={"contacts": 2})
    await office.part_ready(export, person, "auth", 1, rows={"users": 1})
    await office.work()
    assert (await office.seen("exports", export, person))["state"] == "collecting"
    await office.part_ready(export, person, "publisher")
    await office.part_ready(export, person, "generation")
    await office.part_ready(export, person, "billing")
    await office.work()

    entries = await office.archive(export, person)
    assert orjson.loads(entries["inbox/contacts.json"]) == [NAME["row"], SUM["row"]]
    table = list(csv.reader(io.StringIO(entries["inbox/contacts.csv"].decode())))
    assert table == [
        ["id", "name", "seen", "tags"],
        ["1", 'Ada, "the first"', "", ""],
        ["2", "'=1+1", "", '["a","b"]'],
    ]
    assert entries["inbox/media/1.jpg"] == b"one two"
    manifest = orjson.loads(entries["manifest.json"])
    handed: dict[str, dict[str, int]] = {service: {} for service in PARTS} | {
        "auth": {"users": 1},
        "inbox": {"contacts": 2},
    }
    assert manifest["services"] == handed
    assert {entry["path"] for entry in manifest["entries"]} == set(entries) - {"manifest.json"}
    assert all(entry["size"] == len(entries[entry["path"]]) for entry in manifest["entries"])
    assert len(await office.told(ExportReady)) == 1
    assert await office.rows("export_pieces") == 0


async def test_the_archive_does_not_open_with_another_password_and_none_is_told_twice(office: Office) -> None:
    person = contact()
    export = await ready(office, person)
    seen = await office.seen("exports", export, person)
    assert seen["password"] is None
    with pytest.raises(RuntimeError, match="password"):
        await office.archive({**export, "password": "another"}, person)


async def test_asking_again_with_the_same_key_is_the_same_export_without_its_password(office: Office) -> None:
    person = user()
    first = await office.export(person, **{"idempotency-key": "one"})
    second = await office.export(person, **{"idempotency-key": "one"})
    assert (second["id"], second["password"]) == (first["id"], None)
    assert len(await office.told(ExportRequested)) == 1


async def test_a_user_asks_about_themselves_and_nobody_else(office: Office) -> None:
    person, other = user(), user()
    export = await ready(office, person)
    assert set(await office.archive(export, person)) == {
        "inbox/contacts.json",
        "inbox/contacts.csv",
        "manifest.json",
    }
    refused = await office.post("/v1/privacy/exports", office.of(person), {"person": other.body})
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:rostrum:problem:not-yourself")
    (asked,) = await office.told(ExportRequested)
    assert asked.organization_id is None


@pytest.mark.parametrize("path", ["", "/{id}", "/{id}/archive"])
async def test_nobody_sees_what_another_asked_for(office: Office, path: str) -> None:
    person = contact()
    export = await ready(office, person)
    where = "/v1/privacy/exports" + path.format(id=export["id"])
    for headers in (
        office.headers(new_id()),
        office.headers(person.organization_id, "agent"),
        office.headers(None),
    ):
        answer = await office.get(where, headers)
        assert answer.json().get("items") == [] if path == "" else answer.status_code == 404, answer.text
    assert len((await office.get("/v1/privacy/exports", office.of(person))).json()["items"]) == 1


async def test_only_who_runs_the_organization_asks_about_its_contacts(office: Office) -> None:
    person = contact()
    for headers in (office.headers(person.organization_id, "agent"), office.headers(None)):
        refused = await office.post("/v1/privacy/exports", headers, {"person": person.body})
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:rostrum:problem:role-missing")


async def test_pieces_come_from_a_service_that_was_asked_and_from_nobody_else(office: Office) -> None:
    person = contact()
    export = await office.export(person)
    path = f"/internal/exports/{export['id']}/pieces/1-0"
    assert (await office.put_raw(path, "inbox", b"x", secret="E" * 43)).status_code == 401
    assert (await office.client.put(path, content=b"x", headers=office.of(person))).status_code == 401
    assert (await office.put_raw(f"/internal/exports/{new_id()}/pieces/1-0", "inbox", b"x")).status_code == 409
    assert (await office.put_raw(path, "inbox", b"")).status_code == 422
    assert (await office.put_raw(path, "inbox", b"x")).status_code == 204
    await office.part_ready(export, person, "auth")
    assert (await office.put_raw(path, "auth", b"x")).status_code == 409


async def test_everything_may_come_twice_and_what_an_attempt_left_half_is_void(office: Office) -> None:
    person = contact()
    export = await office.export(person)
    await office.put(export, person, "inbox", 0, [SUM], attempt=1)
    for _ in range(2):
        await office.put(export, person, "inbox", 0, [NAME], attempt=2)
    for _ in range(2):
        await office.part_ready(export, person, "inbox", 1, attempt=2)
        await others_ready(office, export, person)
        await office.work()
    assert orjson.loads((await office.archive(export, person))["inbox/contacts.json"]) == [NAME["row"]]
    assert len(await office.told(ExportReady)) == 1


async def test_an_answer_to_a_request_that_nobody_made_changes_nothing(office: Office) -> None:
    person = contact()
    await office.part_ready({"id": str(new_id())}, person, "inbox", 1)
    assert await office.told(ExportReady) == []


async def test_an_archive_goes_when_its_time_is_over(office: Office) -> None:
    person = contact()
    export = await ready(office, person)
    await office.forward(days=8)
    path = f"/v1/privacy/exports/{export['id']}/archive"
    assert (await office.get(path, office.of(person))).status_code == 410
    while await office.parts.assembling.expire():
        pass
    assert await office.rows("export_archives") == 0
    assert (await office.seen("exports", export, person))["state"] == "expired"


async def test_an_archive_is_not_there_before_it_is_ready(office: Office) -> None:
    person = contact()
    export = await office.export(person)
    answer = await office.get(f"/v1/privacy/exports/{export['id']}/archive", office.of(person))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:rostrum:problem:export-not-ready")


async def test_dying_at_any_step_leaves_an_export_that_the_next_worker_completes(office: Office) -> None:
    """Each statement, commit and answer of a commit is once the last thing that the worker does."""
    died, step = True, 0
    while died:
        step += 1
        person = contact()
        export = await office.export(person)
        await office.put(export, person, "inbox", 0, [NAME])
        await office.part_ready(export, person, "inbox", 1, rows={"contacts": 1})
        await others_ready(office, export, person)
        office.database.live_for(step)
        try:
            await office.work()
            died = False
        except Died:
            pass
        office.database.live_for(None)
        await office.forward(seconds=LEASE.total_seconds() + 1)
        await office.work()
        assert set(await office.archive(export, person)) >= {"inbox/contacts.json", "manifest.json"}
    assert step > 15
    assert await office.rows("export_pieces") == 0
    ids = [event.export_id for event in await office.told(ExportReady) if isinstance(event, ExportReady)]
    assert len(ids) == len(set(ids)) == step


async def test_dying_while_a_part_is_noted_loses_no_part(office: Office) -> None:
    died, step = True, 0
    while died:
        step += 1
        person = contact()
        export = await office.export(person)
        await others_ready(office, export, person)
        event = PARTS["inbox"](
            organization_id=person.organization_id,
            time=office.database.clock.now(),
            export_id=UUID(str(export["id"])),
            attempt=1,
            pieces=0,
            rows={},
        )
        office.database.live_for(step)
        try:
            await office.hear(event)
            died = False
        except Died:
            pass
        office.database.live_for(None)
        await office.hear(event)
        await office.work()
        assert (await office.seen("exports", export, person))["state"] == "ready"

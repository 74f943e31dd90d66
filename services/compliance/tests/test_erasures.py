import asyncio
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from contracts.audit import AuditEntry
from contracts.compliance import (
    ComplianceAuditRecorded,
    ErasureBegun,
    ErasureCancelled,
    ErasureFinished,
    ErasureRequested,
    KeyDestroyed,
)
from kit.ids import new_id
from kit.seal import KeyShredded
from kit.testing.mortal import Died

from .office import ANSWERS, Office, Person, contact, user

SERVICES = sorted(ANSWERS)


async def begun(office: Office, person: Person, **more: Any) -> dict[str, Any]:
    """An erasure whose services have been asked."""
    erasure = await office.erasure(person, grace_days=0, **more)
    await office.forward(seconds=1)
    await office.work()
    assert (await office.seen("erasures", erasure, person))["state"] == "begun"
    return erasure


async def sealed(office: Office, person: Person) -> bytes:
    return await office.keyring.seal(person.organization_id, b"secret", b"x", subject=f"{person.kind}:{person.id}")


async def is_forgotten(office: Office, person: Person, value: bytes) -> bool:
    office.keyring.evict(person.organization_id, f"{person.kind}:{person.id}")
    try:
        await office.keyring.open(person.organization_id, value, b"x")
    except KeyShredded:
        return True
    return False


async def test_nobody_is_asked_before_the_grace_is_over(office: Office) -> None:
    person = contact()
    erasure = await office.erasure(person)
    assert len(await office.told(ErasureRequested)) == 1
    await office.forward(days=29, hours=23)
    await office.work()
    assert await office.told(ErasureBegun) == []
    await office.forward(hours=2)
    await office.work()
    (asked,) = await office.told(ErasureBegun)
    assert isinstance(asked, ErasureBegun)
    assert (asked.person_id, asked.way, asked.organization_id) == (person.id, "erase", person.organization_id)
    seen = await office.seen("erasures", erasure, person)
    assert [answer["service"] for answer in seen["answers"]] == SERVICES


async def test_when_every_service_has_answered_the_key_is_destroyed(office: Office) -> None:
    person, neighbour = contact(), contact()
    value, theirs = await sealed(office, person), await sealed(office, neighbour)
    erasure = await begun(office, person)
    for service in SERVICES:
        assert not await is_forgotten(office, person, value)
        await office.answer(
            erasure, person, service, removed={"messages": 3}, kept={"audit": 1}, kept_because={"audit": "audit"}
        )
        await office.work()
    seen = await office.seen("erasures", erasure, person)
    assert seen["state"] == "finished"
    assert all(answer["removed"] == {"messages": 3} for answer in seen["answers"])
    assert all(answer["kept_because"] == {"audit": "audit"} for answer in seen["answers"])
    assert await is_forgotten(office, person, value)
    assert not await is_forgotten(office, neighbour, theirs)
    (gone,) = await office.told(KeyDestroyed)
    assert isinstance(gone, KeyDestroyed)
    assert (gone.owner_kind, gone.owner_id) == ("contact", person.id)
    assert len(await office.told(ErasureFinished)) == 1


async def test_nothing_can_be_sealed_for_who_was_forgotten(office: Office) -> None:
    person = user()
    erasure = await begun(office, person)
    for service in SERVICES:
        await office.answer(erasure, person, service)
    await office.work()
    with pytest.raises(KeyShredded):
        await sealed(office, person)
    (finished,) = await office.told(ErasureFinished)
    assert finished.organization_id is None


async def test_further_keys_that_a_service_names_are_destroyed_too(office: Office) -> None:
    person, organization, invitation, other = user(), new_id(), new_id(), new_id()
    value = await office.keyring.seal(organization, b"mail", b"y", subject=f"invitation:{invitation}")
    kept = await office.keyring.seal(organization, b"mail", b"y", subject=f"invitation:{other}")
    erasure = await begun(office, person)
    for service in SERVICES:
        keys = [f"{organization}/invitation:{invitation}"] if service == "auth" else []
        await office.answer(erasure, person, service, keys=keys)
    await office.work()
    office.keyring.evict(organization)
    with pytest.raises(KeyShredded):
        await office.keyring.open(organization, value, b"y")
    assert await office.keyring.open(organization, kept, b"y") == b"mail"
    gone = [event for event in await office.told(KeyDestroyed) if isinstance(event, KeyDestroyed)]
    assert {(event.organization_id, event.owner_kind) for event in gone} == {
        (None, "user"),
        (organization, "invitation"),
    }


@pytest.mark.parametrize("order", list(permutations(SERVICES))[::4], ids="-".join)
async def test_answers_come_in_any_order_twice_and_older_after_newer(office: Office, order: tuple[str, ...]) -> None:
    person = contact()
    erasure = await begun(office, person)
    for service in order:
        older = office.answered(erasure, person, service, 1, outcome="blocked", blocked_by="in_flight")
        newer = office.answered(erasure, person, service, 2, removed={"a": 1})
        for event in (newer, older, newer):
            await office.hear(event)
    await office.work()
    await office.work()
    seen = await office.seen("erasures", erasure, person)
    assert seen["state"] == "finished"
    assert all(answer["removed"] == {"a": 1} and answer["blocked_by"] == "" for answer in seen["answers"])
    assert len(await office.told(ErasureFinished)) == 1


async def test_what_is_in_the_way_is_shown_and_the_key_stays(office: Office) -> None:
    person = user()
    value = await sealed(office, person)
    erasure = await begun(office, person)
    await office.answer(erasure, person, "auth", outcome="blocked", blocked_by="last_owner")
    for service in ("billing", "generation", "inbox", "publisher"):
        await office.answer(erasure, person, service)
    await office.work()
    seen = await office.seen("erasures", erasure, person)
    assert (seen["state"], seen["answers"][0]["blocked_by"]) == ("begun", "last_owner")
    assert not await is_forgotten(office, person, value)
    await office.answer(erasure, person, "auth", 2)
    await office.work()
    assert (await office.seen("erasures", erasure, person))["state"] == "finished"


async def test_it_can_be_taken_back_within_the_grace_and_not_after(office: Office) -> None:
    person = contact()
    erasure = await office.erasure(person)
    for _ in range(2):
        answer = await office.post(f"/v1/privacy/erasures/{erasure['id']}/cancel", office.of(person))
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert len(await office.told(ErasureCancelled)) == 1
    await office.forward(days=31)
    await office.work()
    assert await office.told(ErasureBegun) == []

    other = await begun(office, person)
    answer = await office.post(f"/v1/privacy/erasures/{other['id']}/cancel", office.of(person))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:rostrum:problem:erasure-begun")


async def test_one_person_is_erased_once_at_a_time(office: Office) -> None:
    person = contact()
    erasure = await office.erasure(person)
    again = await office.post("/v1/privacy/erasures", office.of(person), {"person": person.body})
    assert (again.status_code, again.json()["type"]) == (409, "urn:rostrum:problem:erasure-under-way")
    assert again.json()["erasure_id"] == erasure["id"]


async def test_another_tenant_neither_sees_nor_cancels(office: Office) -> None:
    person = contact()
    erasure = await office.erasure(person)
    for headers in (office.headers(new_id()), office.headers(person.organization_id, "agent"), office.headers(None)):
        assert (await office.get(f"/v1/privacy/erasures/{erasure['id']}", headers)).status_code == 404
        assert (await office.post(f"/v1/privacy/erasures/{erasure['id']}/cancel", headers)).status_code == 404
        assert (await office.get("/v1/privacy/erasures", headers)).json()["items"] == []
    same = Person("contact", person.id, new_id())
    assert (await office.erasure(same))["id"] != erasure["id"]


async def test_the_archives_of_who_is_forgotten_go_too(office: Office) -> None:
    person = contact()
    export = await office.export(person)
    for service in SERVICES:
        await office.put(export, person, service, 0, [{"table": "a", "row": {"b": 1}}])
        await office.part_ready(export, person, service, 1)
    await office.work()
    assert await office.rows("export_archives") > 0
    erasure = await begun(office, person)
    refused = await office.post("/v1/privacy/exports", office.of(person), {"person": person.body})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:rostrum:problem:person-being-erased")
    for service in SERVICES:
        await office.answer(erasure, person, service)
    await office.work()
    assert await office.rows("export_archives") == 0
    assert (await office.seen("exports", export, person))["state"] == "expired"


async def test_dying_at_any_step_of_the_loop_leaves_an_erasure_that_goes_on(office: Office) -> None:
    """Once before the services are asked, once before the keys go: every statement is once the last."""
    died, step = True, 0
    while died:
        step += 1
        person = contact()
        value = await sealed(office, person)
        erasure = await office.erasure(person, grace_days=0)
        await office.forward(seconds=1)
        died = await _died(office, step, erasure, person)
        await office.work()
        seen = await office.seen("erasures", erasure, person)
        assert seen["state"] == "finished"
        assert await is_forgotten(office, person, value)
    for kind in (ErasureBegun, KeyDestroyed, ErasureFinished):
        told = [getattr(event, "erasure_id", event.id) for event in await office.told(kind)]
        assert len(told) == len(set(told)) == step
    assert step > 20


async def _died(office: Office, step: int, erasure: dict[str, Any], person: Person) -> bool:
    answers = [office.answered(erasure, person, service) for service in SERVICES]
    office.database.live_for(step)
    died = False
    try:
        await office.work()
        for event in answers:
            await office.hear(event)
        await office.work()
    except Died:
        died = True
    office.database.live_for(None)
    await office.work()
    for event in answers:
        await office.hear(event)
    return died


async def test_every_step_stands_in_the_audit_trail_of_whom_it_concerns(office: Office) -> None:
    person, himself = contact(), user()
    for each in (person, himself):
        erasure = await begun(office, each)
        await office.answer(erasure, each, "auth", outcome="blocked", blocked_by="last_owner")
        for service in SERVICES:
            await office.answer(erasure, each, service, 2)
        await office.work()
    lines = [event for event in await office.told(ComplianceAuditRecorded) if isinstance(event, AuditEntry)]
    for each in (person, himself):
        actions = [
            line.action
            for line in lines
            if line.organization_id == each.organization_id and "signing_key" not in line.action
        ]
        assert actions == [
            f"compliance.{what}"
            for what in (
                "erasure.requested",
                "erasure.begun",
                "erasure.blocked",
                "key.destroyed",
                "erasure.finished",
            )
        ]
    assert {line.details["person_id"] for line in lines if "person_id" in line.details} == {
        str(person.id),
        str(himself.id),
    }


async def test_two_workers_ask_once_and_destroy_once(office: Office) -> None:
    person = contact()
    erasure = await office.erasure(person, grace_days=0)
    await office.forward(seconds=1)
    await asyncio.gather(*(office.parts.working.work() for _ in range(4)))
    for service in SERVICES:
        await office.answer(erasure, person, service)
    await asyncio.gather(*(office.parts.working.work() for _ in range(4)))
    for kind in (ErasureBegun, KeyDestroyed, ErasureFinished):
        assert len(await office.told(kind)) == 1
    assert (await office.seen("erasures", erasure, person))["state"] == "finished"
    assert UUID(erasure["id"])

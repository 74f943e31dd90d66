"""A person who was forgotten has left no trace: not in tables, queues, history, Redis, files or logs."""

import asyncio
import secrets
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from local.trial import Trial
from local.visitor import Visitor, newcomer, seen

from .traces import Traces
from .writer import Writer, connected

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

MARKERS = 200


async def finished(visitor: Visitor, erasure: dict[str, Any]) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        found: dict[str, Any] = (
            await visitor.call("GET", f"/v1/privacy/erasures/{erasure['id']}", expect=200)
        ).json()
        return found if found["state"] == "finished" else None

    return await seen("the end of the erasure", look, within=120)


async def test_a_contact_who_was_forgotten_has_left_no_trace(platform: Trial, http: httpx.AsyncClient) -> None:
    visitor = await newcomer(platform.addresses, http, f"owner.{secrets.token_hex(4)}@example.com")
    control_word = "Known" + secrets.token_hex(8)
    organization = await visitor.found(control_word)
    number = await connected(visitor)
    person, neighbour = (Writer(visitor, number) for _ in range(2))
    for writer, count in ((person, MARKERS - 5), (neighbour, 20)):
        await writer.appears()
        await writer.say_everything(count)
        await writer.is_heard()
        await writer.is_answered(5 if writer is person else 1)
    assert len(person.markers) == MARKERS
    kept = await neighbour.messages()

    body = {"person": {"kind": "contact", "id": person.contact}}
    await visitor.call("POST", "/v1/privacy/exports", expect=201, json=body)
    asked = (await visitor.call("POST", "/v1/privacy/erasures", expect=201, json={**body, "grace_days": 0})).json()
    done = await finished(visitor, asked)
    assert {answer["state"] for answer in done["answers"]} == {"done"}

    words = [*person.markers, person.phone, control_word]
    traces = Traces(platform, words, [organization["id"]])
    found = await traces.everywhere()
    assert {word for _, word in found} == {control_word}, found
    assert {"table", "history", "redis", "log", "file"} <= traces.looked_at.keys()
    assert await neighbour.messages() == kept
    await _the_key_is_gone(platform, person, neighbour)
    await _no_row_leads_to(platform, UUID(person.contact), UUID(person.conversation))


async def _the_key_is_gone(platform: Trial, person: Writer, neighbour: Writer) -> None:
    """What lies in old backups cannot be opened either: no key of the person has its bytes, the neighbour's has."""
    connection = await asyncpg.connect(platform.plan.admin_url)
    try:
        keys = await connection.fetch(
            "SELECT subject, wrapped FROM compliance.seal_keys WHERE subject = ANY ($1)",
            [f"contact:{person.contact}", f"contact:{neighbour.contact}"],
        )
        elsewhere = await connection.fetchval(
            "SELECT count(*) FROM inbox.seal_keys WHERE subject LIKE 'contact:%' AND wrapped IS NOT NULL"
        )
    finally:
        await connection.close()
    assert {row["subject"]: row["wrapped"] is None for row in keys} == {
        f"contact:{person.contact}": True,
        f"contact:{neighbour.contact}": False,
    }
    assert elsewhere == 0


async def _no_row_leads_to(platform: Trial, *ids: UUID) -> None:
    """In the service that knew the person, only the proof that they were forgotten names them."""
    traces = Traces(platform, [str(each) for each in ids])
    await traces.tables()
    assert {where for where, _ in traces.found if where.startswith("table:inbox.")} <= {"table:inbox.privacy_tasks"}


async def test_a_user_who_was_forgotten_has_left_no_trace(platform: Trial, http: httpx.AsyncClient) -> None:
    owner = await newcomer(platform.addresses, http, f"owner.{secrets.token_hex(4)}@example.com")
    organization = await owner.found("Stays")
    word = "leaver" + secrets.token_hex(8)
    invited = {"email": f"{word}@example.com", "role": "agent"}
    path = f"/v1/organizations/{organization['id']}"
    key = {"idempotency-key": secrets.token_hex(8)}
    await owner.call("POST", f"{path}/invitations", expect=201, headers=key, json=invited)
    leaver = Visitor(platform.addresses, http, invited["email"])
    token = await leaver.token_from_mail("/invitations/accept")
    await leaver.sign_up()
    await leaver.verify()
    await leaver.sign_in()
    await leaver.call("POST", "/v1/invitations/accept", expect=200, json={"token": token})
    user_id = (await leaver.call("GET", "/v1/me", expect=200)).json()["user_id"]

    body = {"person": {"kind": "user", "id": user_id}, "grace_days": 0}
    asked = (await leaver.call("POST", "/v1/privacy/erasures", expect=201, json=body)).json()

    async def gone() -> bool | None:
        async with asyncio.timeout(30):
            connection = await asyncpg.connect(platform.plan.admin_url)
        try:
            state = await connection.fetchval("SELECT state FROM compliance.erasures WHERE id = $1", asked["id"])
        finally:
            await connection.close()
        return True if state == "finished" else None

    await seen("the end of the erasure", gone, within=120)
    answer = await http.post(
        f"{platform.addresses.gateway}/v1/sessions", json={"email": leaver.email, "password": leaver.password}
    )
    assert answer.status_code == 401
    members = (await owner.call("GET", f"{path}/members", expect=200)).json()["items"]
    assert [member["role"] for member in members] == ["owner"]
    found = await Traces(platform, [word], [organization["id"]]).everywhere()
    assert found == set()

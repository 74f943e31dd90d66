"""What WhatsApp says against sending: a number slows down and recovers, a contact is believed, a template stops."""

import asyncio
from typing import Any

import pytest

from .broadcasting import (
    act,
    at_whatsapp_too,
    broadcasting,
    many,
    prepared,
    read,
    ready,
    recipients,
    sent,
    until,
    write,
)
from .house import House, value
from .test_templates import approved

MESSAGES = "/whatsapp/graph/v23.0/100000000000001/messages"


async def refusing(house: House, code: int, times: int, status: int = 400) -> None:
    body = {"error": {"message": "No", "type": "OAuthException", "code": code}}
    rule = {"kind": "refuse_before_effect", "status": status, "body": body, "times": times}
    await house.faults({**rule, "match": {"method": "POST", "path": MESSAGES}})


async def brake(house: House) -> tuple[float, str]:
    (row,) = await house.rows("SELECT brake, brake_code FROM channels WHERE kind = 'whatsapp'")
    return round(row["brake"], 2), row["brake_code"]


@pytest.mark.parametrize(("code", "left"), [(130429, 0.7), (131057, 0.5), (80007, 0.5), (131048, 0.2), (131056, 0.9)])
async def test_each_code_slows_the_number_down_and_it_recovers_by_itself(
    house: House, code: int, left: float
) -> None:
    made, _ = await ready(house, 2)
    await refusing(house, code, 1)
    await act(house, made["id"], "start")
    async with broadcasting(house):
        for _ in range(40):
            if (await brake(house))[1]:
                break
            await until_changed(house)
        assert await brake(house) == (left, str(code))
        await house.forward(1000)  # 131048 rests for a quarter of an hour
        done = await until(house, made["id"], "completed")
    assert (done["counts"]["sent"], done["counts"]["failed"]) == (2, 0)
    assert len(await sent(house)) == 2, "nobody got it twice"
    for _ in range(8):
        await house.forward(11)
        await house.parts.braking.ease()
    assert await brake(house) == (1.0, "")


async def until_changed(house: House) -> None:
    """Let the workers have a turn."""
    await house.get("/v1/channels")
    await asyncio.sleep(0.1)


async def test_a_template_that_whatsapp_refuses_stops_the_broadcast_and_nobody_is_lost(house: House) -> None:
    made, _ = await ready(house, 3)
    await refusing(house, 132015, 3)
    await act(house, made["id"], "start")
    async with broadcasting(house):
        paused = await until(house, made["id"], "paused")
        assert paused["reason"] == "template:132015"
    counts = (await read(house, made["id"]))["counts"]
    assert (counts["failed"], counts["waiting"] + counts["sent"]) == (0, 3)


async def test_a_segment_is_an_audience(house: House) -> None:
    ours, theirs = await approved(house)
    await at_whatsapp_too(house, theirs)
    await many(house, 3)
    channel = (await house.get("/v1/channels"))["items"][0]
    contacts = [each["id"] for each in (await house.get("/v1/contacts"))["items"]]
    attribute = {"applies_to": "contact", "key": "plan", "name": "Plan", "type": "text"}
    assert (await house.ask("POST", "/v1/attributes", json=attribute)).status_code == 201
    for each, plan in zip(contacts, ("gold", "gold", "free"), strict=True):
        answer = await house.ask("PATCH", f"/v1/contacts/{each}/attributes", json={"values": {"plan": plan}})
        assert answer.status_code < 300, answer.text
    segment = await house.ask(
        "POST", "/v1/segments", json={"name": "Gold", "query": {"attribute": "plan", "is": "gold"}}
    )
    assert segment.status_code == 201, segment.text
    made = await write(house, channel["id"], ours["id"], audience={"segment_id": segment.json()["id"]})
    await prepared(house, made["id"])
    whom = {each["contact_id"] for each in await recipients(house, made["id"])}
    assert whom == set(contacts[:2])


async def test_a_preference_that_whatsapp_tells_after_planning_is_kept_to(house: House) -> None:
    """And so is what a refusal with 131050 tells: the next broadcast does not even try."""
    ours, theirs = await approved(house)
    await at_whatsapp_too(house, theirs)
    people = await many(house, 3)
    channel = (await house.get("/v1/channels"))["items"][0]
    contacts = {each["id"] for each in (await house.get("/v1/contacts"))["items"]}
    granted = {"channel_kinds": ["whatsapp"], "purposes": ["marketing"], "state": "granted"}
    for each in contacts:
        answer = await house.ask("POST", f"/v1/contacts/{each}/consents", json=granted)
        assert answer.status_code < 300, answer.text
    made = await write(house, channel["id"], ours["id"], purpose="marketing")
    await prepared(house, made["id"])
    await act(house, made["id"], "start")
    await house.forward(2)
    told: dict[str, Any] = {
        "wa_id": people[0],
        "detail": "No more",
        "category": "marketing_messages",
        "value": "stop",
    }
    profile = {"wa_id": people[0], "profile": {"name": f"Person {people[0]}"}}
    change = value(contacts=[profile], user_preferences=[{**told, "timestamp": house.now()}])
    await house.hook({**change, "field": "user_preferences"})
    await house.reduce()
    await house.person(people[1], name="Wants none", refuses_with=131050)
    async with broadcasting(house):
        done = await until(house, made["id"], "completed")
    counts = done["counts"]
    assert (counts["sent"], counts["skipped"], counts["failed"]) == (1, 2, 0)
    codes = {each["code"] for each in await recipients(house, made["id"], "&state=skipped&state=failed")}
    assert codes == {"consent-withdrawn", "131050"}
    again = await write(house, channel["id"], ours["id"], purpose="marketing")
    await prepared(house, again["id"])
    assert (await house.get(f"/v1/broadcasts/{again['id']}/preflight"))["without_consent"] == 2

"""Where people are: by what is known of them, by their number, or as the organization says."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kit.ids import new_id
from kit.testing.programs import eventually

from .broadcasting import (
    PATH,
    act,
    at_whatsapp_too,
    broadcasting,
    many,
    prepared,
    read,
    recipients,
    sent,
    until,
    write,
)
from .house import House
from .test_templates import approved

SETTINGS = "/v1/broadcast-settings"
NOWHERE = 88210000000000  # a number of no country


async def say(house: House, body: dict[str, Any], **more: Any) -> Any:
    tag = (await house.ask("GET", SETTINGS)).headers["etag"]
    return await house.ask("PUT", SETTINGS, json=body, headers={"if-match": tag}, **more)


async def field(house: House, **more: Any) -> str:
    body = {"applies_to": "contact", "key": "zone", "name": "Zone", "type": "text", **more}
    answer = await house.ask("POST", "/v1/attributes", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def people(house: House) -> tuple[str, str, dict[str, str]]:
    """A template, a channel, and contacts by the zone that is known of them: of an attribute, a number, nothing."""
    ours, theirs = await approved(house)
    await at_whatsapp_too(house, theirs)
    channel = (await house.get("/v1/channels"))["items"][0]
    found: dict[str, str] = {}
    for name, first in (("attribute", 43660123000), ("number", 43660123001), ("nothing", NOWHERE)):
        await many(house, 1, first=first)
        known = {each["id"] for each in (await house.get("/v1/contacts"))["items"]}
        found[name] = (known - set(found.values())).pop()
    return ours["id"], channel["id"], found


async def zones_of(house: House, broadcast_id: str) -> dict[str, str]:
    rows = await house.rows(
        "SELECT contact_id, zone FROM broadcast_recipients WHERE broadcast_id = $1::text::uuid", broadcast_id
    )
    return {str(row["contact_id"]): row["zone"] for row in rows}


async def test_everyone_is_written_to_at_nine_where_they_are(house: House) -> None:
    template, channel, known = await people(house)
    attribute = await field(house)
    path = f"/v1/contacts/{known['attribute']}/attributes"
    assert (await house.ask("PATCH", path, json={"values": {"zone": "Asia/Tokyo"}})).status_code < 300
    answer = await say(house, {"zone": "America/New_York", "zone_attribute_id": attribute})
    assert answer.status_code == 200, answer.text
    day = (house.database.clock.now() + timedelta(days=3)).date()
    nine = datetime(day.year, day.month, day.day, 9)  # noqa: DTZ001 - by the clock of each
    made = await write(house, channel, template, local_start=nine.isoformat())
    assert made["zone"] == "America/New_York"
    await prepared(house, made["id"])
    zones = await zones_of(house, made["id"])
    assert zones == {known["attribute"]: "Asia/Tokyo", known["number"]: "Europe/Vienna", known["nothing"]: ""}
    due = {each["contact_id"]: datetime.fromisoformat(each["due_at"]) for each in await recipients(house, made["id"])}
    for name, zone in (("attribute", "Asia/Tokyo"), ("number", "Europe/Vienna"), ("nothing", "America/New_York")):
        assert due[known[name]] == nine.replace(tzinfo=ZoneInfo(zone)), name
    seen = await house.get(f"{PATH}/{made['id']}/preflight")
    assert (seen["zone"], seen["zone_unknown"]) == ("America/New_York", 1)
    await act(house, made["id"], "start")
    for wanted, zone in ((1, "Asia/Tokyo"), (2, "Europe/Vienna"), (3, "America/New_York")):
        at = nine.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        await house.forward((at - house.database.clock.now()).total_seconds() + 1)
        async with broadcasting(house):

            async def so_many(wanted: int = wanted) -> bool:
                counts = (await read(house, made["id"]))["counts"]
                return bool(counts["sent"] + counts["failed"] == wanted)

            await eventually(so_many, within=60)
            if wanted == len(known):
                await until(house, made["id"], "completed")


async def test_a_broadcast_waits_for_the_time_it_was_given(house: House) -> None:
    template, channel, _ = await people(house)
    start = house.database.clock.now() + timedelta(hours=2)
    made = await write(house, channel, template, start_at=start.isoformat())
    await prepared(house, made["id"])
    assert (await act(house, made["id"], "start"))["state"] == "scheduled"
    await house.parts.feeding.run()
    assert await sent(house) == []
    await house.forward(7201)
    async with broadcasting(house):
        done = await until(house, made["id"], "completed")
    assert done["counts"]["waiting"] == 0


async def test_quiet_hours_are_those_of_whom_nothing_is_known_by_the_organizations_zone(house: House) -> None:
    template, channel, known = await people(house)
    now = house.database.clock.now()
    there = now.astimezone(ZoneInfo("Pacific/Kiritimati"))
    await say(house, {"zone": "Pacific/Kiritimati"})
    quiet = {
        "begins": (there - timedelta(hours=1)).time().replace(microsecond=0).isoformat(),
        "ends": (there + timedelta(hours=1)).time().replace(microsecond=0).isoformat(),
    }
    made = await write(house, channel, template, quiet_hours=quiet)
    await prepared(house, made["id"])
    await act(house, made["id"], "start")
    async with broadcasting(house):

        async def others_have_it() -> bool:
            counts = (await read(house, made["id"]))["counts"]
            return bool(counts["waiting"] == 1)

        await eventually(others_have_it, within=60)
    (rests,) = await recipients(house, made["id"], "&state=waiting")
    assert rests["contact_id"] == known["nothing"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"zone": "Mars/Olympus"}, "#/zone"),
        ({"zone": ""}, "#/zone"),
        ({"zone": "UTC", "zone_attribute_id": str(new_id())}, "#/zone_attribute_id"),
    ],
)
async def test_what_is_no_zone_is_refused(house: House, body: dict[str, Any], pointer: str) -> None:
    answer = await say(house, body)
    assert answer.status_code == 422, answer.text
    assert pointer in {each["pointer"] for each in answer.json()["errors"]}


async def test_zones_stand_in_no_personal_attribute_and_are_set_by_managers_alone(house: House) -> None:
    personal = await field(house, personal=True)
    answer = await say(house, {"zone": "UTC", "zone_attribute_id": personal})
    assert answer.status_code == 422
    assert (await say(house, {"zone": "UTC"}, role="agent")).status_code == 403
    assert (await say(house, {"zone": "Europe/Berlin"})).json()["version"] == 1
    stale = await house.ask("PUT", SETTINGS, json={"zone": "UTC"}, headers={"if-match": '"v0"'})
    assert stale.status_code == 412
    assert (await house.get(SETTINGS, by=new_id()))["zone"] == "UTC", "of another organization nothing is seen"
    actions = [line.action for line in await house.audited()]
    assert actions[-1] == "inbox.broadcast_settings.changed"

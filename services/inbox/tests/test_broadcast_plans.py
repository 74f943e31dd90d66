"""What is known before a broadcast begins, and what is made of those whom it did not reach."""

from typing import Any

from kit.testing.programs import eventually

from .broadcasting import (
    PATH,
    act,
    at_whatsapp_too,
    broadcasting,
    many,
    message,
    prepared,
    read,
    ready,
    recipients,
    sent,
    until,
    write,
)
from .house import House
from .test_templates import approved

AUSTRIANS = 43660123000
BAHAMIANS = 12423591234


async def test_before_it_begins_it_says_how_long_what_it_costs_and_whom_it_will_not_reach(house: House) -> None:
    ours, theirs = await approved(house)
    await at_whatsapp_too(house, theirs)
    await many(house, 2, first=AUSTRIANS)
    await many(house, 1)
    await many(house, 1, first=BAHAMIANS)
    channel = (await house.get("/v1/channels"))["items"][0]
    made = await write(house, channel["id"], ours["id"])
    early = await house.get(f"{PATH}/{made['id']}/preflight")
    assert early["obstacles"] == ["not-prepared"]
    await prepared(house, made["id"])
    seen = await house.get(f"{PATH}/{made['id']}/preflight")
    assert (seen["recipients"], seen["without_consent"], seen["obstacles"], seen["seconds"]) == (4, 0, [], 1)
    assert [(each["country"], each["recipients"], each["total_micros"]) for each in seen["costs"]] == [
        ("AT", 2, 28_400),
        ("BS", 1, None),
        ("US", 1, 2_800),
    ]
    assert [each["market"] for each in seen["costs"]] == ["Rest of Western Europe", "", "North America"]
    assert (seen["cost_micros"], seen["unpriced"], seen["currency"]) == (31_200, 1, "EUR")
    assert seen["prices_as_of"] == "2026-07-01"
    assert seen["templates"] == [{"id": ours["id"], "status": "approved", "quality": "UNKNOWN", "sendable": True}]
    marketing = await write(house, channel["id"], ours["id"], purpose="marketing")
    await prepared(house, marketing["id"])
    assert (await house.get(f"{PATH}/{marketing['id']}/preflight"))["without_consent"] == 4


async def test_those_whom_it_did_not_reach_can_be_written_to_again_by_the_reason(house: House) -> None:
    made, _ = await ready(house, 4)
    for person in ("16505550000", "16505550002"):
        await house.person(person, name="Out of reach", refuses_with=131026)
    await act(house, made["id"], "start")
    async with broadcasting(house):
        done = await until(house, made["id"], "completed")
    assert (done["counts"]["sent"], done["counts"]["failed"]) == (2, 2)
    failed = await recipients(house, made["id"], "&sort=skip_recipient")
    assert {each["code"] for each in failed} == {"131026"}
    assert all(each["advice"] for each in failed)
    audience = {"broadcast": {"id": made["id"], "classes": ["skip_recipient"]}}
    template = made["messages"][0]["template_id"]
    again = await write(house, made["channel_id"], template, audience=audience)
    await prepared(house, again["id"])
    whom = {each["contact_id"] for each in await recipients(house, again["id"])}
    assert whom == {each["contact_id"] for each in failed}
    silent = {"broadcast": {"id": made["id"], "classes": ["no_reply"]}}
    nobody_yet = await write(house, made["channel_id"], template, audience=silent)
    await prepared(house, nobody_yet["id"])
    assert (await read(house, nobody_yet["id"]))["counts"]["total"] == 0, "it was not delivered to anybody yet"


async def test_of_two_messages_each_gets_one_and_each_is_counted(house: House) -> None:
    ours, theirs = await approved(house)
    await at_whatsapp_too(house, theirs)
    await many(house, 24)
    channel = (await house.get("/v1/channels"))["items"][0]
    one, two = message(ours["id"]), message(ours["id"], variables={"1": "friend", "2": "78"})
    made = await write(house, channel["id"], ours["id"], messages=[one, two])
    await prepared(house, made["id"])
    await act(house, made["id"], "start")
    async with broadcasting(house):
        done = await until(house, made["id"], "completed")
    numbers = [each["counts"]["sent"] for each in done["messages"]]
    assert sum(numbers) == 24
    assert min(numbers) > 0
    texts = [each["text"] for each in await sent(house)]
    assert min(texts.count(one) for one in set(texts)) == min(numbers)


async def test_a_test_goes_to_a_few_and_they_still_get_it_with_all_others(house: House) -> None:
    made, _ = await ready(house, 2)
    contact = (await house.get("/v1/contacts"))["items"][0]
    trial = await act(house, made["id"], "tests", json={"contact_ids": [contact["id"]]})
    assert trial["kind"] == "test"
    async with broadcasting(house):
        await until(house, trial["id"], "completed")
        assert len(await sent(house)) == 1
        await act(house, made["id"], "start")
        await until(house, made["id"], "completed")
    assert len(await sent(house)) == 3
    related = (await house.get(f"{PATH}/{made['id']}/related"))["items"]
    assert [each["id"] for each in related] == [trial["id"]]
    assert [each["id"] for each in (await house.get(PATH))["items"]] == [made["id"]]


async def test_who_is_not_reached_is_sent_a_text_where_that_is_wanted(house: House) -> None:
    body: dict[str, Any] = {"kind": "sms", "number": "+15005550001", "api_key": "sandbox-telnyx-key"}
    texts = await house.ask("POST", "/v1/channels", json=body)
    assert texts.status_code == 201, texts.text
    ours, theirs = await approved(house)
    await at_whatsapp_too(house, theirs)
    await many(house, 2)
    await house.person("16505550001", name="Out of reach", refuses_with=131026)
    channel = next(each for each in (await house.get("/v1/channels"))["items"] if each["kind"] == "whatsapp")
    fallback = {"channel_id": texts.json()["id"], "text": "Hello {{contact.first_name|there}}, see our sale."}
    made = await write(house, channel["id"], ours["id"], fallback=fallback)
    await prepared(house, made["id"])
    await act(house, made["id"], "start")
    async with broadcasting(house):
        await until(house, made["id"], "completed")

        async def stands_in() -> bool:
            (child,) = (await house.get(f"{PATH}/{made['id']}/related"))["items"]
            return bool(child["counts"]["failed"] + child["counts"]["sent"] == 1)

        await eventually(stands_in, within=40)
    (child,) = (await house.get(f"{PATH}/{made['id']}/related"))["items"]
    (one,) = await recipients(house, child["id"])
    failed = (await recipients(house, made["id"], "&sort=skip_recipient"))[0]
    assert one["contact_id"] == failed["contact_id"]


async def test_a_number_that_is_flagged_goes_slowly_until_it_is_good_again(house: House) -> None:
    await house.connected()
    (channel,) = (await house.get("/v1/channels"))["items"]

    async def judged(event: str, limit: str) -> tuple[float, int | None]:
        told = {"display_phone_number": channel["display_number"], "event": event, "current_limit": limit}
        await house.hook({"field": "phone_number_quality_update", "value": told})
        await house.reduce()
        (row,) = await house.rows("SELECT brake, daily_limit FROM channels")
        return round(row["brake"], 2), row["daily_limit"]

    assert await judged("FLAGGED", "TIER_1K") == (0.2, 1000)
    await house.forward(60)
    await house.parts.braking.ease()
    (row,) = await house.rows("SELECT brake FROM channels")
    assert round(row["brake"], 2) == 0.2, "as long as it is flagged"
    assert await judged("UNFLAGGED", "TIER_UNLIMITED") == (0.2, None)
    for _ in range(5):
        await house.forward(11)
        await house.parts.braking.ease()
    (row,) = await house.rows("SELECT brake FROM channels")
    assert row["brake"] == 1.0

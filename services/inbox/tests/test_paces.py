"""What paces a number: what WhatsApp tells when it is connected and later, and what people say of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kit.ids import new_id
from kit.testing.programs import eventually

from .broadcasting import act, broadcasting, read, ready, recipients, until
from .house import ACCOUNT, NUMBER, House
from .test_templates import PATH as TEMPLATES
from .test_templates import tell


async def pace(house: House, channel_id: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = await house.get(f"/v1/channels/{channel_id}/pace", **more)
    return found


async def put(house: House, channel_id: str, body: dict[str, Any], **more: Any) -> Any:
    tag = (await house.ask("GET", f"/v1/channels/{channel_id}/pace", **more)).headers["etag"]
    headers = {"if-match": tag}
    return await house.ask("PUT", f"/v1/channels/{channel_id}/pace", json=body, headers=headers, **more)


async def number(house: House, number_id: str = NUMBER, **more: Any) -> None:
    answer = await house.sandbox.post("/whatsapp/control/numbers", json={"id": number_id, "waba_id": ACCOUNT, **more})
    assert answer.status_code == 201, answer.text


async def connected(house: House, number_id: str = NUMBER, **more: Any) -> dict[str, Any]:
    body = {"kind": "whatsapp", "phone_number_id": number_id, "waba_id": ACCOUNT, **more}
    body["access_token"] = "sandbox-whatsapp-token"
    answer = await house.ask("POST", "/v1/channels", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def lane_rate(house: House, channel_id: str) -> float:
    (row,) = await house.rows("SELECT rate FROM ledger_lanes WHERE key = $1", f"whatsapp:{channel_id}")
    return float(row["rate"])


@pytest.mark.parametrize(
    ("at_whatsapp", "wanted", "rate"),
    [
        ({}, None, 80),
        ({"throughput": 1000}, None, 1000),
        ({"throughput": 1000}, 300, 300),
        ({}, 500, 80),
        ({"is_on_biz_app": True, "throughput": 1000}, None, 20),
        ({"is_on_biz_app": True}, 10, 10),
    ],
)
async def test_a_number_gets_the_rate_that_whatsapp_takes_from_it_or_less(
    house: House, at_whatsapp: dict[str, Any], wanted: int | None, rate: int
) -> None:
    await number(house, **at_whatsapp)
    more: dict[str, Any] = {} if wanted is None else {"rate": wanted}
    channel = await connected(house, **more)
    assert channel["rate"] == rate
    found = await pace(house, channel["id"])
    assert (found["pace"], found["coexists"]) == (rate, at_whatsapp.get("is_on_biz_app", False))
    assert await lane_rate(house, channel["id"]) == rate


async def test_limit_quality_and_portfolio_are_read_when_a_number_is_connected(house: House) -> None:
    await number(house, messaging_limit="TIER_2K", quality_rating="YELLOW", business_id="500000000000009")
    found = await pace(house, (await connected(house))["id"])
    assert (found["daily_limit"], found["left"], found["used"]) == (2000, 2000, 0)
    assert (found["quality"], found["portfolio"]) == ("YELLOW", "500000000000009")


async def test_where_a_version_does_not_know_the_new_field_the_old_one_is_read(house: House) -> None:
    await number(house, limit_is_of="number", messaging_limit="TIER_1K", throughput=1000)
    channel = await connected(house)
    found = await pace(house, channel["id"])
    assert (found["rate"], found["daily_limit"]) == (1000, 1000)


async def test_people_say_what_their_platform_has_not_told(house: House) -> None:
    channel = await connected(house)
    body = {"rate": 20, "coexists": True, "portfolio": "77", "daily_limit": 250}
    answer = await put(house, channel["id"], body)
    assert answer.status_code == 200, answer.text
    shown = await pace(house, channel["id"])
    assert {name: shown[name] for name in body} == body
    assert await lane_rate(house, channel["id"]) == 20
    assert (await house.get(f"/v1/channels/{channel['id']}"))["rate"] == 20
    assert [line.action for line in await house.audited()][-1] == "inbox.channel.paced"
    faster = await put(house, channel["id"], {**body, "rate": 21})
    assert faster.status_code == 422, faster.text
    stale = {"if-match": '"v1"'}
    old = await house.ask("PUT", f"/v1/channels/{channel['id']}/pace", json=body, headers=stale)
    assert old.status_code == 412


async def test_who_may_say_so(house: House) -> None:
    channel = await connected(house)
    other, path = new_id(), f"/v1/channels/{channel['id']}/pace"
    assert (await house.ask("GET", path, by=other)).status_code == 404
    headers = {"if-match": '"v1"'}
    refused = await house.ask("PUT", path, json={"rate": 5}, headers=headers, role="agent")
    assert refused.status_code == 403
    foreign = await house.ask("PUT", path, json={"rate": 5}, headers=headers, by=other)
    assert foreign.status_code == 404


async def test_a_limit_is_that_of_all_numbers_of_the_portfolio(house: House) -> None:
    await number(house, "100000000000002", display_phone_number="15550000002", business_id="500000000000001")
    one, two = await connected(house), await connected(house, "100000000000002")
    await put(house, one["id"], {"rate": 80, "portfolio": "500000000000001", "daily_limit": 250})
    assert (await pace(house, two["id"]))["daily_limit"] == 250


@pytest.mark.parametrize(
    ("told", "limit"),
    [
        ({"max_daily_conversations_per_business": 2000, "max_phone_numbers_per_waba": 25}, 2000),
        ({"max_daily_conversations_per_business": "TIER_10K", "max_phone_numbers_per_waba": 25}, 10_000),
        ({"max_daily_conversation_per_phone": 250, "max_phone_numbers_per_business": 25}, 250),
        ({"max_daily_conversation_per_phone": -1, "max_phone_numbers_per_waba": 25}, None),
    ],
)
async def test_what_a_business_may_is_kept_by_the_webhook(house: House, told: Any, limit: int | None) -> None:
    await number(house, messaging_limit="TIER_100K")
    channel = await connected(house)
    for _ in range(2):
        await house.hook({"field": "business_capability_update", "value": told})
    await house.reduce()
    found = await pace(house, channel["id"])
    assert (found["daily_limit"], found["numbers_limit"]) == (limit, 25)
    assert await house.count("SELECT count(*) FROM intake_items WHERE verdict = 'quarantined'") == 0


async def test_a_word_on_what_a_business_may_that_tells_nothing_is_kept_aside(house: House) -> None:
    await connected(house)
    await house.hook({"field": "business_capability_update", "value": {"max_daily_conversations_per_business": []}})
    await house.hook({"field": "account_update", "value": {}})
    await house.reduce()
    assert await house.count("SELECT count(*) FROM intake_items WHERE verdict = 'quarantined'") == 2


async def test_an_upgrade_of_the_throughput_makes_a_number_faster(house: House) -> None:
    channel = await connected(house)
    told = {"event": "THROUGHPUT_UPGRADE", "current_limit": "TIER_UNLIMITED"}
    await house.hook(
        {
            "field": "phone_number_quality_update",
            "value": {**told, "display_phone_number": channel["display_number"]},
        }
    )
    await house.reduce()
    assert (await pace(house, channel["id"]))["rate"] == 1000
    assert await lane_rate(house, channel["id"]) == 1000


async def test_a_restricted_account_pauses_broadcasts_until_it_is_back(house: House) -> None:
    made, _ = await ready(house, 3)
    disabled = {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE", "waba_ban_date": "today"}}
    await act(house, made["id"], "start")
    await house.hook({"field": "account_update", "value": disabled})
    await house.reduce()
    (channel,) = (await house.get("/v1/channels"))["items"]
    assert (channel["health"], channel["health_code"]) == ("restricted", "account-disabled_update")
    assert "ChannelHealthChanged" in await house.names_told()
    async with broadcasting(house):
        paused = await until(house, made["id"], "paused")
        assert (paused["reason"], paused["counts"]["sent"]) == ("account-disabled_update", 0)
        back = {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}}
        await house.hook({"field": "account_update", "value": back})

        await until_ok(house)
        await act(house, made["id"], "resume")
        await until(house, made["id"], "completed")
    assert (await read(house, made["id"]))["counts"]["sent"] == 3


async def until_ok(house: House) -> None:
    from kit.testing.programs import eventually

    async def well() -> bool:
        return bool((await house.get("/v1/channels"))["items"][0]["health"] == "ok")

    await eventually(well, within=20)


async def test_what_is_told_of_an_account_is_told_to_each_organization_with_numbers_of_it(house: House) -> None:
    """A template that both know is paused for both, and the limit of the business is that of both."""
    other, second = new_id(), "100000000000002"
    await number(house, second, display_phone_number="15550000002")
    mine, theirs = await connected(house), (await house.connect(second, by=other)).json()
    await tell(house, {"id": "300000000000001", "name": "hello_world", "language": "en_US"}, event="PAUSED")
    await house.hook({"field": "business_capability_update", "value": {"max_daily_conversations_per_business": 250}})
    await house.reduce()
    for channel, by in ((mine, None), (theirs, other)):
        assert (await pace(house, channel["id"], by=by))["daily_limit"] == 250
        running = await house.count(
            "SELECT count(*) FROM message_template_syncs WHERE organization_id = $1", by or house.organization_id
        )
        assert running == 1, "of a template that nobody here knows the list is read"
    assert await house.count("SELECT count(*) FROM intake_items WHERE verdict = 'quarantined'") == 0
    await house.work()
    found = [(await house.get(f"{TEMPLATES}?name=hello_world", by=by))["items"] for by in (None, other)]
    assert [len(each) for each in found] == [1, 1]


async def test_who_was_just_written_to_often_waits_and_others_go_on(house: House) -> None:
    """Forty-five messages to one person at once are what WhatsApp lets one number send; the next one waits."""
    await number(house, pair_seconds=None)  # only what we keep by ourselves is of interest here
    made, _ = await ready(house, 2)
    talks = (await house.get("/v1/conversations"))["items"]
    hot = talks[0]
    for each in range(45):
        answer = await house.reply(hot["id"], f"Message {each}")
        assert answer.status_code < 300, answer.text
    await act(house, made["id"], "start")
    async with broadcasting(house):

        async def waits() -> bool:
            now = await read(house, made["id"])
            return bool((now["counts"]["sent"], now["waits_for"]) == (1, "pair"))

        await eventually(waits, within=60)
        (one,) = await recipients(house, made["id"], "&state=waiting")
        assert one["contact_id"] == hot["contact_id"]
        await house.forward(275)
        done = await until(house, made["id"], "completed")
    assert done["counts"]["sent"] == 2


async def test_more_than_whatsapp_takes_for_one_person_waits_with_us_until_it_may_leave(house: House) -> None:
    """Replies and a template written by hand, sent by two workers; never are more than 45 on their way at once."""
    await number(house, pair_seconds=None)  # WhatsApp's clock does not jump with ours
    await connected(house)
    await house.say()
    await house.reduce()
    talk = await house.conversation()
    for each in range(49):
        assert (await house.reply(talk["id"], f"Message {each}")).status_code == 202
    hello = {"type": "template", "template": {"name": "hello_world", "language": "en_US"}}
    assert (await house.ask("POST", f"/v1/conversations/{talk['id']}/messages", json=hello)).status_code == 202
    async with house.working(2):

        async def left(*, all_of_them: bool) -> bool:
            gone, rest = len(await house.left()), await waiting(house)
            assert gone <= 45 or all_of_them
            return gone + rest == 50 and (rest == 0) is all_of_them

        await eventually(lambda: left(all_of_them=False), within=60)
        await house.forward(275)
        await eventually(lambda: left(all_of_them=True), within=60)
    bodies = [each["body"] for each in await house.left()]
    said = [each["text"]["body"] if each["type"] == "text" else each["template"]["name"] for each in bodies]
    assert sorted(said) == sorted(["hello_world", *(f"Message {each}" for each in range(49))])


@asynccontextmanager
async def freeing(house: House) -> AsyncIterator[None]:
    """The loop of a worker that lets channels go on, run to its end at least once."""
    async with asyncio.TaskGroup() as group:
        stop = asyncio.Event()

        async def free() -> None:
            while not stop.is_set():
                await house.parts.braking.free()
                await asyncio.sleep(0.05)

        task = group.create_task(free())
        try:
            yield
        finally:
            stop.set()
            await task
    await house.parts.braking.free()


async def waiting(house: House) -> int:
    """How many messages wait because so much has left to the same person."""
    return await house.count("SELECT count(*) FROM ledger_entries WHERE status = 'pending' AND code = 'pair-rate'")


async def test_others_go_on_while_one_person_was_written_to_too_often(house: House) -> None:
    await connected(house)
    for person in ("4915110000001", "4915110000002"):
        await house.say(person=person)
    await house.reduce()
    hot, other = (await house.get("/v1/conversations"))["items"]
    for each in range(46):
        await house.reply(hot["id"], f"Message {each}")
    await house.reply(other["id"], "Only one")
    async with house.working():

        async def done() -> bool:
            said = [each["body"]["text"]["body"] for each in await house.left()]
            return "Only one" in said and len(said) + await waiting(house) == 47 and len(said) <= 46

        await eventually(done, within=60)


def restriction(seconds: float | None, *sorts: str) -> dict[str, Any]:
    told = [{"restriction_type": sort} | ({} if seconds is None else {"expiration": int(seconds)}) for sort in sorts]
    return {"field": "account_update", "value": {"event": "ACCOUNT_RESTRICTION", "restriction_info": told}}


BIZ, CUSTOMER = "RESTRICTED_BIZ_INITIATED_MESSAGING", "RESTRICTED_CUSTOMER_INITIATED_MESSAGING"


async def test_a_restriction_is_lifted_when_its_time_has_passed(house: House) -> None:
    """Answers wait for as long as the longest of what WhatsApp has told; then they leave by themselves."""
    await connected(house)
    await house.say()
    await house.reduce()
    talk, now = await house.conversation(), house.now()
    await house.hook(restriction(now + 600, BIZ), restriction(now + 1200, BIZ, CUSTOMER))
    await house.reduce()
    assert (await house.reply(talk["id"], "Later")).status_code == 202
    async with house.working(), freeing(house):

        async def health(wanted: str) -> bool:
            return bool((await house.get("/v1/channels"))["items"][0]["health"] == wanted)

        await eventually(lambda: health("restricted"), within=20)
        await house.forward(900)
        await eventually(lambda: health("restricted"), within=20)
        assert await house.left() == []
        await house.forward(400)
        await eventually(lambda: health("ok"), within=20)

        async def gone() -> bool:
            return len(await house.left()) == 1

        await eventually(gone, within=20)
    assert (await house.names_told()).count("ChannelHealthChanged") == 2


async def test_a_restriction_without_an_end_stays_and_one_that_has_ended_changes_nothing(house: House) -> None:
    await connected(house)
    await house.hook(restriction(house.now() - 60, BIZ))
    await house.reduce()
    assert (await house.get("/v1/channels"))["items"][0]["health"] == "ok"
    await house.hook(restriction(house.now() + 60, BIZ))
    await house.hook(restriction(None, BIZ))
    await house.reduce()
    await house.forward(3600)
    async with freeing(house):
        pass
    assert (await house.get("/v1/channels"))["items"][0]["health"] == "restricted"


async def test_what_is_told_after_a_restriction_is_not_lifted_with_it(house: House) -> None:
    await connected(house)
    await house.hook(restriction(house.now() + 60, BIZ))
    await house.hook({"field": "account_update", "value": {"event": "PARTNER_REMOVED"}})
    await house.reduce()
    await house.forward(3600)
    async with freeing(house):
        pass
    (channel,) = (await house.get("/v1/channels"))["items"]
    assert (channel["health"], channel["health_code"]) == ("restricted", "account-partner_removed")

"""What a plan includes of messages: never more, counted when they leave, free again when they never did."""

import asyncio
from typing import Any

from contracts.billing import EntitlementsChanged
from contracts.inbox import InboxQuotaReached
from kit.ids import new_id

from .house import House
from .test_replies import LOST

PATH = "/v1/channels/allowances"


async def grant(house: House, messages: int | None, version: int = 1, **more: Any) -> None:
    """Billing says what the plan includes."""
    await house.hear(
        EntitlementsChanged(
            organization_id=more.get("by", house.organization_id),
            time=house.database.clock.now(),
            version=version,
            plan="free",
            limits={"messages_per_month": messages},
        )
    )


async def stands(house: House, **more: Any) -> tuple[int, int, int | None]:
    """Used, set aside, included."""
    (one,) = (await house.get(PATH, **more))["items"]
    return one["used"], one["reserved"], one["allowed"]


async def test_as_many_leave_as_the_plan_includes_however_many_ask_at_once(house: House) -> None:
    conversation = await house.open_conversation()
    await grant(house, 3)
    answers = await asyncio.gather(*(house.reply(conversation["id"], f"Hi {number}") for number in range(8)))
    assert sorted(each.status_code for each in answers) == [202] * 3 + [403] * 5
    refused = next(each.json() for each in answers if each.status_code == 403)
    assert refused["type"].endswith(":quota-exhausted")
    assert (refused["meter"], refused["allowed"], refused["used"]) == ("messages_per_month", 3, 3)
    assert "3 messages a month" in refused["detail"]
    assert refused["renews_at"]
    assert await stands(house) == (0, 3, 3)
    assert await stands(house, by=new_id()) == (0, 0, 500)


async def test_a_message_is_used_when_it_left_and_whoever_sends_it_twice_pays_once(house: House) -> None:
    conversation = await house.open_conversation()
    await house.person()
    await grant(house, 1)
    message_id = str(new_id())
    for _ in range(2):
        assert (await house.reply(conversation["id"], id=message_id)).status_code == 202
    await house.work()
    assert await stands(house) == (1, 0, 1)
    told = [each for each in await house.told() if isinstance(each, InboxQuotaReached)]
    assert [(each.percent, each.used) for each in told] == [(100, 1)]
    assert (await house.reply(conversation["id"], "more")).status_code == 403
    await grant(house, 2, version=2)
    assert (await house.reply(conversation["id"], "more")).status_code == 202


async def test_what_never_left_is_free_again(house: House) -> None:
    conversation = await house.open_conversation()
    await house.person(refuses_with=131026)
    await grant(house, 1)
    refused = (await house.reply(conversation["id"])).json()
    await house.work()
    assert await stands(house) == (0, 0, 1)
    shown = await house.message(refused["id"])
    assert (shown["status"], shown["failure_code"], shown["failure_sort"]) == ("failed", "131026", "skip_recipient")
    assert shown["failure_reason"]
    assert shown["failure_advice"]


async def test_what_waits_for_the_window_is_set_aside_and_free_when_taken_back(house: House) -> None:
    conversation = await house.open_conversation()
    await house.forward(90_000)
    held = await house.reply(conversation["id"], hold=True)
    assert held.status_code == 202
    assert await stands(house) == (0, 1, 500)
    assert (await house.ask("POST", f"/v1/messages/{held.json()['id']}/cancel")).status_code == 200
    assert await stands(house) == (0, 0, 500)


async def test_a_call_that_nobody_answered_counts_when_a_report_says_that_it_arrived(house: House) -> None:
    conversation = await house.open_conversation()
    await house.person()
    await house.faults(LOST)
    sent = (await house.reply(conversation["id"])).json()
    await house.work()
    assert await stands(house) == (0, 1, 500)
    (left,) = await house.left()
    for _ in range(2):
        await house.report(left["id"], "sent", ours=sent["id"])
    await house.reduce()
    assert await stands(house) == (1, 0, 500)

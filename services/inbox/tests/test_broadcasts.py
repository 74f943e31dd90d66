"""Broadcasts: written, begun, paused, cancelled; each recipient once, whatever happens."""

import asyncio
from typing import Any

from kit.ids import new_id
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
from .test_templates import approved, tell

MESSAGES = "/whatsapp/graph/v23.0/100000000000001/messages"


async def consent(house: House, contact_id: str, wish: dict[str, Any]) -> None:
    answer = await house.ask("POST", f"/v1/contacts/{contact_id}/consents", json=wish)
    assert answer.status_code < 300, answer.text


async def nothing_under_way(house: House) -> bool:
    """Whether what a worker had claimed before has left or was given back."""
    return not await house.count("SELECT count(*) FROM ledger_entries WHERE status = 'calling'")


async def test_everyone_gets_it_once_filled_in_for_them(house: House) -> None:
    made, _ = await ready(house, 3)
    assert (made["state"], made["counts"]["waiting"], made["purpose"]) == ("draft", 3, "utility")
    await act(house, made["id"], "start")
    async with broadcasting(house, 2):
        done = await until(house, made["id"], "completed")
    assert done["counts"]["sent"] == done["counts"]["total"] == 3
    left = await sent(house)
    assert sorted(each["to"] for each in left) == ["16505550000", "16505550001", "16505550002"]
    assert {each["text"] for each in left} == {"Hello Person, your order 77 is on its way to you."}
    ids = {each["id"] for each in await recipients(house, made["id"])}
    assert {each["body"]["biz_opaque_callback_data"] for each in left} == ids
    assert {"BroadcastChanged", "BroadcastProgressed"} <= set(await house.names_told())


async def test_what_was_done_is_in_the_audit_trail(house: House) -> None:
    made, _ = await ready(house, 1)
    (contact,) = (await house.get("/v1/contacts"))["items"]
    await act(house, made["id"], "tests", json={"contact_ids": [contact["id"]]})
    for what in ("start", "pause", "resume", "cancel"):
        await act(house, made["id"], what)
    actions = [line.action.rpartition(".")[2] for line in await house.audited() if ".broadcast." in line.action]
    assert actions == ["written", "tried", "started", "paused", "resumed", "cancelled"]


async def test_a_pause_stops_what_has_not_left_and_resuming_goes_on(house: House) -> None:
    await house.connect(rate=5)
    made, _ = await ready(house, 40)
    await house.connect(rate=5)
    await act(house, made["id"], "start")
    async with broadcasting(house, 2):

        async def some() -> bool:
            return bool((await read(house, made["id"]))["counts"]["sent"] >= 3)

        await eventually(some, within=30)
        assert (await act(house, made["id"], "pause"))["state"] == "paused"
        await eventually(lambda: nothing_under_way(house), within=60)
        before = len(await sent(house))
        await asyncio.sleep(1.0)
        assert len(await sent(house)) == before < 40
        await house.connect(rate=80)
        assert (await act(house, made["id"], "resume"))["state"] == "running"
        done = await until(house, made["id"], "completed")
    assert done["counts"]["sent"] == 40
    numbers = [each["to"] for each in await sent(house)]
    assert len(numbers) == len(set(numbers)) == 40


async def test_cancelling_ends_it_and_says_so_of_each(house: House) -> None:
    made, _ = await ready(house, 5)
    await act(house, made["id"], "start")
    assert await house.parts.feeding.run() in (True, False)  # handed to the ledger, and nobody calls yet
    cancelled = await act(house, made["id"], "cancel")
    assert (cancelled["state"], cancelled["counts"]["cancelled"]) == ("cancelled", 5)
    async with broadcasting(house):
        await asyncio.sleep(0.6)
    assert await sent(house) == []
    assert {each["sort"] for each in await recipients(house, made["id"], "&sort=cancelled")} == {"cancelled"}
    again = await house.ask("POST", f"{PATH}/{made['id']}/resume")
    assert again.status_code == 409, again.text
    held = await house.count("SELECT count(*) FROM quota_reservations")
    assert held == 0, "what was set aside of the plan is free again"


async def test_whoever_opted_out_since_is_passed_over_and_shown_why(house: House) -> None:
    made, _ = await ready(house, 3)
    await house.count(
        "WITH u AS (UPDATE conversations SET opted_out = true, opted_at = kit_now() WHERE id = ("
        "SELECT min(id::text)::uuid FROM conversations) RETURNING 1) SELECT count(*) FROM u"
    )
    await act(house, made["id"], "start")
    async with broadcasting(house):
        done = await until(house, made["id"], "completed")
    assert (done["counts"]["sent"], done["counts"]["skipped"]) == (2, 1)
    (skipped,) = await recipients(house, made["id"], "&state=skipped")
    assert (skipped["code"], skipped["sort"]) == ("contact-opted-out", "consent")
    assert skipped["meaning"]
    (reason,) = (await house.get(f"{PATH}/{made['id']}/reasons"))["items"]
    assert (reason["code"], reason["recipients"]) == ("contact-opted-out", 1)


async def test_a_paused_template_pauses_the_broadcast_and_nobody_is_lost(house: House) -> None:
    made, theirs = await ready(house, 3)
    await tell(house, theirs, event="PAUSED", other_info={"title": "FIRST_PAUSE", "description": ""})
    await house.reduce()
    refused = await house.ask("POST", f"{PATH}/{made['id']}/start")
    assert (refused.status_code, refused.json()["type"].split(":")[-1]) == (409, "template-not-sendable")
    await house.forward(5)
    await tell(house, theirs, event="APPROVED")
    await house.reduce()
    await act(house, made["id"], "start")
    await house.forward(5)
    await tell(house, theirs, event="PAUSED", other_info={"title": "FIRST_PAUSE", "description": ""})
    await house.reduce()
    async with broadcasting(house):
        paused = await until(house, made["id"], "paused")
        assert paused["reason"] == "template:paused"
        assert await sent(house) == []
        await house.forward(5)
        await tell(house, theirs, event="APPROVED")

        async def resumes() -> bool:
            answer = await house.ask("POST", f"{PATH}/{made['id']}/resume")
            return answer.status_code == 200

        await eventually(resumes, within=20)
        done = await until(house, made["id"], "completed")
    assert done["counts"]["sent"] == 3


async def test_named_contacts_and_a_label_are_audiences_too(house: House) -> None:
    ours, _ = await approved(house)
    await many(house, 4)
    channel = (await house.get("/v1/channels"))["items"][0]
    contacts = [each["id"] for each in (await house.get("/v1/contacts"))["items"]]
    some = await write(house, channel["id"], ours["id"], audience={"contact_ids": [*contacts[:2], contacts[0]]})
    assert (some["prepared"], some["counts"]["waiting"]) == (True, 2)
    nobody = {"contact_ids": [str(new_id())]}
    body: dict[str, Any] = {"name": "X", "channel_id": channel["id"], "messages": [message(ours["id"])]}
    refused = await house.ask("POST", PATH, json={**body, "audience": nobody})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "#/audience/contact_ids"
    label = (await house.ask("POST", "/v1/labels", json={"name": "VIP", "colour": "#00ff00"})).json()
    worn = {"contact_ids": contacts[1:3], "add": [label["id"]]}
    assert (await house.ask("POST", "/v1/labels/apply", json=worn)).status_code < 300
    labelled = await write(house, channel["id"], ours["id"], audience={"label_id": label["id"]})
    await prepared(house, labelled["id"])
    assert (await read(house, labelled["id"]))["counts"]["waiting"] == 2


async def test_of_another_organization_nothing_is_seen(house: House) -> None:
    made, _ = await ready(house, 1)
    other = new_id()
    for path in ("", "/recipients", "/reasons"):
        answer = await house.ask("GET", f"{PATH}/{made['id']}{path}", by=other)
        assert answer.status_code == 404, answer.text
    assert (await house.get(PATH, by=other))["items"] == []
    assert (await house.ask("POST", f"{PATH}/{made['id']}/start", role="agent")).status_code == 403


async def test_the_same_request_twice_is_one_broadcast(house: House) -> None:
    ours, _ = await approved(house)
    await many(house, 1)
    channel = (await house.get("/v1/channels"))["items"][0]
    body = {
        "name": "Once",
        "channel_id": channel["id"],
        "audience": {"everyone": True},
        "messages": [message(ours["id"])],
    }
    headers = {**house.headers(), "idempotency-key": "k"}
    answers = [await house.client.post(PATH, json=body, headers=headers) for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]


async def test_an_answer_flows_into_the_inbox_behind_what_was_sent(house: House) -> None:
    made, _ = await ready(house, 2)
    await act(house, made["id"], "start")
    async with broadcasting(house):
        await until(house, made["id"], "completed")
    await house.forward(2)  # platforms tell seconds: what they wrote first and the answer are not of the same one
    await house.say("Yes please", person="16505550001", name="Person 16505550001")
    await house.reduce()
    talks = (await house.get("/v1/conversations"))["items"]
    (talk,) = [each for each in talks if each["last_message"]["excerpt"] == "Yes please"]
    shown = await house.messages(talk["id"])
    assert [each["text"] for each in shown][-2:] == [
        "Hello Person, your order 77 is on its way to you.",
        "Yes please",
    ]
    now = await read(house, made["id"])
    assert now["counts"]["replied"] == 1
    other = next(each for each in talks if each["id"] != talk["id"])
    assert [each["text"] for each in await house.messages(other["id"])] == ["Hello"]


async def test_reports_raise_and_never_lower(house: House) -> None:
    made, _ = await ready(house, 1)
    await act(house, made["id"], "start")
    async with broadcasting(house):
        await until(house, made["id"], "completed")
    (one,) = await recipients(house, made["id"])
    (left,) = await sent(house)
    for status in ("read", "delivered", "sent", "read"):
        await house.report(left["id"], status, ours=one["id"])
    await house.reduce()
    counts = (await read(house, made["id"]))["counts"]
    assert (counts["sent"], counts["delivered"], counts["read"], counts["failed"]) == (1, 1, 1, 0)
    (after,) = await recipients(house, made["id"])
    assert after["state"] == "read"


async def test_marketing_needs_that_it_was_granted_up_to_the_last_moment(house: House) -> None:
    ours, theirs = await approved(house)
    await at_whatsapp_too(house, theirs)
    await many(house, 3)
    channel = (await house.get("/v1/channels"))["items"][0]
    contacts = [each["id"] for each in (await house.get("/v1/contacts"))["items"]]
    for each in contacts[:2]:
        wish = {"channel_kinds": ["whatsapp"], "purposes": ["marketing"], "state": "granted"}
        await consent(house, each, wish)
    made = await write(house, channel["id"], ours["id"], audience={"contact_ids": contacts}, purpose="marketing")
    await act(house, made["id"], "start")
    assert (await house.ask("PUT", f"/v1/contacts/{contacts[1]}/block")).status_code < 300
    async with broadcasting(house):
        done = await until(house, made["id"], "completed")
    assert (done["counts"]["sent"], done["counts"]["skipped"]) == (1, 2)
    codes = {each["code"] for each in await recipients(house, made["id"], "&sort=consent")}
    assert codes == {"contact-blocked", "consent-missing"}


async def test_an_answer_that_was_lost_is_settled_by_its_report_or_ends_unconfirmed(house: House) -> None:
    made, _ = await ready(house, 2)
    lost = {"kind": "drop_after_effect", "match": {"method": "POST", "path": MESSAGES}}
    await house.faults(lost)
    await act(house, made["id"], "start")
    async with broadcasting(house):

        async def unknown() -> bool:
            return bool((await read(house, made["id"]))["counts"]["unknown"] == 2)

        await eventually(unknown, within=60)
        left = await sent(house)
        ours = left[0]["body"]["biz_opaque_callback_data"]
        await house.report(left[0]["id"], "delivered", ours=ours)

        async def one_is_known() -> bool:
            return bool((await read(house, made["id"]))["counts"]["delivered"] == 1)

        await eventually(one_is_known, within=60)
        await house.forward(3700)
        done = await until(house, made["id"], "completed")
    assert (done["counts"]["delivered"], done["counts"]["unconfirmed"]) == (1, 1)
    assert len(await sent(house)) == 2, "what nobody knows is never repeated"


async def test_a_number_that_is_told_to_slow_down_does_and_recovers_by_itself(house: House) -> None:
    made, _ = await ready(house, 12)
    await house.faults(
        {
            "kind": "refuse_before_effect",
            "match": {"method": "POST", "path": MESSAGES},
            "status": 429,
            "body": {"error": {"message": "Rate limit hit", "type": "OAuthException", "code": 130429}},
            "times": 2,
        }
    )
    await act(house, made["id"], "start")
    async with broadcasting(house):
        done = await until(house, made["id"], "completed")
    assert done["counts"]["sent"] == 12
    (slow,) = await house.rows("SELECT brake, brake_code FROM channels")
    assert (round(slow["brake"], 2), slow["brake_code"]) == (0.7, "130429")
    (lane,) = await house.rows("SELECT rate FROM ledger_lanes WHERE key LIKE 'whatsapp:%'")
    assert round(lane["rate"]) == 56
    await house.forward(11)
    await house.parts.braking.ease()
    (eased,) = await house.rows("SELECT brake, brake_code FROM channels")
    assert (eased["brake"], eased["brake_code"]) == (1.0, "")
    (lane,) = await house.rows("SELECT rate FROM ledger_lanes WHERE key LIKE 'whatsapp:%'")
    assert lane["rate"] == 80


async def test_no_more_people_are_written_to_first_than_the_tier_allows_in_a_day(house: House) -> None:
    made, _ = await ready(house, 5)
    await house.forward(90_000)  # nobody's window is open any more
    await house.count("WITH u AS (UPDATE channels SET daily_limit = 3 RETURNING 1) SELECT count(*) FROM u")
    await act(house, made["id"], "start")
    async with broadcasting(house):

        async def waits() -> bool:
            now = await read(house, made["id"])
            return bool(now["waits_for"] == "tier" and now["counts"]["sent"] == 3)

        await eventually(waits, within=60)
        await house.forward(86_500)
        done = await until(house, made["id"], "completed")
    assert done["counts"]["sent"] == 5


async def test_in_quiet_hours_where_they_are_nobody_is_written_to(house: House) -> None:
    noon = {"begins": "00:00:00", "ends": "23:59:59"}
    made, _ = await ready(house, 2, quiet_hours=noon)
    await act(house, made["id"], "start")
    async with broadcasting(house):

        async def rests() -> bool:
            return bool((await read(house, made["id"]))["waits_for"] == "quiet_hours")

        await eventually(rests, within=60)
    assert await sent(house) == []
    due = {each["due_at"] for each in await recipients(house, made["id"])}
    assert None not in due

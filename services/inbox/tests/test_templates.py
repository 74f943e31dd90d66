"""Templates: written, judged beforehand, submitted, told of, read from the platform's list, deleted."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from contracts.inbox import TemplateChanged
from kit.ids import new_id
from kit.testing.programs import eventually

from .house import ACCOUNT, HOOK, House, signed
from .test_replies import LOST

PATH = "/v1/message-templates"
BODY = {
    "type": "BODY",
    "text": "Hello {{1}}, your order {{2}} is on its way to you.",
    "example": {"body_text": [["Anna", "55"]]},
}
SENT = {"method": "POST", "path": f"/whatsapp/graph/v23.0/{ACCOUNT}"}


def design(**more: Any) -> dict[str, Any]:
    return {"name": "on_its_way", "language": "en_US", "category": "UTILITY", "components": [BODY], **more}


async def create(house: House, channel_id: str, **more: Any) -> dict[str, Any]:
    answer = await house.ask("POST", PATH, json={"channel_id": channel_id, **design(**more)})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def read(house: House, template_id: str) -> dict[str, Any]:
    found: dict[str, Any] = await house.get(f"{PATH}/{template_id}")
    return found


async def review(house: House, **how: Any) -> None:
    answer = await house.sandbox.put("/whatsapp/control/review", json=how)
    assert answer.status_code == 200, answer.text


async def at_whatsapp(house: House) -> dict[str, dict[str, Any]]:
    """The account's templates there, by name."""
    answer = await house.sandbox.get("/whatsapp/control/templates", params={"waba_id": ACCOUNT})
    return {each["name"]: each for each in answer.json()}


async def tell(
    house: House,
    template: Mapping[str, Any],
    field: str = "message_template_status_update",
    *,
    seconds_later: int = 0,
    **value: Any,
) -> None:
    """WhatsApp tells something of a template."""
    named = {"message_template_id": int(template["id"]), "message_template_name": template["name"]}
    named |= {"message_template_language": template["language"]}
    await timed(house, {"field": field, "value": {**named, "reason": "NONE", **value}}, house.now() + seconds_later)


async def submitted(house: House, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A template in review: ours, and WhatsApp's."""
    channel = await house.connected()
    made = await create(house, channel["id"], submit=True, **more)
    await house.work()
    return await read(house, made["id"]), (await at_whatsapp(house))["on_its_way"]


async def approved(house: House) -> tuple[dict[str, Any], dict[str, Any]]:
    ours, theirs = await submitted(house)
    await tell(house, theirs, event="APPROVED")
    await house.reduce()
    return await read(house, ours["id"]), theirs


async def test_a_draft_tells_what_would_be_refused_and_is_submitted_only_without(house: House) -> None:
    channel = await house.connected()
    bad = {"type": "BODY", "text": "{{1}} is here"}
    made = await create(house, channel["id"], components=[bad, {"type": "FOOTER", "text": "x" * 61}])
    assert made["status"] == "draft"
    assert {each["component"] for each in made["breaches"]} == {"BODY", "FOOTER"}
    refused = await house.ask("POST", f"{PATH}/{made['id']}/submit")
    assert refused.status_code == 422
    assert refused.json()["type"].endswith(":template-breaks-rules")
    pointers = {each["pointer"] for each in refused.json()["errors"]}
    assert {"#/components/0/text", "#/components/0/example/body_text", "#/components/1/text"} <= pointers
    written = await house.ask(
        "PUT",
        f"{PATH}/{made['id']}/draft",
        json={"category": "UTILITY", "components": [BODY]},
        headers={"if-match": f'"{made["version"]}"'},
    )
    assert written.status_code in (200, 412), written.text
    if written.status_code == 412:  # the tag names the organization, too
        tag = (await house.ask("GET", f"{PATH}/{made['id']}")).headers["etag"]
        written = await house.ask(
            "PUT",
            f"{PATH}/{made['id']}/draft",
            json={"category": "UTILITY", "components": [BODY]},
            headers={"if-match": tag},
        )
    assert written.status_code == 200, written.text
    assert written.json()["breaches"] == []
    assert (await house.ask("POST", f"{PATH}/{made['id']}/submit")).status_code == 202
    await house.work()
    assert (await read(house, made["id"]))["status"] == "pending"
    assert (await at_whatsapp(house))["on_its_way"]["components"][0]["text"] == BODY["text"]


async def test_the_same_request_twice_is_one_template_and_one_of_the_same_name_is_refused(house: House) -> None:
    channel = await house.connected()
    body = {"channel_id": channel["id"], **design()}
    headers = {**house.headers(), "idempotency-key": "one-template-please"}
    answers = [await house.client.post(PATH, json=body, headers=headers) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    again = await house.ask("POST", PATH, json=body)
    assert (again.status_code, again.json()["type"].split(":")[-1]) == (409, "template-exists")


async def test_an_approval_makes_it_sendable_and_twice_told_changes_nothing(house: House) -> None:
    ours, theirs = await submitted(house)
    assert (ours["status"], ours["sendable"]) == ("pending", False)
    for seconds_later in (0, 0, 1):
        await tell(house, theirs, seconds_later=seconds_later, event="APPROVED")
    await house.reduce()
    shown = await read(house, ours["id"])
    assert (shown["status"], shown["sendable"], shown["approved_number"]) == ("approved", True, 1)
    told = [each.status for each in await house.told() if isinstance(each, TemplateChanged)]
    assert told[-1] == "approved"
    assert told.count("approved") == 1
    (version,) = (await house.get(f"{PATH}/{ours['id']}/versions"))["items"]
    assert version["state"] == "approved"


async def test_a_rejection_says_why_in_plain_words_and_the_next_version_may_be_approved(house: House) -> None:
    ours, theirs = await submitted(house)
    await tell(house, theirs, event="REJECTED", reason="INCORRECT_CATEGORY")
    await house.reduce()
    shown = await read(house, ours["id"])
    assert (shown["status"], shown["reason_code"]) == ("rejected", "INCORRECT_CATEGORY")
    assert "category" in shown["reason"]
    await house.sandbox.post(f"/whatsapp/control/templates/{theirs['id']}/decide", json={"event": "REJECTED"})
    tag = (await house.ask("GET", f"{PATH}/{ours['id']}")).headers["etag"]
    other = {**BODY, "text": "Good day {{1}}, order {{2}} left our bakery this morning."}
    written = await house.ask(
        "PUT",
        f"{PATH}/{ours['id']}/draft",
        json={"category": "MARKETING", "components": [other]},
        headers={"if-match": tag},
    )
    assert written.status_code == 200, written.text
    assert (await house.ask("POST", f"{PATH}/{ours['id']}/submit")).status_code == 202
    await house.work()
    assert (await at_whatsapp(house))["on_its_way"]["components"][0]["text"] == other["text"]
    await house.forward(5)
    await tell(house, theirs, event="APPROVED", message_template_category="MARKETING")
    await house.reduce()
    shown = await read(house, ours["id"])
    assert (shown["status"], shown["approved_number"], shown["category"]) == ("approved", 2, "MARKETING")
    assert shown["components"][0]["text"] == other["text"]
    states = [each["state"] for each in (await house.get(f"{PATH}/{ours['id']}/versions"))["items"]]
    assert states == ["approved", "rejected"]


async def test_a_submission_that_nobody_answered_is_looked_for_by_its_name_and_is_there_once(house: House) -> None:
    channel = await house.connected()
    await house.faults({**LOST, "match": SENT, "times": 1})
    made = await create(house, channel["id"], submit=True)
    async with house.working():

        async def unknown() -> bool:
            return bool(await house.count("SELECT count(*) FROM ledger_entries WHERE status = 'unknown'"))

        await eventually(unknown, within=60)
        assert (await read(house, made["id"]))["status"] == "submitting"
        await house.forward(60)

        async def pending() -> bool:
            return bool((await read(house, made["id"]))["status"] == "pending")

        await eventually(pending, within=60)
    assert list(await at_whatsapp(house)).count("on_its_way") == 1


async def test_one_that_never_arrived_is_submitted_again_after_it_was_looked_for(house: House) -> None:
    channel = await house.connected()
    await house.faults({"kind": "refuse_before_effect", "status": 500, "match": SENT, "times": 1})
    made = await create(house, channel["id"], submit=True)
    async with house.working():

        async def pending() -> bool:
            await house.forward(40)
            return bool((await read(house, made["id"]))["status"] == "pending")

        await eventually(pending, within=60)
    assert "on_its_way" in await at_whatsapp(house)


async def test_what_whatsapp_refuses_stays_a_draft_with_the_reason(house: House) -> None:
    channel = await house.connected()
    made = await create(house, channel["id"], name="hello_world", submit=True)
    await house.work()
    shown = await read(house, made["id"])
    assert (shown["status"], shown["reason_code"]) == ("draft", "100/2388024")
    assert "in this language" in shown["reason"]
    assert (await house.ask("POST", f"{PATH}/{made['id']}/submit")).status_code == 202
    await house.work()
    assert (await read(house, made["id"]))["status"] == "draft"


async def test_what_was_kept_because_nobody_understood_it_is_applied_when_replayed(house: House) -> None:
    """A word on a template of an account that was not connected yet."""
    await tell(house, {"id": "300000000000001", "name": "hello_world", "language": "en_US"}, event="PAUSED")
    await house.reduce()
    channel = await house.connected()
    assert await sync(house, channel["id"])
    await house.replay()
    await house.reduce()
    (found,) = (await house.get(f"{PATH}?name=hello_world"))["items"]
    assert found["status"] == "paused"


async def sync(house: House, channel_id: str) -> dict[str, Any]:
    begun = await house.ask("POST", f"{PATH}/syncs", json={"channel_id": channel_id})
    assert begun.status_code == 202, begun.text
    await house.work()
    done: dict[str, Any] = await house.get(f"{PATH}/syncs/{begun.json()['id']}")
    return done


async def test_a_list_of_many_pages_is_read_whole_and_what_is_gone_is_marked(house: House) -> None:
    channel = await house.connected()
    for number in range(230):
        told = {"name": f"made_{number:03}", "components": [{"type": "BODY", "text": f"Number {number}."}]}
        await house.sandbox.post("/whatsapp/control/templates", json={**told, "waba_id": ACCOUNT})
    done = await sync(house, channel["id"])
    assert (done["state"], done["pages"], done["seen"], done["gone"]) == ("done", 3, 232, 0)
    assert await house.count("SELECT count(*) FROM message_templates WHERE status = 'approved'") == 232
    theirs = await at_whatsapp(house)
    await house.sandbox.delete(
        f"/whatsapp/graph/v23.0/{ACCOUNT}/message_templates?name=made_007",
        headers={"authorization": "Bearer sandbox-whatsapp-token"},
    )
    await house.sandbox.post(
        "/whatsapp/control/templates",
        json={**theirs["made_008"], "components": [{"type": "BODY", "text": "Something else."}]},
    )
    done = await sync(house, channel["id"])
    assert (done["seen"], done["gone"]) == (231, 1)
    assert (await house.get(f"{PATH}?name=made_007"))["items"] == []
    (gone,) = (await house.get(f"{PATH}?name=made_007&status=deleted"))["items"]
    assert not gone["sendable"]
    (other,) = (await house.get(f"{PATH}?name=made_008"))["items"]
    assert (other["components"][0]["text"], other["approved_number"]) == ("Something else.", 2)
    first = await house.get(f"{PATH}?limit=100")
    second = await house.get(f"{PATH}?limit=100&cursor={first['next_cursor']}")
    names = [each["name"] for each in (*first["items"], *second["items"])]
    assert names == sorted(names)
    assert len(set(names)) == 200


async def test_a_reading_that_breaks_off_goes_on_where_it_was(house: House) -> None:
    channel = await house.connected()
    for number in range(150):
        await house.sandbox.post("/whatsapp/control/templates", json={"name": f"made_{number:03}"})
    await house.faults({"kind": "drop_after_effect", "match": {"method": "GET"}, "times": 1})
    begun = (await house.ask("POST", f"{PATH}/syncs", json={"channel_id": channel["id"]})).json()
    same = (await house.ask("POST", f"{PATH}/syncs", json={"channel_id": channel["id"]})).json()
    assert same["id"] == begun["id"]
    async with house.working():

        async def done() -> bool:
            await house.forward(30)
            return bool((await house.get(f"{PATH}/syncs/{begun['id']}"))["state"] == "done")

        await eventually(done, within=60)
    assert (await house.get(f"{PATH}/syncs/{begun['id']}"))["seen"] == 152


async def test_an_older_word_after_a_newer_one_changes_nothing(house: House) -> None:
    ours, theirs = await approved(house)
    now = house.now()
    named = {"message_template_id": int(theirs["id"]), "message_template_name": "on_its_way"}
    named |= {"message_template_language": "en_US", "reason": "NONE"}
    for event, at in (("PAUSED", now + 20), ("APPROVED", now + 10)):
        change = {"field": "message_template_status_update", "value": {**named, "event": event}}
        await timed(house, change, at)
    await house.reduce()
    assert (await read(house, ours["id"]))["status"] == "paused"
    await timed(house, {"field": "message_template_status_update", "value": {**named, "event": "APPROVED"}}, now + 30)
    await house.reduce()
    assert (await read(house, ours["id"]))["status"] == "approved"


async def timed(house: House, change: Mapping[str, Any], at: int) -> None:
    """A change of the account that WhatsApp tells as of this time."""
    entry = {"id": ACCOUNT, "time": at, "changes": [change]}
    body = orjson.dumps({"object": "whatsapp_business_account", "entry": [entry]})
    assert (await house.client.post(HOOK, content=body, headers=signed(body))).status_code == 200


async def test_quality_and_category_follow_what_whatsapp_tells(house: House) -> None:
    ours, theirs = await approved(house)
    await tell(house, theirs, "message_template_quality_update", new_quality_score="YELLOW")
    await tell(
        house,
        theirs,
        "template_category_update",
        correct_category="MARKETING",
        new_category="UTILITY",
        category_update_timestamp=house.now() + 86_400,
    )
    await house.reduce()
    shown = await read(house, ours["id"])
    assert (shown["quality"], shown["category"], shown["next_category"]) == ("YELLOW", "UTILITY", "MARKETING")
    await tell(house, theirs, "template_category_update", previous_category="UTILITY", new_category="MARKETING")
    await house.reduce()
    shown = await read(house, ours["id"])
    assert (shown["category"], shown["next_category"], shown["next_category_at"]) == ("MARKETING", "", None)


async def test_a_word_on_a_template_made_elsewhere_has_the_list_read(house: House) -> None:
    await house.connected()
    theirs = (await at_whatsapp(house))["order_update"]
    await tell(house, theirs, event="APPROVED")
    await house.work()
    (found,) = (await house.get(f"{PATH}?name=order_update"))["items"]
    assert (found["status"], found["variables"]) == ("approved", ["1", "2"])


async def test_a_deleted_one_is_gone_there_and_cannot_be_sent(house: House) -> None:
    ours, _ = await approved(house)
    for _ in range(2):
        assert (await house.ask("DELETE", f"{PATH}/{ours['id']}")).status_code == 202
    await house.work()
    assert (await read(house, ours["id"]))["status"] == "deleted"
    assert "on_its_way" not in await at_whatsapp(house)
    audited = [each.action for each in await house.audited() if ".template." in each.action]
    assert audited == ["inbox.template.submitted", "inbox.template.deleted"]


async def test_no_more_than_one_change_a_day_of_what_is_approved(house: House) -> None:
    ours, theirs = await approved(house)
    await house.sandbox.post(f"/whatsapp/control/templates/{theirs['id']}/decide", json={"event": "APPROVED"})
    for number, expected in ((1, 202), (2, 409)):
        tag = (await house.ask("GET", f"{PATH}/{ours['id']}")).headers["etag"]
        body = {**BODY, "text": f"Hello {{{{1}}}}, your order {{{{2}}}} has left for the {number}. time."}
        written = await house.ask(
            "PUT",
            f"{PATH}/{ours['id']}/draft",
            json={"category": "UTILITY", "components": [body]},
            headers={"if-match": tag},
        )
        assert written.status_code == 200, written.text
        answer = await house.ask("POST", f"{PATH}/{ours['id']}/submit")
        assert answer.status_code == expected, answer.text
        if expected == 202:
            await house.work()
            await house.forward(10)
            await tell(house, theirs, event="APPROVED")
            await house.reduce()
        else:
            assert answer.json()["allowed"] == 1
            assert answer.json()["again_at"]


async def test_a_preview_shows_samples_and_what_is_given(house: House) -> None:
    channel = await house.connected()
    made = await create(house, channel["id"], fallbacks={"2": "of yours"})
    shown = (await house.ask("POST", f"{PATH}/{made['id']}/preview", json={})).json()
    assert shown["text"] == "Hello Anna, your order 55 is on its way to you."
    shown = (
        await house.ask("POST", f"{PATH}/{made['id']}/preview", json={"variables": {"1": "Ben", "2": ""}})
    ).json()
    assert shown["text"] == "Hello Ben, your order of yours is on its way to you."
    wrong = await house.ask("POST", f"{PATH}/{made['id']}/preview", json={"variables": {"3": "x"}})
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["pointer"] == "#/template/variables/3"


async def test_templates_of_one_organization_are_nothing_to_another(house: House) -> None:
    ours, theirs = await approved(house)
    other, number, account = new_id(), "100000000000002", "200000000000002"
    await house.number(number, account)
    channel = (await house.connect(number, account=account, by=other)).json()
    assert (await house.ask("GET", f"{PATH}/{ours['id']}", by=other)).status_code == 404
    assert (await house.ask("DELETE", f"{PATH}/{ours['id']}", by=other)).status_code == 404
    assert (await house.get(PATH, by=other))["items"] == []
    body = {"channel_id": channel["id"], **design()}
    assert (await house.ask("POST", PATH, json=body, by=other)).status_code == 201
    foreign = await house.ask(
        "POST", PATH, json={**body, "channel_id": (await house.get("/v1/channels"))["items"][0]["id"]}, by=other
    )
    assert foreign.status_code == 404
    await house.hook(
        {
            "field": "message_template_status_update",
            "value": {
                "event": "DISABLED",
                "message_template_id": int(theirs["id"]),
                "message_template_name": "on_its_way",
                "message_template_language": "en_US",
                "reason": "NONE",
            },
        },
        account=account,
    )
    await house.reduce()
    assert (await read(house, ours["id"]))["status"] == "approved"


@pytest.mark.parametrize("role", ["agent"])
async def test_an_agent_reads_templates_and_writes_none(house: House, role: str) -> None:
    channel = await house.connected()
    made = await create(house, channel["id"])
    assert (await house.ask("GET", f"{PATH}/{made['id']}", role=role)).status_code == 200
    body = {"channel_id": channel["id"], **design(name="another")}
    assert (await house.ask("POST", PATH, json=body, role=role)).status_code == 403
    assert (await house.ask("POST", f"{PATH}/{made['id']}/submit", role=role)).status_code == 403

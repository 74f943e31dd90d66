"""Messages made of templates: filled in, checked against what was approved, stopped when the template is."""

from typing import Any

import pytest

from kit.ids import new_id

from .house import House
from .test_templates import BODY, approved, at_whatsapp, create, tell

BY_NAME = {"name": "on_its_way", "language": "en_US"}


async def conversation(house: House) -> str:
    await house.person()
    await house.say()
    await house.reduce()
    return str((await house.conversation())["id"])


async def write(house: House, talk: str, template: dict[str, Any], **more: Any) -> Any:
    body = {"type": "template", "template": template, **more}
    return await house.ask("POST", f"/v1/conversations/{talk}/messages", json=body)


async def decide(house: House, theirs: dict[str, Any], **decision: Any) -> None:
    answer = await house.sandbox.post(f"/whatsapp/control/templates/{theirs['id']}/decide", json=decision)
    assert answer.status_code == 200, answer.text


async def test_by_its_id_with_values_and_what_the_conversation_knows(house: House) -> None:
    ours, theirs = await approved(house)
    await decide(house, theirs, event="APPROVED")
    talk = await conversation(house)
    values = {"1": "{{contact.first_name|there}}", "2": {"type": "text", "text": "77"}}
    answer = await write(house, talk, {"id": ours["id"], "variables": values})
    assert answer.status_code == 202, answer.text
    assert answer.json()["text"] == "Hello Sheena, your order 77 is on its way to you."
    await house.work()
    (left,) = await house.left()
    assert left["body"]["template"]["name"] == "on_its_way"
    assert left["body"]["template"]["components"] == [
        {"type": "body", "parameters": [{"type": "text", "text": "Sheena"}, {"type": "text", "text": "77"}]}
    ]
    assert left["text"] == answer.json()["text"]


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"1": "Anna"}, "#/template/variables/2"),
        ({"1": "Anna", "2": ""}, "#/template/variables/2"),
        ({"1": "Anna", "2": "5", "3": "6"}, "#/template/variables/3"),
        ({"1": "Anna\nBen", "2": "5"}, "#/template/variables/1"),
        ({"1": "{{contact.email}}", "2": "5"}, "#/template/variables/1"),
        ({"1": "{{contact.shoe_size}}", "2": "5"}, "#/template/variables/1"),
    ],
)
async def test_values_that_do_not_fit_are_named_before_anything_is_sent(
    house: House, values: dict[str, Any], pointer: str
) -> None:
    ours, _ = await approved(house)
    talk = await conversation(house)
    answer = await write(house, talk, {"id": ours["id"], "variables": values})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_outside_the_window_the_refusal_offers_what_may_be_sent(house: House) -> None:
    ours, _ = await approved(house)
    talk = await conversation(house)
    await house.forward(90_000)
    refused = await house.reply(talk)
    assert (refused.status_code, refused.json()["type"].split(":")[-1]) == (409, "window-closed")
    (offer,) = refused.json()["templates"]
    assert (offer["id"], offer["variables"]) == (ours["id"], ["1", "2"])
    assert "order {{2}}" in offer["text"]
    answer = await write(house, talk, {"id": offer["id"], "variables": {"1": "Anna", "2": "5"}})
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("template", ["id", "name"])
async def test_one_that_is_paused_stops_at_once_also_what_waits(house: House, template: str) -> None:
    ours, theirs = await approved(house)
    await decide(house, theirs, event="APPROVED")
    talk = await conversation(house)
    components = [{"type": "body", "parameters": [{"type": "text", "text": "A"}, {"type": "text", "text": "5"}]}]
    asked = {"id": ours["id"], "variables": {"1": "A", "2": "5"}}
    if template == "name":
        asked = {**BY_NAME, "components": components}
    waits = (await write(house, talk, asked)).json()
    await tell(house, theirs, event="PAUSED", other_info={"title": "FIRST_PAUSE", "description": ""})
    await house.reduce()
    refused = await write(house, talk, asked)
    assert (refused.status_code, refused.json()["type"].split(":")[-1]) == (409, "template-not-sendable")
    assert refused.json()["template_status"] == "paused"
    await house.work()
    shown = await house.message(waits["id"])
    assert (shown["status"], shown["failure_code"], shown["failure_sort"]) == (
        "failed",
        "template-paused",
        "stop_sender",
    )
    assert "3 hours" in shown["failure_reason"]
    assert await house.left() == []
    await tell(house, theirs, event="APPROVED", other_info={"title": "UNPAUSE", "description": ""})
    await house.reduce()
    assert (await write(house, talk, asked)).status_code == 202


async def test_fallbacks_stand_in_for_what_is_not_given(house: House) -> None:
    channel = await house.connected()
    made = await create(house, channel["id"], fallbacks={"1": "there", "2": "of yours"}, submit=True)
    await house.work()
    theirs = (await at_whatsapp(house))["on_its_way"]
    await tell(house, theirs, event="APPROVED")
    await house.reduce()
    talk = await conversation(house)
    answer = await write(house, talk, {"id": made["id"], "variables": {"1": ""}})
    assert answer.json()["text"] == "Hello there, your order of yours is on its way to you."


async def test_a_template_of_another_organization_is_none(house: House) -> None:
    ours, _ = await approved(house)
    other, number, account = new_id(), "100000000000002", "200000000000002"
    await house.number(number, account)
    await house.connect(number, account=account, by=other)
    await house.say(number=number)
    await house.reduce()
    talk = (await house.conversation(by=other))["id"]
    body = {"type": "template", "template": {"id": ours["id"], "variables": {"1": "A", "2": "5"}}}
    answer = await house.ask("POST", f"/v1/conversations/{talk}/messages", json=body, by=other)
    assert (answer.status_code, answer.json()["type"].split(":")[-1]) == (404, "template-not-found")


def test_the_body_of_these_tests_has_two_variables() -> None:
    assert str(BODY["text"]).count("{{") == 2

"""Every kind of message that WhatsApp knows, in and out."""

from typing import Any

import pytest

from .house import House, value, wamid

PERSON = "16505551234"


async def shown(house: House) -> list[dict[str, Any]]:
    return await house.messages((await house.conversation())["id"])


@pytest.mark.parametrize(
    ("message", "kind", "text"),
    [
        (
            {
                "type": "contacts",
                "contacts": [{"name": {"formatted_name": "Ann"}}, {"name": {"formatted_name": "Bo"}}],
            },
            "contacts",
            "[contacts]",
        ),
        (
            {
                "type": "interactive",
                "interactive": {"type": "nfm_reply", "nfm_reply": {"body": "Sent", "name": "flow"}},
            },
            "interactive",
            "Sent",
        ),
        ({"type": "poll", "poll_creation": {"name": "Tea?"}, "future": 1}, "poll", "[poll]"),
        ({"type": "unsupported", "errors": [{"code": 131051}]}, "unsupported", "[unsupported]"),
        ({"type": "text", "text": {"body": "Hi", "effect": "confetti"}, "new_field": {"a": [1]}}, "text", "Hi"),
        ({"type": "order", "order": {"catalog_id": "1", "product_items": [{"quantity": 2}]}}, "order", "[order]"),
    ],
)
async def test_nothing_that_was_told_is_lost(house: House, message: dict[str, Any], kind: str, text: str) -> None:
    await house.connected()
    told = {"from": PERSON, "id": wamid(), "timestamp": str(house.now()), **message}
    await house.hook(value(messages=[told]))
    await house.reduce()
    (found,) = await shown(house)
    assert (found["type"], found["text"]) == (kind, text)
    kept = str(found["detail"])
    for name in ("poll_creation", "Tea?", "confetti", "new_field", "131051", "product_items", "nfm_reply"):
        assert (name in str(message)) is (name in kept), (name, kept)
    assert PERSON not in kept


async def test_calls_stand_in_the_conversation_in_any_order_and_once(house: House) -> None:
    await house.connected()
    call = {"id": "wacid.1", "from": PERSON, "to": "15550001", "direction": "USER_INITIATED"}
    began = {**call, "event": "connect", "timestamp": str(house.now()), "session": {"sdp": "secret"}}
    ended = {**call, "event": "terminate", "timestamp": str(house.now() + 9), "status": "COMPLETED", "duration": 9}
    for told in (ended, began, ended):
        await house.hook(value(contacts=[{"wa_id": PERSON}], calls=[told]) | {"field": "calls"})
    await house.reduce(workers=2)
    found = await shown(house)
    assert [(each["type"], each["text"]) for each in found] == [
        ("call", "[call connect]"),
        ("call", "[call completed]"),
    ]
    assert found[1]["detail"]["call"]["duration"] == 9
    assert "secret" not in str(found)
    conversation = await house.conversation()
    assert (conversation["unread_count"], conversation["window_open_until"] is not None) == (1, True)


async def test_what_was_written_on_the_telephone_beside_us_stands_in_the_conversation(house: House) -> None:
    await house.open_conversation()
    before = await house.conversation()
    echo = {
        "from": "15550001",
        "to": PERSON,
        "timestamp": str(house.now()),
        "type": "text",
        "text": {"body": "By hand"},
    }
    first = echo | {"id": wamid()}
    revoke = {**echo, "id": wamid(), "type": "revoke", "revoke": {"original_message_id": first["id"]}}
    for told in (revoke, first, first):
        await house.hook(value(message_echoes=[told]) | {"field": "smb_message_echoes"})
    await house.reduce()
    after = await house.conversation()
    assert (after["unread_count"], after["window_open_until"]) == (1, before["window_open_until"])
    (_, ours) = await shown(house)
    assert (ours["direction"], ours["status"], ours["withdrawn"], ours["author_id"]) == ("out", "sent", True, None)


BUTTONS = {"type": "buttons", "body": "Tea?", "buttons": [{"id": "y", "title": "Yes"}, {"id": "n", "title": "No"}]}
CHOICE = {
    "type": "list",
    "body": "Which?",
    "label": "Teas",
    "footer": "all fresh",
    "sections": [{"title": "Green", "rows": [{"id": "s", "title": "Sencha", "description": "first"}]}],
}
LINK = {"type": "link", "body": "Look", "header": "New", "link": {"label": "Open", "url": "https://example.com/a"}}


@pytest.mark.parametrize(
    "sent",
    [
        {"type": "location", "location": {"latitude": 52.5, "longitude": 13.4, "name": "Office"}},
        {"type": "contacts", "contacts": [{"name": {"formatted_name": "Ann"}, "phones": [{"phone": "+1650"}]}]},
        {"type": "sticker", "media": {"link": "https://example.com/a.webp"}},
        {"type": "interactive", "interactive": BUTTONS},
        {"type": "interactive", "interactive": CHOICE},
        {"type": "interactive", "interactive": LINK},
    ],
)
async def test_every_kind_leaves_as_the_platform_wants_it(house: House, sent: dict[str, Any]) -> None:
    await house.person()
    conversation = await house.open_conversation()
    answer = await house.reply(conversation["id"], text=None, **sent)
    assert answer.status_code == 202, answer.text
    await house.work()
    assert (await house.message(answer.json()["id"]))["status"] == "sent"
    (left,) = await house.left()
    assert left["type"] == sent["type"]
    wanted = {"buttons": "button", "list": "list", "link": "cta_url"}
    if sent["type"] == "interactive":
        assert left["body"]["interactive"]["type"] == wanted[sent["interactive"]["type"]]


async def test_a_reaction_names_the_message_it_is_about(house: House) -> None:
    await house.person()
    conversation = await house.open_conversation()
    (theirs,) = await house.messages(conversation["id"])
    told = {"message_id": theirs["id"], "emoji": "👍"}
    answer = await house.reply(conversation["id"], text=None, type="reaction", reaction=told)
    assert (answer.status_code, answer.json()["reply_to"]) == (202, theirs["id"]), answer.text
    await house.work()
    (left,) = await house.left()
    assert left["body"]["reaction"]["emoji"] == "👍"
    assert left["body"]["reaction"]["message_id"].startswith("wamid.")
    assert "context" not in left["body"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "location", "location": {"latitude": 91, "longitude": 0}},
        {"type": "interactive", "interactive": BUTTONS | {"buttons": []}},
        {"type": "interactive", "interactive": BUTTONS | {"link": LINK["link"]}},
        {"type": "interactive", "interactive": BUTTONS | {"buttons": [{"id": "a", "title": "x"}] * 2}},
        {"type": "contacts", "contacts": []},
        {"type": "reaction"},
        {"type": "text", "text": "x", "location": {"latitude": 1, "longitude": 1}},
    ],
)
async def test_what_cannot_be_sent_is_refused_before_it_is_written(house: House, wrong: dict[str, Any]) -> None:
    conversation = await house.open_conversation()
    body: dict[str, Any] = {"text": None} | wrong
    answer = await house.reply(conversation["id"], **body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]


async def test_somebody_writes_is_shown_again_and_again(house: House) -> None:
    await house.person()
    conversation = await house.open_conversation()
    for _ in range(2):
        answer = await house.ask("POST", f"/v1/conversations/{conversation['id']}/typing")
        assert answer.status_code == 204
        await house.work()
    received = (await house.sandbox.get("/control/whatsapp/received", params={"limit": 50})).json()["items"]
    assert len([each for each in received if "typing_indicator" in str(each)]) == 2


async def test_the_kinds_of_channels_say_what_they_can_and_what_errors_mean(house: House) -> None:
    kinds = {each["kind"]: each for each in (await house.get("/v1/channels/kinds"))["items"]}
    whatsapp = kinds["whatsapp"]
    assert (whatsapp["window_seconds"], whatsapp["sends_beyond_window"]) == (86400, ["template"])
    errors = {each["code"]: each for each in whatsapp["errors"]}
    sorts = {code: errors[code]["sort"] for code in ("130429", "131048", "131026", "131008", "190")}
    assert list(sorts.values()) == ["pace", "stop_sender", "skip_recipient", "our_bug", "auth"]
    assert all(each["meaning"] and each["advice"] for each in whatsapp["errors"])

"""One message that leaves in several parts: in order, each with a status of its own; what failed is tried again."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.inbox import MessageFailed, MessageSent, MessageStatusChanged
from inbox.channels.kinds import KINDS
from inbox.messages.model import Status
from inbox.messages.parts import Stands, planned, split, standing_of_whole
from inbox.messages.schemas import SendMessage
from kit.ids import new_id

from .house import House
from .test_allowances import grant, stands

IMAGES = [{"type": "image", "link": f"https://example.com/{number}.jpg"} for number in range(3)]
LONG = "\n\n".join(f"Paragraph {number}. " + "Words and more words. " * 60 for number in range(8))


async def parts_of(house: House, message_id: str) -> list[tuple[int, str, str]]:
    """Number, type and status of each part."""
    return [(each["number"], each["type"], each["status"]) for each in (await house.message(message_id))["parts"]]


async def sent(house: House, conversation_id: str, **more: Any) -> dict[str, Any]:
    answer = await house.reply(conversation_id, more.pop("text", "Look"), **more)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_several_attachments_all_leave_in_order_with_the_words_first(house: House) -> None:
    await house.person()
    conversation = await house.open_conversation()
    message = await sent(house, conversation["id"], attachments=IMAGES)
    assert (message["type"], message["text"], message["status"]) == ("parts", "Look", "queued")
    await house.work()
    left = [each["body"] for each in reversed(await house.left())]
    assert [each["type"] for each in left] == ["text", "image", "image", "image"]
    assert [each["image"]["link"] for each in left[1:]] == [each["link"] for each in IMAGES]
    await house.reduce()
    shown = await house.message(message["id"])
    assert [each["number"] for each in shown["parts"]] == [1, 2, 3, 4]
    assert shown["status"] == "sent"
    listed = [each["id"] for each in await house.messages(conversation["id"])]
    assert listed.count(message["id"]) == 1
    assert not {each["id"] for each in shown["parts"]} & set(listed)
    assert await stands(house) == (4, 0, 500)


async def test_the_whole_stands_as_its_slowest_part_and_facts_tell_of_the_whole_alone(house: House) -> None:
    await house.person()
    conversation = await house.open_conversation()
    message = await sent(house, conversation["id"], attachments=IMAGES[:1] + IMAGES[1:2])
    await house.work()
    left = {each["body"]["biz_opaque_callback_data"]: each["id"] for each in await house.left()}
    parts = (await house.message(message["id"]))["parts"]
    for number, part in enumerate(parts):
        for _ in range(2):
            await house.report(left[part["id"]], "delivered", ours=part["id"])
        await house.reduce()
        expected = "delivered" if number == len(parts) - 1 else "sent"
        assert (await house.message(message["id"]))["status"] == expected
    told = [
        each for each in await house.told() if isinstance(each, MessageSent | MessageStatusChanged | MessageFailed)
    ]
    assert {str(each.message_id) for each in told} == {message["id"]}
    assert Counter(type(each).__name__ for each in told) == {"MessageSent": 1, "MessageStatusChanged": 1}


async def test_the_same_id_sent_twice_is_one_whole(house: House) -> None:
    await house.person()
    conversation = await house.open_conversation()
    message_id = str(new_id())
    for _ in range(2):
        assert (await sent(house, conversation["id"], id=message_id, attachments=IMAGES))["id"] == message_id
    other = await house.reply(conversation["id"], "Look", id=message_id, attachments=IMAGES[:2])
    assert (other.status_code, other.json()["type"].split(":")[-1]) == (409, "message-id-taken")
    await house.work()
    assert len(await house.left()) == 4


async def test_a_part_that_is_not_accepted_is_explained_and_alone_tried_again(house: House) -> None:
    await house.person()
    conversation = await house.open_conversation()
    media = [
        {"type": "image", "link": "https://example.com/a.jpg"},
        {"type": "audio", "link": "https://example.com/b"},
    ]
    refused = {"error": {"message": "(#131053)", "type": "OAuthException", "code": 131053}}
    message = await sent(house, conversation["id"], attachments=media)
    await house.faults(
        {"kind": "refuse_before_effect", "status": 400, "body": refused, "match": {"method": "POST"}, "times": 1}
    )
    await house.work()
    shown = await house.message(message["id"])
    assert [each["status"] for each in shown["parts"]] == ["failed", "sent", "sent"]
    assert (shown["status"], shown["failure_code"]) == ("failed", "partly-failed")
    assert "1 of 3 parts failed" in shown["failure_reason"]
    assert shown["parts"][0]["failure_advice"]
    await house.faults()
    again = await house.ask("POST", f"/v1/messages/{message['id']}/retry")
    assert (again.status_code, again.json()["status"]) == (202, "queued")
    twice = await house.ask("POST", f"/v1/messages/{message['id']}/retry")
    assert (twice.status_code, twice.json()["type"].split(":")[-1]) == (409, "nothing-to-retry")
    await house.work()
    shown = await house.message(message["id"])
    assert [(each["status"], each["attempt"]) for each in shown["parts"]] == [("sent", 2), ("sent", 1), ("sent", 1)]
    assert shown["status"] == "sent"
    assert Counter(each["body"]["type"] for each in await house.left()) == {"text": 1, "image": 1, "audio": 1}
    assert await stands(house) == (3, 0, 500)


async def test_when_the_contact_cannot_get_the_first_part_the_others_are_not_tried(house: House) -> None:
    await house.person(refuses_with=131026)
    conversation = await house.open_conversation()
    message = await sent(house, conversation["id"], attachments=IMAGES)
    await house.work()
    shown = await house.message(message["id"])
    assert {each["status"] for each in shown["parts"]} == {"failed"}
    assert (shown["status"], shown["failure_code"], shown["failure_sort"]) == ("failed", "131026", "skip_recipient")
    assert "earlier part failed" in shown["parts"][1]["failure_reason"]
    assert await house.count("SELECT count(*) FROM ledger_entries WHERE kind = 'inbox.send'") == 1
    assert await stands(house) == (0, 0, 500)


async def test_a_part_whose_answer_was_lost_holds_those_behind_it_until_a_report_says_it_arrived(
    house: House,
) -> None:
    await house.person()
    conversation = await house.open_conversation()
    message = await sent(house, conversation["id"], attachments=IMAGES[:2])
    await house.faults({"kind": "drop_after_effect", "match": {"method": "POST"}, "times": 1})
    await house.work()
    assert [each["body"]["type"] for each in await house.left()] == ["text"]
    assert {status for *_, status in await parts_of(house, message["id"])} == {"queued"}
    (left,) = await house.left()
    await house.report(left["id"], "sent", ours=left["body"]["biz_opaque_callback_data"])
    await house.work()
    assert [status for *_, status in await parts_of(house, message["id"])] == ["sent"] * 3


async def test_one_attachment_takes_short_words_as_its_caption(house: House) -> None:
    await house.person()
    conversation = await house.open_conversation()
    message = await sent(house, conversation["id"], attachments=IMAGES[:1])
    assert (message["type"], message["text"], message["parts"]) == ("image", "Look", [])
    await house.work()
    (left,) = await house.left()
    assert left["body"]["image"] == {"link": IMAGES[0]["link"], "caption": "Look"}


async def test_what_waits_for_the_window_leaves_in_order_and_can_be_taken_back_as_a_whole(house: House) -> None:
    await house.person()
    conversation = await house.open_conversation()
    await house.forward(90_000)
    kept = await sent(house, conversation["id"], attachments=IMAGES, hold=True)
    back = await sent(house, conversation["id"], text="No", attachments=IMAGES[:2], hold=True)
    assert (kept["status"], {each["status"] for each in kept["parts"]}) == ("held", {"held"})
    answer = await house.ask("POST", f"/v1/messages/{back['id']}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "failed")
    await house.say("I am back")
    await house.work()
    left = [each["body"]["type"] for each in reversed(await house.left())]
    assert left == ["text", "image", "image", "image"]
    assert (await house.message(kept["id"]))["status"] == "sent"
    assert await stands(house) == (4, 0, 500)


async def test_a_plan_with_too_little_left_takes_none_of_the_parts(house: House) -> None:
    conversation = await house.open_conversation()
    await grant(house, 3)
    refused = await house.reply(conversation["id"], "Look", attachments=IMAGES)
    assert refused.status_code == 403
    assert await stands(house) == (0, 0, 3)
    assert len(await house.messages(conversation["id"])) == 1


async def test_a_kind_that_the_channel_does_not_take_is_named(house: House) -> None:
    conversation = await house.open_conversation()
    wrong = await house.reply(
        conversation["id"], "Look", attachments=[*IMAGES, {"type": "gif", "link": "https://a.b/c"}]
    )
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["pointer"].startswith("#/attachments/3")


@pytest.mark.parametrize("kind", ["whatsapp", "messenger", "instagram"])
def test_a_long_text_leaves_in_parts_that_the_channel_takes(kind: str) -> None:
    can = KINDS[kind][0]
    parts = planned(SendMessage.model_validate({"text": LONG}), can)
    assert len(parts) > 1
    assert all(0 < len(each.content.text or "") <= can.text_length for each in parts)
    assert "".join("".join(each.content.text or "" for each in parts).split()) == "".join(LONG.split())


@pytest.mark.parametrize(
    ("kind", "wanted", "expected"),
    [
        ("whatsapp", {"attachments": [IMAGES[0]]}, ["image"]),
        ("whatsapp", {"text": "x", "attachments": [IMAGES[0]]}, ["image"]),
        ("whatsapp", {"text": "x" * 1025, "attachments": [IMAGES[0]]}, ["text", "image"]),
        ("whatsapp", {"text": "x", "attachments": [{"type": "audio", "link": "https://a.b/c"}]}, ["text", "audio"]),
        (
            "whatsapp",
            {"attachments": [{"type": "audio", "link": "https://a.b/c", "caption": "y"}]},
            ["audio", "text"],
        ),
        ("messenger", {"text": "x", "attachments": [IMAGES[0]]}, ["text", "image"]),
        ("messenger", {"attachments": [{**IMAGES[0], "caption": "y"}, IMAGES[1]]}, ["image", "text", "image"]),
    ],
)
def test_where_words_stand_beside_media(kind: str, wanted: dict[str, Any], expected: list[str]) -> None:
    assert [each.kind for each in planned(SendMessage.model_validate(wanted), KINDS[kind][0])] == expected


@given(st.text(max_size=400), st.integers(5, 60))
@settings(max_examples=200)
def test_a_text_is_split_without_loss(text: str, longest: int) -> None:
    pieces = split(text, longest)
    assert all(0 < len(each) <= longest for each in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


STATUSES = st.sampled_from([each for each in Status if each is not Status.RECEIVED])


@given(st.lists(STATUSES, min_size=1, max_size=6))
def test_a_whole_never_stands_better_than_its_parts(statuses: list[Status]) -> None:
    found = standing_of_whole([Stands(each, "x", "y") for each in statuses]).status
    if Status.HELD in statuses or Status.QUEUED in statuses:
        assert found in (Status.HELD, Status.QUEUED)
    elif Status.FAILED in statuses:
        assert found is Status.FAILED
    else:
        assert found in statuses
        assert standing_of_whole([Stands(each) for each in reversed(statuses)]).status is found

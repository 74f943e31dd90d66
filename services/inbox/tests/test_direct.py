"""Messenger and Instagram: what people write there, and what is answered, before the sandbox's Send API."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from kit.ids import new_id
from kit.privacy.person import Person
from kit.testing.programs import eventually

from .house import SECRET, VERIFY, House
from .lives import Asking

PAGE, ACCOUNT, TOKEN = "600001", "17841400000000001", "sandbox-page-token"
ANN, BOB = "7001", "7002"
ENDS = {"messenger": PAGE, "instagram": ACCOUNT}
OBJECTS = {"messenger": "page", "instagram": "instagram"}
KINDS = pytest.mark.parametrize("kind", ["messenger", "instagram"])


async def connect(
    house: House, kind: str = "messenger", *, end: str = "", by: UUID | None = None, token: str = TOKEN
) -> httpx.Response:
    name = "page_id" if kind == "messenger" else "account_id"
    body = {"kind": kind, name: end or ENDS[kind], "access_token": token}
    return await house.ask("POST", "/v1/channels", by=by, json=body)


def event(
    house: House, part: Mapping[str, Any], *, person: str = ANN, end: str = PAGE, **more: Any
) -> dict[str, Any]:
    at = more.pop("at", house.now()) * 1000
    return {"sender": {"id": person}, "recipient": {"id": end}, "timestamp": at, **part, **more}


async def tell(house: House, kind: str, *events: Mapping[str, Any], end: str = "", **entry: Any) -> httpx.Response:
    told = {"id": end or ENDS[kind], "time": house.now() * 1000, "messaging": list(events), **entry}
    body = orjson.dumps({"object": OBJECTS[kind], "entry": [told]})
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": f"sha256={digest}"}
    return await house.client.post(f"/v1/webhooks/{kind}", content=body, headers=headers)


def said(mid: str, text: str = "Hello", **more: Any) -> dict[str, Any]:
    return {"message": {"mid": mid, "text": text, **more}}


async def person(house: House, kind: str = "messenger", id_: str = ANN, **more: Any) -> None:
    told = {"id": id_, "end": ENDS[kind], "name": "Ann Example", "wrote_seconds_ago": 1, "reads": False, **more}
    answer = await house.sandbox.post("/messenger/control/people", json=told)
    assert answer.status_code == 201, answer.text


async def sent(house: House, what: str = "message") -> list[dict[str, Any]]:
    items = (await house.sandbox.get("/messenger/control/messages")).json()["items"]
    return [each for each in items if each["what"] == what]


async def opened(house: House, kind: str = "messenger") -> str:
    assert (await connect(house, kind)).status_code == 201
    await person(house, kind)
    await tell(house, kind, event(house, said("m_first"), end=ENDS[kind]))
    await house.work()
    return str((await house.conversation())["id"])


@KINDS
async def test_a_page_or_an_account_is_connected_when_its_token_reads_it(house: House, kind: str) -> None:
    refused = await connect(house, kind, token="a-wrong-token")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:rostrum:problem:number-refused")
    answer = await connect(house, kind)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["kind"], told["external_id"], told["phone_number_id"]) == (kind, ENDS[kind], "")
    assert TOKEN not in answer.text
    taken = await connect(house, kind, by=new_id())
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:rostrum:problem:number-taken")


@KINDS
async def test_the_door_answers_the_challenge_only_to_who_knows_the_word(house: House, kind: str) -> None:
    path = f"/v1/webhooks/{kind}"
    asked = {"hub.mode": "subscribe", "hub.challenge": "42", "hub.verify_token": VERIFY}
    assert (await house.client.get(path, params=asked)).text == "42"
    assert (await house.client.get(path, params=asked | {"hub.verify_token": "x"})).status_code == 403


@KINDS
async def test_who_writes_is_known_by_name_and_once(house: House, kind: str) -> None:
    conversation = await opened(house, kind)
    for _ in range(3):
        await tell(house, kind, event(house, said("m_first"), end=ENDS[kind]))
    await house.work(workers=2)
    (message,) = await house.messages(conversation)
    assert (message["type"], message["text"], message["status"]) == ("text", "Hello", "received")
    shown = await house.conversation()
    assert (shown["contact_name"], shown["channel_kind"], shown["unread_count"]) == ("Ann Example", kind, 1)
    assert shown["window"]["human_agent_until"] > shown["window"]["closes_at"]
    kept = str(await house.rows("SELECT m::text, i::text FROM messages m, contact_identities i"))
    assert "Ann" not in kept
    assert ANN not in kept


MARKS: Sequence[dict[str, Any]] = (
    said("m_1", "first"),
    {"reaction": {"mid": "m_1", "action": "react", "reaction": "love", "emoji": "❤"}},
    {"message_edit": {"mid": "m_1", "text": "edited", "num_edit": 1}},
)


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_marks_belong_to_their_message_in_any_order(house: House, order: tuple[int, ...]) -> None:
    assert (await connect(house)).status_code == 201
    for place in order:
        told = event(house, MARKS[place])
        await tell(house, "messenger", told)
        await tell(house, "messenger", told)
    await house.reduce(workers=2)
    conversation = (await house.conversation())["id"]
    (message,) = await house.messages(conversation)
    assert (message["text"], message["edited"], message["reaction"]) == ("edited", True, "❤")
    await tell(house, "messenger", event(house, {"message": {"mid": "m_1", "is_deleted": True}}))
    await house.reduce()
    (message,) = await house.messages(conversation)
    assert (message["withdrawn"], message["text"]) == (True, None)


@pytest.mark.parametrize(
    ("part", "kind", "text"),
    [
        (
            {"message": {"mid": "m", "attachments": [{"type": "location", "payload": {"coordinates": {"lat": 1}}}]}},
            "location",
            "[location]",
        ),
        (
            {"message": {"mid": "m", "text": "Nice", "reply_to": {"story": {"id": "9", "url": "https://a/b"}}}},
            "text",
            "Nice",
        ),
        ({"message": {"mid": "m", "is_unsupported": True}}, "unsupported", "[unsupported]"),
        (
            {"message": {"mid": "m", "attachments": [{"type": "hologram", "payload": {"x": 1}}]}},
            "attachment",
            "[hologram]",
        ),
        ({"postback": {"mid": "m", "title": "Start", "payload": "GO"}}, "postback", "Start"),
        ({"referral": {"ref": "ad", "source": "ADS", "type": "OPEN_THREAD", "ad_id": "5"}}, "referral", "[referral]"),
        ({"message": {"mid": "m", "text": "Yes", "quick_reply": {"payload": "y"}, "later": 1}}, "text", "Yes"),
    ],
)
async def test_nothing_that_was_told_is_lost(house: House, part: dict[str, Any], kind: str, text: str) -> None:
    assert (await connect(house, "instagram")).status_code == 201
    await tell(house, "instagram", event(house, part, end=ACCOUNT))
    await house.reduce()
    (message,) = await house.messages((await house.conversation())["id"])
    assert (message["type"], message["text"]) == (kind, text)
    for word in ("coordinates", "story", "is_unsupported", "hologram", "GO", "ad_id", "quick_reply", "later"):
        assert (f"'{word}'" in str(part)) is (f"'{word}'" in str(message["detail"])), word


async def test_a_story_mention_is_fetched_and_its_address_is_not_kept_in_clear(
    house: House, sandbox_url: str
) -> None:
    assert (await connect(house, "instagram")).status_code == 201
    url = f"{sandbox_url}/messenger/graph/v23.0/{ACCOUNT}?fields=id&access_token={TOKEN}"
    mention = {"mid": "m_s", "attachments": [{"type": "story_mention", "payload": {"url": url}}]}
    elsewhere = {"mid": "m_t", "attachments": [{"type": "image", "payload": {"url": "https://evil.example/a.jpg"}}]}
    await tell(house, "instagram", event(house, {"message": mention}, end=ACCOUNT))
    await tell(house, "instagram", event(house, {"message": elsewhere}, end=ACCOUNT))
    await house.reduce()
    assert "access_token" not in str(await house.rows("SELECT media::text FROM media"))
    await house.work()
    shown = {each["type"]: each["media"][0] for each in await house.messages((await house.conversation())["id"])}
    assert (shown["story_mention"]["state"], shown["image"]["state"]) == ("ready", "failed")
    assert await house.count("SELECT count(*) FROM media WHERE source_sealed IS NOT NULL") == 0


async def test_what_another_application_answers_is_left_alone_and_the_unknown_is_kept(house: House) -> None:
    assert (await connect(house)).status_code == 201
    await tell(house, "messenger", standby=[event(house, said("m_standby"))])
    await tell(house, "messenger", event(house, {"pass_thread_control": {"new_owner_app_id": "1"}}))
    await house.reduce()
    assert (await house.get("/v1/conversations"))["items"] == []
    assert await house.count("SELECT count(*) FROM intake_items WHERE verdict = 'quarantined'") == 1


async def answered(house: House, conversation: str, **more: Any) -> dict[str, Any]:
    answer = await house.reply(conversation, **more)
    assert answer.status_code == 202, answer.text
    await house.work()
    return await house.message(answer.json()["id"])


@KINDS
async def test_an_answer_is_sent_delivered_and_read_whatever_the_order(house: House, kind: str) -> None:
    conversation = await opened(house, kind)
    message = await answered(house, conversation, text="With pleasure")
    (left,) = await sent(house)
    assert (left["body"]["messaging_type"], left["body"]["message"]["text"]) == ("RESPONSE", "With pleasure")
    echo = {"mid": left["id"], "text": "With pleasure", "is_echo": True}
    read = {"read": {"mid": left["id"]} if kind == "instagram" else {"watermark": (house.now() + 5) * 1000}}
    events = [
        event(house, read, end=ENDS[kind]),
        event(house, {"message": echo}, person=ENDS[kind], end=ANN),
        event(house, {"delivery": {"mids": [left["id"]], "watermark": house.now() * 1000}}, end=ENDS[kind]),
    ]
    for told in (*events, *events):
        await tell(house, kind, told)
    await house.work(workers=2)
    assert (await house.message(message["id"]))["status"] == "read"
    assert len(await house.messages(conversation)) == 2


@KINDS
async def test_an_answer_that_was_lost_is_settled_by_the_echo_and_never_sent_again(house: House, kind: str) -> None:
    conversation = await opened(house, kind)
    rule = {"kind": "drop_after_effect", "match": {"method": "POST"}}
    assert (await house.sandbox.put("/control/messenger/faults", json=[rule])).status_code < 300
    ours = (await house.reply(conversation, "Did it arrive?")).json()["id"]

    async with house.working():

        async def unknown() -> bool:
            return bool(await house.count("SELECT count(*) FROM ledger_entries WHERE status = 'unknown'"))

        await eventually(unknown, within=60)
    (left,) = await sent(house)
    echo = {"mid": left["id"], "text": "Did it arrive?", "is_echo": True}
    echo |= {"metadata": ours} if kind == "messenger" else {}
    await tell(house, kind, event(house, {"message": echo}, person=ENDS[kind], end=ANN))
    await house.work()
    assert (await house.message(ours))["status"] == "sent"
    assert len(await sent(house)) == 1
    assert len(await house.messages(conversation)) == 2


async def test_what_was_written_in_the_pages_own_app_stands_in_the_conversation(house: House) -> None:
    conversation = await opened(house)
    echo = {"mid": "m_hand", "text": "By hand", "is_echo": True, "app_id": 263902037430900}
    for _ in range(2):
        await tell(house, "messenger", event(house, {"message": echo}, person=PAGE, end=ANN))
    await house.reduce()
    (_, ours) = await house.messages(conversation)
    assert (ours["direction"], ours["text"], ours["author_id"]) == ("out", "By hand", None)
    assert (await house.conversation())["unread_count"] == 1


async def test_after_a_day_only_a_person_may_answer_and_after_seven_nobody(house: House) -> None:
    conversation = await opened(house)
    await person(house, wrote_seconds_ago=2 * 86400)
    await house.forward(2 * 86400)
    refused = await house.reply(conversation)
    assert (refused.status_code, refused.json()["may_tag"]) == (409, ["human_agent"])
    message = await answered(house, conversation, text="Sorry for the wait", tag="human_agent")
    assert message["status"] == "sent"
    (left,) = await sent(house)
    assert (left["body"]["messaging_type"], left["body"]["tag"]) == ("MESSAGE_TAG", "HUMAN_AGENT")
    await house.forward(6 * 86400)
    refused = await house.reply(conversation, tag="human_agent")
    assert (refused.status_code, refused.json()["may_tag"], refused.json()["may_hold"]) == (409, [], True)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"type": "image", "media": {"link": "https://example.com/a.jpg"}}, "image"),
        (
            {
                "type": "interactive",
                "interactive": {"type": "buttons", "body": "?", "buttons": [{"id": "y", "title": "Yes"}]},
            },
            "quick_replies",
        ),
        (
            {
                "type": "interactive",
                "interactive": {"type": "link", "body": "?", "link": {"label": "Go", "url": "https://example.com"}},
            },
            "web_url",
        ),
    ],
)
async def test_kinds_leave_as_meta_wants_them(house: House, body: dict[str, Any], expected: str) -> None:
    conversation = await opened(house)
    assert (await answered(house, conversation, text=None, **body))["status"] == "sent"
    (left,) = await sent(house)
    assert expected in str(left["body"]["message"])


async def test_reactions_signs_and_what_is_not_offered(house: House) -> None:
    conversation = await opened(house)
    (theirs,) = await house.messages(conversation)
    told = {"message_id": theirs["id"], "emoji": "👍"}
    await answered(house, conversation, text=None, type="reaction", reaction=told)
    (reacted,) = await sent(house, "react")
    assert reacted["body"]["payload"] == {"message_id": "m_first", "reaction": "👍"}
    assert (await house.ask("POST", f"/v1/conversations/{conversation}/typing")).status_code == 204
    await house.ask("POST", f"/v1/conversations/{conversation}/read", json={"tell_contact": True})
    await house.work()
    assert len(await sent(house, "typing_on")) == len(await sent(house, "mark_seen")) == 1
    template = {"name": "hello_world", "language": "en_US"}
    answer = await house.reply(conversation, type="template", text=None, template=template)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/type")
    media = {"link": "https://example.com/a.jpg", "caption": "words"}
    answer = await house.reply(conversation, type="image", text=None, media=media)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/media/caption")
    answer = await house.reply(conversation, text="x" * 2001)
    assert (answer.status_code, [len(each["text"]) for each in answer.json()["parts"]]) == (202, [2000, 1])


async def test_a_dead_token_parks_and_two_organizations_know_nothing_of_each_other(house: House) -> None:
    conversation = await opened(house)
    others, end = new_id(), "600002"
    made = {"kind": "messenger", "id": end, "token": "another-page-token"}
    assert (await house.sandbox.post("/messenger/control/ends", json=made)).status_code == 201
    assert (await connect(house, end=end, by=others, token="another-page-token")).status_code == 201
    await tell(house, "messenger", event(house, said("m_other"), person=BOB, end=end), end=end)
    await house.reduce()
    assert [each["id"] for each in (await house.get("/v1/conversations"))["items"]] == [conversation]
    (theirs,) = (await house.get("/v1/conversations", by=others))["items"]
    assert theirs["id"] != conversation
    dead = {"kind": "messenger", "id": PAGE, "standing": "expired"}
    assert (await house.sandbox.post("/messenger/control/ends", json=dead)).status_code == 201
    assert (await house.reply(conversation)).status_code == 202

    async def parked() -> bool:
        return bool((await house.get("/v1/channels"))["items"][0]["health"] == "token_dead")

    async with house.working():
        await eventually(parked, within=60)
    (other,) = (await house.get("/v1/channels", by=others))["items"]
    assert other["health"] == "ok"


async def test_of_a_forgotten_contact_nothing_is_kept(house: House) -> None:
    conversation = await opened(house)
    await answered(house, conversation)
    asking = Asking(house)
    await asking.erasure(Person("contact", UUID((await house.conversation())["contact_id"]), house.organization_id))
    await asking.work()
    for table in ("contacts", "contact_identities", "conversations", "messages", "intake_items"):
        assert await house.count(f"SELECT count(*) FROM {table}") == 0, table
    kinds = "SELECT count(*) FROM ledger_entries WHERE kind IN ('inbox.contact_name', 'inbox.send')"
    assert await house.count(kinds) == 0

"""What hurts most elsewhere, each as a test in which it cannot happen.

The numbers are those of the list of fifteen by which this service was designed, gathered from the issues of the
most used open inbox.
"""

import asyncio
from datetime import datetime
from typing import Any

from contracts.inbox import MessageStatusChanged
from kit.ids import new_id
from kit.testing.programs import eventually

from .broadcasting import PATH, act, broadcasting, ready, until
from .broadcasting import read as read_broadcast
from .broadcasting import sent as broadcast_messages
from .house import ACCOUNT, NUMBER, House, delivery, signed, texts, value, wamid
from .test_media import read, sent


async def resolve(house: House, conversation: dict[str, Any]) -> None:
    tag = {"if-match": f'"v{conversation["version"]}"'}
    path = f"/v1/conversations/{conversation['id']}"
    assert (await house.ask("PATCH", path, json={"state": "resolved"}, headers=tag)).status_code == 200


def written(text: str, at: int, person: str = "16505551234", **more: Any) -> dict[str, Any]:
    return {"from": person, "id": wamid(), "timestamp": str(at), "type": "text", "text": {"body": text}} | more


async def test_pain_1_a_broadcast_is_never_sent_twice_however_many_runs_there_are(house: House) -> None:
    """Issue 12821: 3,000 contacts got a campaign two or three times, since a second run began beside the first.

    Here a recipient is one row and one effect: three workers, who start and feed it at once, and every report twice.
    """
    made, _ = await ready(house, 30)
    answers = await asyncio.gather(*(house.ask("POST", f"{PATH}/{made['id']}/start") for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [200, 409, 409, 409]
    async with broadcasting(house, 3):
        await asyncio.gather(*(house.parts.feeding.run() for _ in range(6)))
        await until(house, made["id"], "completed")
    numbers = [each["to"] for each in await broadcast_messages(house)]
    assert len(numbers) == len(set(numbers)) == 30


async def test_pain_2_a_broadcast_whose_worker_died_goes_on_from_where_it_was(house: House) -> None:
    """Issue 4897: a campaign stopped after twenty minutes, 1,200 of 2,300 sent, and nobody ever resumed it.

    Here whoever comes next finds in the rows who is left: the first worker stops in the middle, another ends it.
    """
    made, _ = await ready(house, 60)
    await act(house, made["id"], "start")
    async with broadcasting(house):

        async def some() -> bool:
            return bool((await read_broadcast(house, made["id"]))["counts"]["sent"] >= 5)

        await eventually(some, within=30)
    half = await read_broadcast(house, made["id"])
    assert half["state"] == "running"
    async with broadcasting(house):
        done = await until(house, made["id"], "completed")
    assert done["counts"]["sent"] == 60
    numbers = [each["to"] for each in await broadcast_messages(house)]
    assert len(numbers) == len(set(numbers)) == 60


async def test_pain_3_an_album_of_pictures_is_one_conversation(house: House) -> None:
    """Issue 14058: pictures of an album, told to several workers at once, each opened a conversation.

    Here the index lets one be active for a channel and contact: twelve pictures in twelve webhooks, three workers,
    and all once more.
    """
    await house.connected()
    at = house.now()
    album = [
        value(
            messages=[written("", at, type="image", image={"id": f"album-{n}", "mime_type": "image/jpeg"})],
            contacts=[{"wa_id": "16505551234", "profile": {"name": "Sheena"}}],
        )
        for n in range(12)
    ]
    async with house.working(3, outside=False):
        await asyncio.gather(*(house.hook(each) for each in [*album, *reversed(album)]))
    await house.reduce(workers=3)
    conversation = await house.conversation()
    assert conversation["unread_count"] == 12
    assert len(await house.messages(conversation["id"])) == 12
    assert (await house.names_told()).count("ConversationOpened") == 1
    assert (await house.get("/v1/conversation-counts"))["all"]["open"] == 1


async def test_pain_4_webhooks_that_are_delivered_again_double_nothing(house: House) -> None:
    """Six deliveries of the same message at once, by three workers, and once more after it was resolved."""
    await house.connected()
    changes = value(messages=[written("only once", house.now())], contacts=[{"wa_id": "16505551234"}])
    answers = await asyncio.gather(*(house.hook(changes) for _ in range(6)))
    assert {each.status_code for each in answers} == {200}
    await house.reduce(workers=3)
    conversation = await house.conversation()
    await resolve(house, conversation)
    await house.hook(changes)
    await house.reduce(workers=3)
    again = await house.conversation()
    assert (again["id"], again["state"], again["unread_count"]) == (conversation["id"], "resolved", 1)
    assert texts(await house.messages(conversation["id"])) == ["only once"]
    assert (await house.names_told()).count("MessageReceived") == 1


async def test_pain_7_what_comes_late_takes_its_place_and_says_so(house: House) -> None:
    """Issue 12661: with a congested queue messages were shown as they arrived, answers before questions.

    Here the platform's time orders, then arrival; a late one is told with its sequence, and takes its place.
    """
    conversation = await house.open_conversation()
    at = house.now()
    messages = [written(str(number), at + number) for number in range(30)]
    for number in (7, 29, 3, 21, 0, 14):
        await house.hook(value(messages=[messages[number]]))
    await house.reduce()
    answer = await house.reply(conversation["id"], "Our answer")
    assert answer.status_code == 202
    async with house.working(3, outside=False):
        await asyncio.gather(*(house.hook(value(messages=[each])) for each in reversed(messages)))
    await house.reduce(workers=3)
    shown = await house.messages(conversation["id"])
    theirs = [each["text"] for each in shown if each["direction"] == "in" and each["text"] != "Hello"]
    assert theirs == [str(number) for number in range(30)]
    keys = [(datetime.fromisoformat(each["provider_time"]), each["sequence"]) for each in shown]
    assert keys == sorted(keys)
    assert len({each["sequence"] for each in shown}) == len(shown) == 32
    last = (await house.conversation())["last_message"]
    assert last["excerpt"] == shown[-1]["text"], "the list shows what is newest by the same order"


async def test_pain_8_whatever_was_acknowledged_ends_in_a_verdict_and_can_be_replayed(house: House) -> None:
    """What was answered with 200 is shown, or says why it is not; nothing is lost in between."""
    stranger = "100000000000002"
    await house.connected()
    await house.number(stranger)
    at = house.now()
    told = [
        value(messages=[written("shown", at), written("in a group", at, group_id="G1")]),
        value(stranger, messages=[written("for a number that nobody has connected", at)]),
        {"field": "something_new", "value": {"of": "tomorrow"}},
        value(messages=[written("shown as a placeholder", at + 1, type="hologram", hologram={"depth": 3})]),
    ]
    assert (await house.hook(*told, told[0])).status_code == 200
    await house.reduce()
    rows = await house.rows("SELECT verdict, reason FROM intake_items")
    verdicts = ["applied"] * 2 + ["duplicate"] * 2 + ["quarantined"] * 3
    assert sorted(row["verdict"] for row in rows) == verdicts
    assert all(row["reason"] for row in rows if row["verdict"] == "quarantined")
    await house.connected(stranger)
    await house.replay()
    await house.reduce()
    found = (await house.get("/v1/conversations"))["items"]
    said = [text for each in found for text in texts(await house.messages(each["id"]))]
    assert sorted(said) == ["[hologram]", "for a number that nobody has connected", "shown"]


async def test_pain_9_what_comes_in_while_a_channel_may_not_send_is_shown_at_once(house: House) -> None:
    """The platform takes the token away; people go on writing, and an answer waits instead of failing."""
    conversation = await house.open_conversation()
    body = {"error": {"message": "expired", "type": "OAuthException", "code": 190}}
    await house.faults({"kind": "refuse_before_effect", "status": 401, "body": body, "match": {"method": "POST"}})
    answer = (await house.reply(conversation["id"], "an answer")).json()

    async def dead() -> bool:
        return bool((await house.get("/v1/channels"))["items"][0]["health"] == "token_dead")

    async with house.working():
        await eventually(dead, within=60)
    await house.say("does anybody read this?")
    await house.reduce()
    assert (await house.message(answer["id"]))["status"] == "queued"
    assert "does anybody read this?" in texts(await house.messages(conversation["id"]))
    assert (await house.conversation())["unread_count"] == 2
    assert await house.count("SELECT count(*) FROM intake_items WHERE verdict = 'quarantined'") == 0


async def test_pain_11_a_picture_is_there_from_the_beginning_and_says_when_it_can_be_seen(house: House) -> None:
    """The platform does not give it at first: it waits where it will be, is fetched later, and a fact tells of it."""
    await house.connected()
    medium = await sent(house)
    assert medium["state"] == "waiting"
    assert (await house.ask("GET", f"/v1/media/{medium['id']}")).status_code == 409
    await house.faults({"kind": "refuse_before_effect", "status": 503, "times": 2, "match": {"method": "GET"}})
    await house.work()
    assert (await read(house, medium))["state"] == "ready"
    assert (await house.ask("GET", f"/v1/media/{medium['id']}")).status_code == 200
    assert (await house.names_told()).count("MediaReady") == 1


async def test_pain_13_a_number_in_either_spelling_is_one_contact_also_for_the_team_s_own_telephone(
    house: House,
) -> None:
    """Brazil's ninth digit, Mexico's 1, Argentina's 9, by the webhook and by the echo; landlines stay as they are."""
    await house.connected()
    at = house.now()
    spelled = [
        ("5511987654321", "551187654321"),
        ("5215512345678", "525512345678"),
        ("5491123456789", "541123456789"),
    ]
    for long, short in spelled:
        await house.hook(value(messages=[written("from one", at, long)], contacts=[{"wa_id": long}]))
        echo = value(message_echoes=[{**written("to the other", at + 1), "from": "15550001", "to": short}])
        await house.hook(echo | {"field": "smb_message_echoes"})
    landlines = ("551133334444", "5511933334444")
    for number in landlines:
        await house.hook(value(messages=[written(number, at, number)], contacts=[{"wa_id": number}]))
    await house.reduce(workers=2)
    found = (await house.get("/v1/conversations"))["items"]
    said = [texts(await house.messages(each["id"])) for each in found]
    assert sorted(said) == [[each] for each in landlines] + [["from one", "to the other"]] * 3
    shown = (await house.get("/v1/contacts"))["items"]
    values = {each["value"] for contact in shown for each in contact["identities"]}
    assert values == {each for pair in spelled for each in pair} | set(landlines)


async def test_pain_15_a_fact_leaves_once_and_no_listener_changes_a_message(house: House) -> None:
    """Reports are delivered twice and late: each step is told once, under one id, and the status only rises."""
    conversation = await house.open_conversation()
    answer = (await house.reply(conversation["id"], "an answer")).json()
    await house.work()
    (left,) = await house.left()
    for status in ("delivered", "delivered", "sent", "failed", "read", "delivered"):
        told = {"id": left["id"], "status": status, "timestamp": str(house.now()), "recipient_id": "16505551234"}
        body = delivery(value(NUMBER, statuses=[told | {"biz_opaque_callback_data": answer["id"]}]), account=ACCOUNT)
        for _ in range(2):
            assert (await house.client.post("/v1/webhooks/whatsapp", content=body, headers=signed(body))).is_success
    await house.reduce(workers=3)
    assert (await house.message(answer["id"]))["status"] == "read"
    rows = await house.rows("SELECT id, type FROM outbox WHERE type LIKE 'inbox.message.%'")
    assert len({row["id"] for row in rows}) == len(rows)
    names = await house.names_told()
    assert (names.count("MessageSent"), names.count("MessageFailed")) == (1, 0)
    risen = [each.status for each in await house.told() if isinstance(each, MessageStatusChanged)]
    assert risen == sorted(set(risen), key=["queued", "delivered", "read"].index)


async def test_pain_14_a_list_costs_the_same_however_long_the_conversations_are(house: House) -> None:
    """Issues 1162, 5685, 15204: lists with whole messages and numbers counted each time grew slower with the data.

    Here a row carries no body, pages go by key, and the numbers are kept as they change: a conversation of five
    thousand messages makes no row longer, and resolved ones make no count slower.
    """
    conversation = await house.open_conversation()
    before = await house.get("/v1/conversations")
    length, counts = len(str(before)), await house.get("/v1/conversation-counts")
    await house.rows(
        """
        INSERT INTO messages (id, organization_id, conversation_id, channel_id, direction, kind, content_sealed,
                              provider_time, sequence, status)
        SELECT gen_random_uuid(), organization_id, conversation_id, channel_id, 'in', 'text', content_sealed,
               provider_time - make_interval(secs => n), 1000 + n, 'received'
        FROM messages, generate_series(1, 5000) AS n
        """
    )
    await house.rows(
        """
        INSERT INTO conversations (id, organization_id, channel_id, contact_id, state, last_message_at)
        SELECT gen_random_uuid(), organization_id, channel_id, contact_id, 'resolved',
               last_message_at - interval '1 day'
        FROM conversations, generate_series(1, 300)
        """
    )
    page = await house.get("/v1/conversations?limit=50&state=open")
    assert [each["id"] for each in page["items"]] == [conversation["id"]]
    assert len(str(page)) < length + 200
    assert await house.get("/v1/conversation-counts") == counts
    walked = 0
    cursor: str | None = ""
    while cursor is not None:
        found = await house.get(f"/v1/conversations?limit=100{cursor and f'&cursor={cursor}'}")
        walked, cursor = walked + len(found["items"]), found["next_cursor"]
    assert walked == 301


async def test_pain_16_a_very_long_conversation_is_shown_by_windows_around_any_message(house: House) -> None:
    """Issue 14604: a page froze because a conversation came whole.

    Here a stretch has a cursor for each end, whether it begins at the newest message or around one in the middle, and
    never more than a hundred.
    """
    conversation = await house.open_conversation()
    path = f"/v1/conversations/{conversation['id']}/messages"
    await house.rows(
        """
        INSERT INTO messages (id, organization_id, conversation_id, channel_id, direction, kind, content_sealed,
                              provider_time, sequence, status)
        SELECT gen_random_uuid(), organization_id, conversation_id, channel_id, 'in', 'text', content_sealed,
               provider_time - make_interval(secs => n), 1000 + n, 'received'
        FROM messages, generate_series(1, 999) AS n
        """
    )
    (middle,) = await house.rows("SELECT id FROM messages WHERE sequence = 1500")
    around = await house.get(f"{path}?around={middle['id']}&limit=20")
    assert len(around["items"]) == 21
    assert str(middle["id"]) == around["items"][10]["id"]
    seen = {each["id"] for each in around["items"]}
    for way, cursor in (("older", "older_cursor"), ("newer", "newer_cursor")):
        place = around[cursor]
        while place is not None:
            found = await house.get(f"{path}?limit=100&direction={way}&cursor={place}")
            assert len(found["items"]) <= 100
            assert not seen & {each["id"] for each in found["items"]}, "nothing is shown twice"
            seen |= {each["id"] for each in found["items"]}
            place = found[cursor]
    assert len(seen) == 1000, "and nothing is left out"
    assert (await house.ask("GET", f"{path}?limit=5000")).status_code == 422


async def test_pain_5_who_sends_twice_on_a_bad_line_has_sent_once(house: House) -> None:
    """The client draws the message's id when it is written and sends it as often as it needs, also all at once."""
    await house.person()
    conversation = await house.open_conversation()
    message_id = str(new_id())
    answers = await asyncio.gather(*(house.reply(conversation["id"], "only once", id=message_id) for _ in range(6)))
    assert {each.status_code for each in answers} == {202}
    async with house.working(2):
        await eventually(house.settled, within=60)
    await house.forward(3600)
    assert (await house.reply(conversation["id"], "only once", id=message_id)).json()["id"] == message_id
    await house.work()
    assert [each["text"] for each in await house.left()] == ["only once"]
    assert texts(await house.messages(conversation["id"])).count("only once") == 1


async def test_pain_6_a_status_never_goes_back_and_what_failed_is_left_by_a_new_attempt_alone(house: House) -> None:
    """Reports in every order end in the same status; of a part that failed a late report changes nothing."""
    await house.person(refuses_with=131053)
    conversation = await house.open_conversation()
    media = [{"type": "image", "link": f"https://example.com/{name}.jpg"} for name in "ab"]
    whole = (await house.reply(conversation["id"], "look", attachments=media)).json()
    await house.work()
    assert (await house.message(whole["id"]))["status"] == "failed"
    await house.person()
    assert (await house.ask("POST", f"/v1/messages/{whole['id']}/retry")).status_code == 202
    await house.work()
    shown = await house.message(whole["id"])
    assert {(each["attempt"], each["status"]) for each in shown["parts"]} == {(2, "sent")}
    left = {each["body"]["biz_opaque_callback_data"]: each["id"] for each in await house.left()}
    for part in shown["parts"]:
        for status in ("read", "sent", "delivered", "sent"):
            await house.report(left[part["id"]], status, ours=part["id"])
    await house.reduce(workers=2)
    shown = await house.message(whole["id"])
    assert {each["status"] for each in shown["parts"]} == {"read"}
    assert shown["status"] == "read"


async def test_pain_10_of_several_attachments_none_is_dropped_in_silence(house: House) -> None:
    """Each is a part with a status of its own; the one that is not accepted is named, the others leave."""
    await house.person()
    conversation = await house.open_conversation()
    media = [{"type": "image", "link": f"https://example.com/{number}.jpg"} for number in range(5)]
    whole = (await house.reply(conversation["id"], None, attachments=media)).json()
    body = {"error": {"message": "no", "type": "OAuthException", "code": 131053}}
    await house.faults(
        {"kind": "refuse_before_effect", "status": 400, "body": body, "match": {"method": "POST"}, "times": 1}
    )
    await house.work()
    links = {each["body"]["image"]["link"] for each in await house.left()}
    assert links == {each["link"] for each in media[1:]}
    shown = await house.message(whole["id"])
    assert [each["status"] for each in shown["parts"]] == ["failed", *["sent"] * 4]
    assert (shown["status"], shown["failure_code"]) == ("failed", "partly-failed")
    assert shown["parts"][0]["failure_advice"]


async def test_pain_12_a_dead_token_parks_what_leaves_and_no_other_error_does(house: House) -> None:
    """An error that is not about the token leaves the channel well; with a dead one nothing looks sent, all waits."""
    await house.person()
    conversation = await house.open_conversation()
    for code in (100, 131053, 131026):
        body = {"error": {"message": "no", "type": "OAuthException", "code": code}}
        await house.faults(
            {"kind": "refuse_before_effect", "status": 400, "body": body, "match": {"method": "POST"}, "times": 1}
        )
        await house.reply(conversation["id"], f"refused by {code}")
        await house.work()
        assert (await house.get("/v1/channels"))["items"][0]["health"] == "ok"
    await house.sandbox.put("/whatsapp/control/app", json={"tokens_are": "expired"})
    kept = (await house.reply(conversation["id"], "kept")).json()

    async def dead() -> bool:
        return bool((await house.get("/v1/channels"))["items"][0]["health"] == "token_dead")

    async with house.working():
        await eventually(dead, within=60)
    assert (await house.message(kept["id"]))["status"] == "queued"
    await house.sandbox.put("/whatsapp/control/app", json={})
    await house.connected()
    await house.work()
    assert (await house.message(kept["id"]))["status"] == "sent"

"""Contacts that are one person: merged by hand or by what the platform tells, explained, and taken apart again."""

import asyncio
import random
from typing import Any
from uuid import UUID

import httpx

from kit.ids import new_id
from kit.privacy.person import Person

from .house import House, texts, value, wamid
from .lives import Asking
from .test_sms import ANN, connect, say

SHEENA, BOB, CARL, DORA = "16505551234", "4915112345678", "5511987654321", "12195555358"


def written(text: str, at: int, person: str, **more: Any) -> dict[str, Any]:
    return {"from": person, "id": wamid(), "timestamp": str(at), "type": "text", "text": {"body": text}} | more


async def contacts(house: House, *people: str) -> list[str]:
    """These people write once each; the ids of their contacts, in this order."""
    if not (await house.get("/v1/channels"))["items"]:
        await house.connected()
    for person in people:
        await house.say(f"I am {person}", person=person, name=f"Name of {person}")
    await house.reduce()
    found = {each["contact_name"]: each["contact_id"] for each in (await house.get("/v1/conversations"))["items"]}
    return [found[f"Name of {person}"] for person in people]


async def merge(house: House, kept: str, other: str) -> httpx.Response:
    return await house.ask("POST", f"/v1/contacts/{kept}/merge", json={"contact_id": other})


async def merged(house: House, kept: str, other: str) -> dict[str, Any]:
    answer = await merge(house, kept, other)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def undo(house: House, merge_id: str) -> dict[str, Any]:
    answer = await house.ask("POST", f"/v1/contacts/merges/{merge_id}/undo")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def told(house: House) -> None:
    """Merge what the platform has told to be one."""
    while await house.parts.merging.work():
        pass


async def conversations(house: House, contact_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await house.get(f"/v1/conversations?contact_id={contact_id}"))["items"]
    return found


async def seen(house: House, contact_id: str) -> list[Any]:
    """All that is shown of a contact's conversations, but for versions."""
    found = []
    for each in await conversations(house, contact_id):
        shown = {name: value for name, value in each.items() if name not in ("version", "changed_at")}
        messages = await house.messages(each["id"])
        found.append((shown, [{**message, "version": 0} for message in messages]))
    return found


async def active(house: House) -> int:
    """How often a contact has two conversations on a channel, or one that is shown as another one has any."""
    return await house.count(
        """
        SELECT (SELECT count(*) FROM (
            SELECT FROM conversations WHERE continued_in IS NULL GROUP BY channel_id, contact_id HAVING count(*) > 1
        ) AS doubled)
        + (SELECT count(*) FROM conversations v JOIN contacts c ON c.id = v.contact_id
           WHERE c.merged_into IS NOT NULL)
        + (SELECT count(*) FROM messages m JOIN conversations v ON v.id = m.conversation_id
           WHERE v.continued_in IS NOT NULL)
        """
    )


async def test_two_contacts_are_one_and_as_they_were_when_that_is_undone(house: House) -> None:
    sheena, bob = await contacts(house, SHEENA, BOB)
    (theirs,) = await conversations(house, bob)
    agent = await house.member()
    tag = {"if-match": f'"v{theirs["version"]}"'}
    await house.ask("PATCH", f"/v1/conversations/{theirs['id']}", json={"assignee_id": str(agent)}, headers=tag)
    await house.ask("POST", f"/v1/conversations/{theirs['id']}/read", json={})
    before = [await seen(house, each) for each in (sheena, bob)]
    merge_id = (await merged(house, sheena, bob))["id"]
    (one,) = await conversations(house, sheena)
    assert sorted(texts(await house.messages(one["id"]))) == sorted([f"I am {SHEENA}", f"I am {BOB}"])
    assert one["unread_count"] == 1
    assert await conversations(house, bob) == []
    contact = await house.get(f"/v1/contacts/{sheena}")
    assert (sorted(each["value"] for each in contact["identities"]), contact["members"]) == (
        sorted([SHEENA, BOB]),
        [bob],
    )
    assert (await house.get(f"/v1/contacts/{bob}"))["merged_into"] == sheena
    assert [each["id"] for each in (await house.get("/v1/contacts"))["items"]] == [sheena]
    assert await active(house) == 0
    await undo(house, merge_id)
    assert [await seen(house, each) for each in (sheena, bob)] == before
    assert await active(house) == 0
    names = await house.names_told()
    assert (names.count("ContactsMerged"), names.count("ContactsSeparated")) == (1, 1)


async def test_what_came_meanwhile_goes_to_whom_it_came_from(house: House) -> None:
    """Messages, reactions, media, and answers, which go to who wrote last."""
    sheena, bob = await contacts(house, SHEENA, BOB)
    for person in (SHEENA, BOB):
        await house.person(person)
    merge_id = (await merged(house, sheena, bob))["id"]
    first = await house.say("Bob again", person=BOB, name=f"Name of {BOB}")
    await house.say("", person=BOB, type="reaction", reaction={"message_id": first, "emoji": "👍"})
    await house.say("", person=BOB, type="image", image={"id": "1", "mime_type": "image/jpeg"})
    await house.reduce()
    (one,) = await conversations(house, sheena)
    assert (await house.reply(one["id"], "to Bob")).status_code == 202
    await house.say("Sheena again", person=SHEENA)
    await house.reduce()
    assert (await house.reply(one["id"], "to Sheena")).status_code == 202
    await house.work()
    assert {each["body"]["to"]: each["body"]["text"]["body"] for each in await house.left()} == {
        BOB: "to Bob",
        SHEENA: "to Sheena",
    }
    await undo(house, merge_id)
    (hers,), (his,) = [await conversations(house, each) for each in (sheena, bob)]
    said = {None, *texts(await house.messages(his["id"]))}
    assert said == {None, f"I am {BOB}", "Bob again", "to Bob"}
    (reacted,) = [each for each in await house.messages(his["id"]) if each["text"] == "Bob again"]
    assert reacted["reaction"] == "👍"
    (picture,) = [each for each in await house.messages(his["id"]) if each["type"] == "image"]
    assert len(picture["media"]) == 1
    assert set(texts(await house.messages(hers["id"]))) == {f"I am {SHEENA}", "Sheena again", "to Sheena"}
    assert (hers["unread_count"], his["unread_count"]) == (2, 3)
    async with house.database.transaction(house.organization_id) as tx:
        await house.parts.contacts.keyring.shred(tx, house.organization_id, f"contact:{sheena}")
    assert {None, *texts(await house.messages(his["id"]))} == said


async def put_on(house: House, conversation: dict[str, Any], mark: str) -> None:
    """The team puts everything on a conversation that it can put on one."""
    path, agent = f"/v1/conversations/{conversation['id']}", await house.member()
    label = await house.ask("POST", "/v1/labels", json={"name": f"label {mark}"})
    both = [each["id"] for each in (await house.get("/v1/labels"))["items"] if each["name"] == "both"]
    body = {"conversation_ids": [conversation["id"]], "add": [label.json()["id"], *both]}
    doors: tuple[tuple[str, str, Any], ...] = (
        ("POST", "/v1/labels/apply", body),
        ("POST", f"{path}/notes", {"text": f"note {mark}", "mention_ids": [str(agent)]}),
        ("PATCH", f"{path}/attributes", {"values": {f"key_{mark}": f"value {mark}", "both": mark}}),
        ("PUT", f"{path}/participants/{agent}", None),
    )
    for method, where, told in doors:
        answer = await house.ask(method, where, json=told)
        assert answer.status_code in (200, 201, 204), answer.text


async def carried(house: House, conversation: dict[str, Any], **who: str) -> dict[str, Any]:
    """All that stands on a conversation, as it is shown."""
    path = f"/v1/conversations/{conversation['id']}"
    names = {each["id"]: each["name"] for each in (await house.get("/v1/labels"))["items"]}
    shown = await house.get(path)
    carried = await house.get(f"{path}/labels")
    assert sorted(carried["label_ids"]) == sorted(shown["label_ids"])
    return {
        "labels": sorted(names[each] for each in shown["label_ids"]),
        "attributes": shown["attributes"],
        "notes": sorted(each["text"] for each in (await house.get(f"{path}/notes"))["items"]),
        "followers": sorted(each["user_id"] for each in (await house.get(f"{path}/participants"))["items"]),
        "draft": (await house.client.get(f"{path}/draft", headers=who)).json()["text"],
    }


async def test_what_the_team_put_on_a_conversation_goes_on_with_it_and_comes_back(house: House) -> None:
    """Notes, labels, values, followers and drafts; sealed as they were, also when one of both is forgotten then."""
    sheena, bob = await contacts(house, SHEENA, BOB)
    await house.ask("POST", "/v1/labels", json={"name": "both"})
    for key in ("key_hers", "key_his", "both"):
        body = {"key": key, "name": key, "type": "text", "personal": True}
        assert (await house.ask("POST", "/v1/attributes", json=body)).status_code == 201
    (hers,), (his,) = [await conversations(house, each) for each in (sheena, bob)]
    await put_on(house, hers, "hers")
    await put_on(house, his, "his")
    me = house.headers()
    draft = await house.client.put(
        f"/v1/conversations/{hers['id']}/draft", json={"text": "Dear Sheena"}, headers=me | {"if-match": '"v0"'}
    )
    assert draft.status_code == 200, draft.text
    before = [await carried(house, each, **me) for each in (hers, his)]
    merge_id = (await merged(house, sheena, bob))["id"]
    (one,) = await conversations(house, sheena)
    rests = hers if one["id"] == his["id"] else his
    together = await carried(house, one, **me)
    assert together["labels"] == ["both", "label hers", "label his"]
    assert together["notes"] == ["note hers", "note his"]
    assert together["followers"] == sorted(before[0]["followers"] + before[1]["followers"])
    assert together["draft"] == "Dear Sheena"
    assert together["attributes"] == {
        "key_hers": "value hers",
        "key_his": "value his",
        "both": "his" if rests is hers else "hers",
    }
    label_id = one["label_ids"][0]
    listed = await house.get(f"/v1/conversations?label_id={label_id}")
    assert [each["id"] for each in listed["items"]] == [one["id"]]
    for method, path, told in (
        ("POST", "/v1/labels/apply", {"conversation_ids": [rests["id"]], "add": [label_id]}),
        ("PUT", f"/v1/conversations/{rests['id']}/draft", {"text": "late"}),
        ("POST", f"/v1/conversations/{rests['id']}/notes", {"text": "late"}),
    ):
        late = await house.client.request(method, path, json=told, headers=me | {"if-match": '"v0"'})
        assert (late.status_code, late.json()["conversation_id"]) == (409, one["id"]), path
    path = f"/v1/conversations/{one['id']}"
    assert (await house.ask("PATCH", f"{path}/attributes", json={"values": {"key_hers": "newer"}})).status_code == 200
    await undo(house, merge_id)
    before[0]["attributes"]["key_hers"] = "newer"
    assert [await carried(house, each, **me) for each in (hers, his)] == before
    async with house.database.transaction(house.organization_id) as tx:
        await house.parts.contacts.keyring.shred(tx, house.organization_id, f"contact:{bob}")
    assert await carried(house, hers, **me) == before[0]


async def test_what_was_put_on_both_is_forgotten_with_whom_they_are(house: House) -> None:
    sheena, bob = await contacts(house, SHEENA, BOB)
    (hers,), (his,) = [await conversations(house, each) for each in (sheena, bob)]
    for key in ("key_hers", "key_his", "both"):
        body = {"key": key, "name": key, "type": "text", "personal": True}
        assert (await house.ask("POST", "/v1/attributes", json=body)).status_code == 201
    for conversation, mark in ((hers, "hers"), (his, "his")):
        await put_on(house, conversation, mark)
        path = f"/v1/conversations/{conversation['id']}/draft"
        await house.client.put(path, json={"text": mark}, headers=house.headers() | {"if-match": '"v0"'})
    await merged(house, sheena, bob)
    asking = Asking(house)
    await asking.erasure(Person("contact", UUID(bob), house.organization_id))
    await asking.work()
    for table in ("notes", "conversation_labels", "conversation_attributes", "drafts", "conversations"):
        assert await house.count(f"SELECT count(*) FROM {table}") == 0, table
    assert {each["conversations"] for each in (await house.get("/v1/labels"))["items"]} == {0}


async def test_what_was_put_on_three_comes_back_to_each_in_whatever_order(house: House) -> None:
    people = {"hers": SHEENA, "his": BOB, "carls": CARL}
    ids = dict(zip(people, await contacts(house, *people.values()), strict=True))
    await house.ask("POST", "/v1/labels", json={"name": "both"})
    for key in ("key_hers", "key_his", "key_carls", "both"):
        assert (
            await house.ask("POST", "/v1/attributes", json={"key": key, "name": key, "type": "text"})
        ).status_code == 201
    talks = {mark: (await conversations(house, ids[mark]))[0] for mark in people}
    for mark, conversation in talks.items():
        await put_on(house, conversation, mark)
    me = house.headers()
    before = {mark: await carried(house, each, **me) for mark, each in talks.items()}
    first = await merged(house, ids["hers"], ids["his"])
    second = await merged(house, ids["carls"], ids["hers"])
    (one,) = await conversations(house, ids["carls"])
    assert len((await carried(house, one, **me))["notes"]) == 3
    await undo(house, first["id"])
    assert await carried(house, talks["his"], **me) == before["his"]
    await undo(house, second["id"])
    assert {mark: await carried(house, each, **me) for mark, each in talks.items()} == before


async def test_what_one_message_tells_of_its_writer_makes_two_contacts_one_and_says_why(house: House) -> None:
    await house.connected()
    hidden = {**written("without a number", house.now(), ""), "from_user_id": "US.123"}
    del hidden["from"]
    await house.hook(value(messages=[hidden], contacts=[{"user_id": "US.123", "profile": {"username": "s"}}]))
    await house.say("with a number")
    await house.reduce()
    assert len((await house.get("/v1/conversations"))["items"]) == 2
    both = written("both", house.now(), SHEENA, from_user_id="US.123")
    await house.hook(value(messages=[both], contacts=[{"wa_id": SHEENA, "user_id": "US.123"}]))
    await house.reduce()
    await told(house)
    one = await house.conversation()
    assert sorted(texts(await house.messages(one["id"]))) == ["both", "with a number", "without a number"]
    history = (await house.get(f"/v1/contacts/{one['contact_id']}/history"))["items"]
    (line,) = [each for each in history if each["what"] == "merged"]
    assert line["rule"] == "same_message"
    assert "the platform itself knows them as one" in line["because"]
    assert {each["value"] for each in history if each["what"] == "known_as"} == {SHEENA, "US.123"}
    await undo(house, line["merge_id"])
    await house.hook(value(messages=[{**both, "id": wamid()}], contacts=[{"wa_id": SHEENA, "user_id": "US.123"}]))
    await house.reduce()
    await told(house)
    assert len((await house.get("/v1/conversations"))["items"]) == 2, "what was taken apart by hand stays apart"


async def test_merging_crosswise_and_in_a_ring_ends_in_one_contact(house: House) -> None:
    ids = await contacts(house, SHEENA, BOB, CARL, DORA)
    pairs = [(one, other) for one in ids for other in ids if one != other]
    answers = await asyncio.gather(*(merge(house, *pair) for pair in pairs))
    assert {each.status_code for each in answers} <= {200, 409, 503}
    while any(each.status_code == 503 for each in answers):
        answers = [await merge(house, *pair) for pair in pairs]
    assert len([1 for each in await house.rows("SELECT FROM contact_merges WHERE undone_at IS NULL")]) == 3
    (contact,) = (await house.get("/v1/contacts"))["items"]
    assert {contact["id"], *contact["members"]} == set(ids)
    (one,) = (await house.get("/v1/conversations"))["items"]
    assert len(await house.messages(one["id"])) == 4
    assert await active(house) == 0
    again = await merge(house, ids[0], ids[1])
    assert (again.status_code, again.json()["type"]) == (409, "urn:rostrum:problem:contacts-already-one")


async def test_people_write_while_they_are_merged_and_taken_apart(house: House) -> None:
    """Nothing is lost or doubled, and at the end each has what is theirs."""
    people = (SHEENA, BOB, CARL)
    ids = await contacts(house, *people)
    stop = asyncio.Event()

    async def merging() -> None:
        chance = random.Random(11)
        while not stop.is_set():
            answer = await merge(house, *chance.sample(ids, 2))
            if answer.status_code == 200 and chance.random() < 0.7:
                await house.ask("POST", f"/v1/contacts/merges/{answer.json()['id']}/undo")

    async with house.working(workers=2, outside=False):
        task = asyncio.create_task(merging())
        for number in range(25):
            await asyncio.gather(*(house.say(f"{number}", person=person, name="") for person in people))
        stop.set()
        await task
    await house.reduce()
    assert await active(house) == 0
    for row in await house.rows("SELECT id FROM contact_merges WHERE undone_at IS NULL ORDER BY merged_at DESC"):
        await undo(house, row["id"])
    assert await active(house) == 0
    for person, contact_id in zip(people, ids, strict=True):
        (one,) = await conversations(house, contact_id)
        said = texts(await house.messages(one["id"]))
        assert sorted(said) == sorted([f"I am {person}", *(str(number) for number in range(25))])
        assert one["unread_count"] == 26


async def test_whatever_is_merged_and_undone_in_any_order_each_keeps_what_is_theirs(house: House) -> None:
    people, chance = (SHEENA, BOB, CARL, DORA), random.Random(5)
    ids = dict(zip(people, await contacts(house, *people), strict=True))
    said = {person: [f"I am {person}"] for person in people}
    open_merges: list[str] = []
    for number in range(24):
        person = chance.choice(people)
        await house.say(f"{number}", person=person, name=f"Name of {person}")
        said[person].append(f"{number}")
        await house.reduce()
        if open_merges and chance.random() < 0.4:
            await undo(house, open_merges.pop(chance.randrange(len(open_merges))))
        else:
            answer = await merge(house, *(ids[each] for each in chance.sample(people, 2)))
            open_merges += [answer.json()["id"]] if answer.status_code == 200 else []
        assert await active(house) == 0
        heads = (await house.get("/v1/contacts"))["items"]
        of = {each: head["id"] for head in heads for each in (head["id"], *head["members"])}
        for head in {of[each] for each in ids.values()}:
            (one,) = await conversations(house, head)
            theirs = [text for each in people if of[ids[each]] == head for text in said[each]]
            assert sorted(texts(await house.messages(one["id"]))) == sorted(theirs)
            assert one["unread_count"] == len(theirs)
    for merge_id in open_merges:
        await undo(house, merge_id)
    for person in people:
        (one,) = await conversations(house, ids[person])
        assert sorted(texts(await house.messages(one["id"]))) == sorted(said[person])


async def test_a_merge_is_undone_once_and_an_agent_may_do_it(house: House) -> None:
    sheena, bob = await contacts(house, SHEENA, BOB)
    found = (await house.ask("POST", f"/v1/contacts/{sheena}/merge", json={"contact_id": bob}, role="agent")).json()
    assert (found["kept_id"], found["merged_id"], found["rule"]) == (sheena, bob, "by_hand")
    path = f"/v1/contacts/merges/{found['id']}/undo"
    answers = await asyncio.gather(*(house.ask("POST", path, role="agent") for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [200, 409, 409]
    audited = [each.action for each in await house.audited()]
    assert (audited.count("inbox.contact.merged"), audited.count("inbox.contact.separated")) == (1, 1)


async def test_who_is_merged_answers_where_it_goes_on(house: House) -> None:
    sheena, bob = await contacts(house, SHEENA, BOB)
    (old,) = await conversations(house, bob)
    await merged(house, sheena, bob)
    (one,) = await conversations(house, sheena)
    given = old["id"] if one["id"] != old["id"] else None
    if given is None:  # his was the newer one: hers goes on in it
        (row,) = await house.rows("SELECT id FROM conversations WHERE continued_in IS NOT NULL")
        given = str(row["id"])
    refused = await house.reply(given, "here?")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:rostrum:problem:conversation-continued")
    assert refused.json()["conversation_id"] == one["id"]


async def test_another_organization_merges_and_undoes_nothing(house: House) -> None:
    sheena, bob = await contacts(house, SHEENA, BOB)
    other, merge_id = new_id(), (await merged(house, sheena, bob))["id"]
    for method, path, body in (
        ("POST", f"/v1/contacts/{sheena}/merge", {"contact_id": bob}),
        ("POST", f"/v1/contacts/merges/{merge_id}/undo", None),
        ("GET", f"/v1/contacts/{sheena}/history", None),
        ("POST", f"/v1/contacts/suggestions/{new_id()}/accept", None),
    ):
        answer = await house.ask(method, path, by=other, json=body)
        assert answer.status_code == 404, (path, answer.text)
    assert (await house.get(f"/v1/contacts/{bob}"))["merged_into"] == sheena


async def test_numbers_that_moved_stand_in_the_history(house: House) -> None:
    sheena, dora = await contacts(house, SHEENA, DORA)
    system = {"type": "user_changed_number", "body": "changed", "wa_id": DORA}
    await house.say("", type="system", system=system)
    await house.reduce()
    history = (await house.get(f"/v1/contacts/{sheena}/history"))["items"]
    moved = {each["what"]: (each["value"], each["other_id"]) for each in history}
    assert (moved["left"], moved["taken"]) == ((SHEENA, None), (DORA, dora))
    hers = (await house.get(f"/v1/contacts/{dora}/history"))["items"]
    assert [each["contact_id"] for each in hers if each["what"] == "taken"] == [sheena]


async def test_the_same_number_on_another_channel_is_suggested_and_somebody_decides(house: House) -> None:
    (ann,) = await contacts(house, ANN.removeprefix("+"))
    assert (await connect(house)).status_code == 201
    await say(house, "by text message")
    await house.reduce()
    await told(house)
    (suggested,) = (await house.get("/v1/contacts/suggestions"))["items"]
    assert (suggested["rule"], ann in suggested["contact_ids"]) == ("same_number", True)
    assert (await house.get("/v1/contacts/suggestions", by=new_id()))["items"] == []
    path = f"/v1/contacts/suggestions/{suggested['id']}"
    accepted = await house.ask("POST", f"{path}/accept")
    assert (accepted.status_code, accepted.json()["kept_id"]) == (200, ann)
    assert {each["channel_id"] for each in await conversations(house, ann)} == {
        each["id"] for each in (await house.get("/v1/channels"))["items"]
    }
    assert (await house.get("/v1/contacts/suggestions"))["items"] == []
    assert (await house.ask("POST", f"{path}/dismiss")).status_code == 409


async def test_contacts_are_added_changed_and_found_by_hand(house: House) -> None:
    await house.connected()
    body = {"name": "Carl", "identities": [{"kind": "whatsapp_id", "value": "551187654321"}]}
    headers = house.headers() | {"idempotency-key": new_id().hex}
    added = [await house.client.post("/v1/contacts", json=body, headers=headers) for _ in range(2)]
    assert [each.status_code for each in added] == [201, 201]
    carl = added[0].json()
    assert added[1].json()["id"] == carl["id"]
    taken = await house.ask("POST", "/v1/contacts", json={"identities": [{"kind": "whatsapp_id", "value": CARL}]})
    assert (taken.status_code, taken.json()["contact_id"]) == (409, carl["id"])
    wanted = {"kind": "whatsapp_id", "value": CARL}
    found = (await house.ask("POST", "/v1/contacts/lookup", json=wanted)).json()["items"]
    assert [each["id"] for each in found] == [carl["id"]]
    assert (await house.ask("POST", "/v1/contacts/lookup", json=wanted, by=new_id())).json()["items"] == []
    tag = {"if-match": f'"v{carl["version"]}"'}
    path = f"/v1/contacts/{carl['id']}"
    changed = await house.ask("PATCH", path, json={"name": "Karl"}, headers=tag)
    assert (changed.status_code, changed.json()["name"]) == (200, "Karl")
    assert (await house.ask("PATCH", path, json={"name": "Late"}, headers=tag)).status_code == 412
    await house.say("it is me", person=CARL, name="Carlos")
    await house.reduce()
    assert (await house.conversation())["contact_id"] == carl["id"]
    for wrong in ({}, {"name": "a\nb"}, {"identities": [{"kind": "phone", "value": "0123"}]}):
        assert (await house.ask("POST", "/v1/contacts", json=wrong)).status_code == 422

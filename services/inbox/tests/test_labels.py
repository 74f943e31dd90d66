"""Labels: made once whatever the capitals, put on many at once, counted rightly, gone with their conversations."""

import asyncio
from typing import Any
from uuid import UUID

from contracts.inbox import ArrangementChanged, ConversationChanged
from kit.ids import new_id
from kit.privacy.person import Person

from .house import House
from .lives import Asking


async def made(house: House, name: str = "urgent", by: UUID | None = None, **more: str) -> dict[str, Any]:
    answer = await house.ask("POST", "/v1/labels", by=by, json={"name": name, **more})
    assert answer.status_code == 201, answer.text
    label: dict[str, Any] = answer.json()
    return label


async def several(house: House, count: int = 3) -> list[dict[str, Any]]:
    """As many conversations."""
    await house.connected()
    for at in range(count):
        await house.say(f"hello {at}", person=f"4915100000{at:02}", name=f"Person {at}")
    await house.reduce()
    found: list[dict[str, Any]] = (await house.get("/v1/conversations?limit=100"))["items"]
    return found


async def apply(house: House, status: int = 200, by: UUID | None = None, **body: Any) -> dict[str, Any]:
    answer = await house.ask("POST", "/v1/labels/apply", by=by, role="agent", json=body)
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def counts(house: House) -> dict[str, tuple[int, int]]:
    items = (await house.get("/v1/labels?limit=100"))["items"]
    return {each["name"]: (each["conversations"], each["contacts"]) for each in items}


async def test_a_name_is_there_once_whatever_its_capitals(house: House) -> None:
    label = await made(house, "  Straße  Süd ", colour="#00ff00")
    assert (label["name"], label["colour"], label["version"]) == ("Straße  Süd", "#00ff00", 1)
    again = await house.ask("POST", "/v1/labels", json={"name": "STRASSE SÜD"})
    assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "label-taken")
    await made(house, "straße süd", by=new_id())
    other = await made(house, "other")
    path, tag = f"/v1/labels/{other['id']}", {"if-match": '"v1"'}
    taken = await house.ask("PATCH", path, json={"name": "Strasse Süd"}, headers=tag)
    assert taken.status_code == 409
    renamed = await house.ask("PATCH", path, json={"name": "Other", "colour": "#123456"}, headers=tag)
    assert (renamed.status_code, renamed.json()["name"], renamed.headers["etag"]) == (200, "Other", '"v2"')
    assert (await house.ask("PATCH", path, json={"name": "late"}, headers=tag)).status_code == 412
    same = await house.ask("PATCH", path, json={"name": "Other"}, headers={"if-match": '"v2"'})
    assert (same.status_code, same.json()["version"]) == (200, 2)
    lines = [(line.target_id, line.details) for line in await house.audited()]
    assert lines == [
        (label["id"], {"what": "made"}),
        (other["id"], {"what": "made"}),
        (other["id"], {"what": "changed"}),
    ]


async def test_twins_make_one_label_and_a_repeated_request_gives_the_same(house: House) -> None:
    answers = await asyncio.gather(
        *(house.ask("POST", "/v1/labels", json={"name": name}) for name in ("vip", "VIP", "Vip", "vIP"))
    )
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409]
    user = {"sub": str(new_id())}
    token = house.issuer.token(house.database.clock.now(), house.organization_id, "owner", **user)
    headers = {"authorization": f"Bearer {token}", "idempotency-key": new_id().hex}
    twice = [await house.client.post("/v1/labels", json={"name": "once"}, headers=headers) for _ in range(2)]
    assert twice[0].json() == twice[1].json()
    told = [each for each in await house.told() if isinstance(each, ArrangementChanged)]
    assert [(each.kind, each.version, each.deleted) for each in told] == [("label", 1, False)] * 2


async def test_labels_are_put_on_many_at_once_counted_and_told(house: House) -> None:
    conversations = await several(house)
    red, blue = await made(house, "red"), await made(house, "blue")
    ids, contacts = [each["id"] for each in conversations], [conversations[0]["contact_id"]]
    told = len(await house.told())
    body: dict[str, Any] = {"conversation_ids": ids, "contact_ids": contacts, "add": [red["id"], blue["id"]]}
    assert await apply(house, **body) == {"added": 8, "removed": 0}
    events = (await house.told())[told:]
    assert {type(each) for each in events} == {ConversationChanged}
    assert {str(each.conversation_id) for each in events if isinstance(each, ConversationChanged)} == set(ids)
    assert await apply(house, **body) == {"added": 0, "removed": 0}
    assert len(await house.told()) == told + 3
    assert await counts(house) == {"blue": (3, 1), "red": (3, 1)}
    off: dict[str, Any] = {"conversation_ids": ids[:2], "remove": [red["id"]], "add": [blue["id"]]}
    assert await apply(house, **off) == {"added": 0, "removed": 2}
    assert await counts(house) == {"blue": (3, 1), "red": (1, 1)}
    assert (await house.get(f"/v1/conversations/{ids[0]}/labels"))["label_ids"] == [blue["id"]]
    assert (await house.get(f"/v1/contacts/{contacts[0]}/labels"))["label_ids"] == [blue["id"], red["id"]]


async def test_many_at_once_count_rightly(house: House) -> None:
    conversations = await several(house, 6)
    labels = [await made(house, name) for name in ("a", "b", "c")]
    ids, wanted = [each["id"] for each in conversations], [each["id"] for each in labels]
    put = [apply(house, conversation_ids=ids[at::2][::-1], add=wanted[at % 3 :]) for at in range(2)] * 1
    put += [apply(house, conversation_ids=[one], add=wanted) for one in ids]
    await asyncio.gather(*put)
    assert await counts(house) == {"a": (6, 0), "b": (6, 0), "c": (6, 0)}
    await asyncio.gather(*(apply(house, conversation_ids=ids, remove=[each]) for each in wanted for _ in range(2)))
    assert await counts(house) == {"a": (0, 0), "b": (0, 0), "c": (0, 0)}


async def test_all_or_nothing_and_nothing_of_another_organization(house: House) -> None:
    conversations, other = await several(house, 2), new_id()
    ids, mine, theirs = (
        [each["id"] for each in conversations],
        await made(house),
        await made(house, "theirs", by=other),
    )
    await apply(house, 404, conversation_ids=[*ids, str(new_id())], add=[mine["id"]])
    await apply(house, 404, conversation_ids=ids, by=other, add=[theirs["id"]])
    await apply(house, 422, conversation_ids=ids, add=[mine["id"], theirs["id"]])
    await apply(house, 422, conversation_ids=ids)
    await apply(house, 422, add=[mine["id"]])
    await apply(house, 404, contact_ids=[conversations[0]["contact_id"]], by=other, add=[theirs["id"]])
    assert await counts(house) == {"urgent": (0, 0)}
    assert (await house.ask("DELETE", f"/v1/labels/{mine['id']}", by=other)).status_code == 404
    assert (await house.ask("GET", f"/v1/conversations/{ids[0]}/labels", by=other)).status_code == 404
    assert (await house.get("/v1/labels", by=other))["items"][0]["name"] == "theirs"
    assert (await house.ask("POST", "/v1/labels", role="agent", json={"name": "no"})).status_code == 403


async def test_one_carries_thirty_at_most(house: House) -> None:
    (conversation,) = await several(house, 1)
    labels = [(await made(house, f"label {at}"))["id"] for at in range(31)]
    await apply(house, conversation_ids=[conversation["id"]], add=labels[:30])
    told = await apply(house, 409, conversation_ids=[conversation["id"]], add=labels[30:])
    assert told["type"].endswith("too-many-labels-on-one")
    await apply(house, conversation_ids=[conversation["id"]], add=labels[30:], remove=labels[:1])


async def test_a_deleted_label_is_on_nothing_and_its_rows_go(house: House) -> None:
    conversations = await several(house, 2)
    label, kept = await made(house), await made(house, "kept")
    ids = [each["id"] for each in conversations]
    await apply(
        house, conversation_ids=ids, contact_ids=[conversations[0]["contact_id"]], add=[label["id"], kept["id"]]
    )
    assert (await house.ask("DELETE", f"/v1/labels/{label['id']}")).status_code == 204
    assert (await house.ask("DELETE", f"/v1/labels/{label['id']}")).status_code == 404
    assert (await house.get(f"/v1/conversations/{ids[0]}/labels"))["label_ids"] == [kept["id"]]
    await apply(house, 422, conversation_ids=ids, add=[label["id"]])
    assert await counts(house) == {"kept": (2, 1)}
    await made(house)  # the name is free at once
    while await house.parts.label_sweeping.run():
        pass
    assert await house.count("SELECT count(*) FROM conversation_labels WHERE label_id = $1::uuid", label["id"]) == 0
    assert await house.count("SELECT count(*) FROM contact_labels WHERE label_id = $1::uuid", label["id"]) == 0
    assert await house.count("SELECT count(*) FROM labels WHERE id = $1::uuid", label["id"]) == 0
    assert await house.count("SELECT count(*) FROM conversation_labels") == 2


async def test_an_erased_contact_is_counted_no_more(house: House) -> None:
    conversations, label, asking = await several(house, 2), await made(house), Asking(house)
    first = conversations[0]
    ids = [each["id"] for each in conversations]
    await apply(house, conversation_ids=ids, contact_ids=[first["contact_id"]], add=[label["id"]])
    await asking.erasure(Person("contact", UUID(first["contact_id"]), house.organization_id))
    await asking.work()
    assert await counts(house) == {"urgent": (1, 0)}


async def test_labels_come_in_pages(house: House) -> None:
    for name in ("delta", "Alpha", "charlie", "Bravo"):
        await made(house, name)
    first = await house.get("/v1/labels?limit=3")
    rest = await house.get(f"/v1/labels?limit=3&cursor={first['next_cursor']}")
    assert [each["name"] for each in first["items"] + rest["items"]] == ["Alpha", "Bravo", "charlie", "delta"]
    assert rest["next_cursor"] is None


async def test_contacts_are_listed_by_a_label_page_by_page_until_it_is_taken_off_or_deleted(house: House) -> None:
    label, other = (await made(house))["id"], (await made(house, "other"))["id"]
    ids = []
    for number in range(4):
        body = {"identities": [{"kind": "phone", "value": f"+4917012345{number}"}]}
        ids.append((await house.ask("POST", "/v1/contacts", json=body)).json()["id"])
    wanted = {"contact_ids": ids[:3], "add": [label]}
    assert (await house.ask("POST", "/v1/labels/apply", json=wanted)).json() == {"added": 3, "removed": 0}

    async def carrying(label_id: str) -> list[str]:
        first = await house.get(f"/v1/contacts?label_id={label_id}&limit=2")
        if first["next_cursor"] is None:
            return [each["id"] for each in first["items"]]
        rest = await house.get(f"/v1/contacts?label_id={label_id}&limit=2&cursor={first['next_cursor']}")
        return [each["id"] for each in (*first["items"], *rest["items"])]

    assert await carrying(label) == sorted(ids[:3], reverse=True)
    assert await carrying(other) == []
    await house.ask("POST", "/v1/labels/apply", json={"contact_ids": ids[:1], "remove": [label]})
    assert await carrying(label) == sorted(ids[1:3], reverse=True)
    others = await house.ask("GET", f"/v1/contacts?label_id={label}", by=new_id())
    assert others.json()["items"] == []
    await house.ask("DELETE", f"/v1/labels/{label}")
    assert await carrying(label) == []

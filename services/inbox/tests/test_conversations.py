"""How the team works on conversations."""

import asyncio
from typing import Any

from kit.ids import new_id

from .house import House, texts


async def spoken(house: House, people: int, each: int = 1) -> list[dict[str, Any]]:
    """So many people have written so often."""
    await house.connected()
    for person in range(people):
        for place in range(each):
            await house.say(
                f"{place}", person=f"1650555{person:04d}", name=f"Person {person}", timestamp=str(house.now())
            )
    await house.reduce()
    found: list[dict[str, Any]] = (await house.get("/v1/conversations?limit=100"))["items"]
    return found


async def pages(house: House, path: str) -> list[dict[str, Any]]:
    found, cursor = [], ""
    while True:
        page = await house.get(f"{path}{'&' if '?' in path else '?'}limit=2{cursor}")
        assert len(page["items"]) <= 2
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def test_lists_come_in_pages_and_are_filtered(house: House) -> None:
    found = await spoken(house, 5)
    assert [each["id"] for each in await pages(house, "/v1/conversations")] == [each["id"] for each in found]
    assert len(await pages(house, "/v1/contacts")) == 5
    user, mine = await house.member(), found[0]
    tag = {"if-match": f'"v{mine["version"]}"'}
    body = {"assignee_id": str(user), "state": "pending"}
    answer = await house.ask("PATCH", f"/v1/conversations/{mine['id']}", json=body, headers=tag)
    assert (answer.status_code, answer.json()["assignee_id"], answer.json()["state"]) == (200, str(user), "pending")
    for query, count in (
        (f"assignee={user}", 1),
        ("assignee=none", 4),
        ("state=pending", 1),
        ("state=open&assignee=none", 4),
        (f"channel_id={mine['channel_id']}", 5),
        (f"channel_id={new_id()}", 0),
        (f"contact_id={mine['contact_id']}", 1),
    ):
        assert len(await pages(house, f"/v1/conversations?{query}")) == count, query
    for wrong in ("state=lost", "assignee=me", "cursor=x"):
        assert (await house.ask("GET", f"/v1/conversations?{wrong}")).status_code == 422


async def test_nobody_changes_what_they_have_not_seen(house: House) -> None:
    (conversation,) = await spoken(house, 1)
    path, tag = f"/v1/conversations/{conversation['id']}", {"if-match": f'"v{conversation["version"]}"'}
    assert (await house.ask("PATCH", path, json={"state": "resolved"})).status_code == 428
    users = [await house.member() for _ in range(3)]
    changed = await asyncio.gather(
        *(house.ask("PATCH", path, json={"assignee_id": str(user)}, headers=tag) for user in users)
    )
    assert sorted(each.status_code for each in changed) == [200, 412, 412]
    now = await house.get(path)
    tag = {"if-match": f'"v{now["version"]}"'}
    same = await house.ask("PATCH", path, json={"state": "open"}, headers=tag)
    assert (same.json()["version"], same.json()["assignee_id"]) == (now["version"], now["assignee_id"])
    freed = await house.ask("PATCH", path, json={"assignee_id": None}, headers=tag)
    assert freed.json()["assignee_id"] is None


async def test_unread_is_right_while_people_write_and_the_team_reads(house: House) -> None:
    (conversation,) = await spoken(house, 1, 3)
    path = f"/v1/conversations/{conversation['id']}"
    assert conversation["unread_count"] == 3
    answer = await house.ask("POST", f"{path}/read", json={"up_to_sequence": 2})
    assert answer.json()["unread_count"] == 1
    assert (await house.ask("POST", f"{path}/read", json={"up_to_sequence": 1})).json()["unread_count"] == 1
    async with house.working(2):
        await asyncio.gather(
            *(house.say(str(number), person="16505550000") for number in range(10)),
            *(house.ask("POST", f"{path}/read", json={"up_to_sequence": 3}) for _ in range(5)),
        )
    await house.reduce()
    assert (await house.get(path))["unread_count"] == 10
    before = (await house.ask("POST", f"{path}/read", json={})).json()
    again = (await house.ask("POST", f"{path}/read", json={})).json()
    assert (before["unread_count"], again["version"]) == (0, before["version"])


async def test_messages_are_read_from_an_anchor_in_both_directions(house: House) -> None:
    (conversation,) = await spoken(house, 1, 9)
    path = f"/v1/conversations/{conversation['id']}/messages"
    everything = [each["text"] for each in await house.messages(conversation["id"])]
    assert everything == [str(number) for number in range(9)]
    newest = await house.get(f"{path}?limit=3")
    assert (texts(newest["items"]), newest["newer_cursor"]) == (["6", "7", "8"], None)
    older = await house.get(f"{path}?limit=3&cursor={newest['older_cursor']}")
    assert texts(older["items"]) == ["3", "4", "5"]
    newer = await house.get(f"{path}?limit=3&direction=newer&cursor={older['newer_cursor']}")
    assert (texts(newer["items"]), newer["newer_cursor"]) == (["6", "7", "8"], None)
    oldest = await house.get(f"{path}?limit=3&cursor={older['older_cursor']}")
    assert (texts(oldest["items"]), oldest["older_cursor"]) == (["0", "1", "2"], None)
    anchor = older["items"][1]["id"]
    around = await house.get(f"{path}?limit=4&around={anchor}")
    assert texts(around["items"]) == ["2", "3", "4", "5", "6"]
    assert around["older_cursor"]
    assert around["newer_cursor"]
    both = await house.ask("GET", f"{path}?around={anchor}&cursor={around['older_cursor']}")
    assert (both.status_code, both.json()["type"]) == (422, "urn:rostrum:problem:two-places")
    assert (await house.ask("GET", f"{path}?around={new_id()}")).status_code == 404


async def test_another_organization_finds_nothing(house: House) -> None:
    (conversation,) = await spoken(house, 1)
    (message,) = await house.messages(conversation["id"])
    other, path = new_id(), f"/v1/conversations/{conversation['id']}"
    for method, address, body in (
        ("GET", path, None),
        ("GET", f"{path}/messages", None),
        ("POST", f"{path}/messages", {"text": "x"}),
        ("POST", f"{path}/read", {}),
        ("GET", f"/v1/messages/{message['id']}", None),
        ("GET", f"/v1/contacts/{conversation['contact_id']}", None),
        ("GET", f"/v1/channels/{conversation['channel_id']}", None),
        ("DELETE", f"/v1/channels/{conversation['channel_id']}", None),
    ):
        answer = await house.ask(method, address, by=other, json=body)
        assert answer.status_code == 404, address
    for address in ("/v1/conversations", "/v1/contacts", "/v1/channels"):
        assert (await house.get(address, by=other))["items"] == []
    taken = await house.ask("POST", f"{path}/messages", json={"text": "x", "id": message["id"]})
    assert taken.status_code == 409

"""Posts come into the next free slot of a queue, never two into one, and can be given others."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx

from kit.http.etag import etag
from kit.ids import new_id

from .story import Story

PATH = "/v1/publishing/queues"
SLOTS = [{"day": day, "at": at} for day in ("monday", "wednesday", "friday") for at in ("09:00", "17:30")]


async def queue_of(client: httpx.AsyncClient, *accounts: str, **changed: Any) -> str:
    body = {"name": "Mornings", "zone": "Europe/Berlin", "slots": SLOTS, "accounts": list(accounts)} | changed
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def places(client: httpx.AsyncClient, queue: str, limit: int = 8) -> list[tuple[str, str | None]]:
    found = (await client.get(f"{PATH}/{queue}/slots", params={"limit": limit})).json()["items"]
    return [(each["publish_at"], each["post_id"]) for each in found]


async def test_twelve_who_come_at_once_get_a_slot_each_in_order(story: Story) -> None:
    client = story.client(new_id())
    page = await story.connect(client)
    queue = await queue_of(client, page)
    bodies = [{"text": f"Hello {number}", "publish_at": {"queue": queue}} for number in range(12)]
    answers = await asyncio.gather(*(client.post("/v1/posts", json=body) for body in bodies))
    assert {answer.status_code for answer in answers} == {201}
    posts = [answer.json() for answer in answers]
    times = sorted(post["publish_at"] for post in posts)
    assert len(set(times)) == 12
    assert [at for at, _ in await places(client, queue, 12)] == times
    assert all(post["queue_id"] == queue and post["zone"] == "Europe/Berlin" for post in posts)
    assert {post["local"][11:16] for post in posts} == {"09:00", "17:30"}
    assert [each["account_id"] for each in posts[0]["deliveries"]] == [page]


async def test_who_leaves_a_queue_leaves_the_slot_to_others(story: Story) -> None:
    client = story.client(new_id())
    page, member = await story.connect(client), await story.connect(client, "member")
    queue = await queue_of(client, page)
    first, second, third = [await story.post(client, page, publish_at={"queue": queue}) for _ in range(3)]
    await client.post(f"/v1/posts/{first['id']}/cancel")
    at = (story.now() + timedelta(days=40)).isoformat()
    path = f"/v1/posts/{second['id']}"
    moved = await client.patch(path, json={"publish_at": at}, headers={"if-match": etag(1)})
    assert (moved.status_code, moved.json()["queue_id"]) == (200, None)
    assert [post for _, post in await places(client, queue, 3)] == [None, None, third["id"]]
    again = await client.patch(path, json={"publish_at": {"queue": queue}}, headers={"if-match": etag(2)})
    assert again.json()["publish_at"] == first["publish_at"]
    refused = await client.post("/v1/posts", json={"text": "x", "targets": [member], "publish_at": {"queue": queue}})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/publish_at/queue")
    strange = story.client(new_id())
    theirs = await story.connect(strange)
    answer = await strange.post("/v1/posts", json={"text": "x", "targets": [theirs], "publish_at": {"queue": queue}})
    assert (answer.status_code, answer.json()["errors"][0]["detail"]) == (422, "There is no such queue.")
    assert (await strange.get(f"{PATH}/{queue}/slots")).status_code == 404


async def test_what_waits_is_put_in_another_order_pushed_back_and_drawn_together(story: Story) -> None:
    client = story.client(new_id())
    page = await story.connect(client)
    queue = await queue_of(client, page)
    posts = [await story.post(client, page, publish_at={"queue": queue}) for _ in range(4)]
    ids, times = [post["id"] for post in posts], [post["publish_at"] for post in posts]
    path = f"{PATH}/{queue}/arrange"
    answer = await client.post(path, json={"order": [ids[3], ids[0], ids[1]]})
    assert answer.json() == {"moved": 3}
    assert await places(client, queue, 4) == list(zip(times, [ids[3], ids[0], ids[2], ids[1]], strict=True))
    shown = await story.shown(client, posts[3])
    assert (shown["publish_at"], shown["deliveries"][0]["next_at"]) == (times[0], times[0])
    assert (await client.post(path, json={"push_back": ids[2]})).json() == {"moved": 2}
    found = await places(client, queue, 5)
    assert [post for _, post in found] == [ids[3], ids[0], None, ids[2], ids[1]]
    body = {"name": "Later", "zone": "Asia/Kathmandu", "slots": SLOTS[:1], "accounts": [page]}
    assert (await client.put(f"{PATH}/{queue}", json=body, headers={"if-match": etag(1)})).status_code == 200
    assert (await story.shown(client, posts[3]))["publish_at"] == times[0], "what waits keeps its slot"
    assert (await client.post(path, json={"close_gaps": True})).json() == {"moved": 4}
    assert [post for _, post in await places(client, queue, 4)] == [ids[3], ids[0], ids[2], ids[1]]
    assert {(await story.shown(client, post))["local"][11:16] for post in posts} == {"09:00"}
    for wrong in ({}, {"order": [ids[0], ids[0]]}, {"order": ids, "close_gaps": True}):
        assert (await client.post(path, json=wrong)).status_code == 422
    assert (await client.post(path, json={"order": [str(new_id())]})).status_code == 409


async def test_what_may_have_left_never_moves(story: Story) -> None:
    client = story.client(new_id())
    page = await story.connect(client)
    queue = await queue_of(client, page, slots=[{"day": day, "at": "09:00"} for day in ("monday", "tuesday")])
    first, second = [await story.post(client, page, publish_at={"queue": queue}) for _ in range(2)]
    async with story.working():
        await story.forward(days=7)
        done = await story.until(client, first, "published")
        await story.until(client, second, "published")
    path = f"{PATH}/{queue}/arrange"
    assert (await client.post(path, json={"order": [first["id"], second["id"]]})).status_code == 409
    assert (await client.post(path, json={"close_gaps": True})).json() == {"moved": 0}
    assert (await story.shown(client, first))["publish_at"] == done["publish_at"] == first["publish_at"]
    assert (await client.delete(f"{PATH}/{queue}")).status_code == 204
    assert (await story.shown(client, first))["queue_id"] is None


async def test_a_queue_that_cannot_be_is_refused_by_field(story: Story) -> None:
    client = story.client(new_id())
    body = {"name": "x", "zone": "Mars/Base", "slots": SLOTS, "accounts": [str(new_id())]}
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == ["#/zone", "#/accounts/0"]
    assert (await client.post(PATH, json=body | {"slots": []})).status_code == 422

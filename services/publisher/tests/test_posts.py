import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from kit.http.etag import etag
from kit.ids import new_id
from kit.ledger.model import Effect, Lane, Status
from kit.ledger.operating import Operating
from kit.testing.programs import eventually

from .story import Story

PATH = "/v1/posts"


def pointers(body: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in body["errors"]]


async def test_a_draft_is_written_changed_scheduled_and_leaves_at_its_time(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    account = await story.connect(client)
    draft = await story.post(client, account, publish_at=None, text="first")
    assert (draft["status"], draft["publish_at"], draft["version"]) == ("draft", None, 1)
    changed = await client.patch(
        f"{PATH}/{draft['id']}", json={"text": "Hello (world) #launch"}, headers={"if-match": etag(1)}
    )
    assert (changed.status_code, changed.headers["etag"]) == (200, etag(2))
    at = (story.now() + timedelta(hours=1)).isoformat()
    scheduled = await client.post(f"{PATH}/{draft['id']}/schedule", json={"publish_at": at})
    assert (scheduled.status_code, scheduled.json()["status"]) == (200, "scheduled")
    again = await client.post(f"{PATH}/{draft['id']}/schedule", json={"publish_at": at})
    assert again.json()["type"] == "urn:rostrum:problem:post-scheduled-already"
    async with story.working():
        assert (await story.shown(client, draft))["status"] == "scheduled"
        await story.forward(hours=1)
        published = await story.until(client, draft, "published")
    (live,) = await story.linkedin.live()
    assert live["text"] == "Hello (world) #launch"
    (delivery,) = published["deliveries"]
    assert delivery["external_id"] == live["urn"]
    assert delivery["url"] == f"https://www.linkedin.com/feed/update/{live['urn']}/"
    assert [each["outcome"] for each in delivery["tried"]] == ["done"]
    told = [event.type for event in await story.told_of(organization_id)]
    assert told[1:] == ["publisher.post.scheduled.v1", "publisher.post.published.v1"]


async def test_a_wall_clock_and_its_zone_are_kept_beside_the_instant(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    summer = story.now().year + 1
    at = {"local": f"{summer}-07-01T09:00", "zone": "Europe/Berlin"}
    shown = await story.post(client, account, publish_at=at)
    assert shown["publish_at"] == f"{summer}-07-01T07:00:00Z"
    assert (shown["local"], shown["zone"], shown["fold"]) == (f"{summer}-07-01T09:00:00", "Europe/Berlin", 0)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"text": "a" * 3001}, "#/text"),
        ({"text": "  "}, "#/text"),
        ({"targets": []}, "#/targets"),
        ({"publish_at": "2020-01-01T00:00:00Z"}, "#/publish_at"),
        ({"publish_at": {"local": "2027-03-28T02:30", "zone": "Europe/Berlin"}}, "#/publish_at/local"),
        ({"publish_at": {"local": "2027-03-28T09:00", "zone": "Mars/Olympus"}}, "#/publish_at/zone"),
    ],
)
async def test_what_no_platform_takes_is_refused_with_its_place(
    story: Story, body: dict[str, Any], pointer: str
) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    wanted = {"text": "Hello", "targets": [account], "publish_at": "now"} | body
    answer = await client.post(PATH, json=wanted)
    assert (answer.status_code, pointers(answer.json())) == (422, [pointer])
    assert (await client.get(PATH)).json()["items"] == []


@pytest.mark.parametrize(
    "publish_at",
    [
        *(0, 1767225600, "2026-11-21T09:00", "tomorrow", {"local": "2026-11-21T09:00Z", "zone": "UTC"}, {}, [], True),
        *("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"),
    ],
)
async def test_a_time_that_is_not_one_is_refused(story: Story, publish_at: object) -> None:
    answer = await story.client(new_id()).post(PATH, json={"text": "x", "targets": [], "publish_at": publish_at})
    assert answer.status_code == 422


async def test_an_override_is_checked_and_said_on_its_account_only(story: Story) -> None:
    client = story.client(new_id())
    page, member = await story.connect(client, "organization"), await story.connect(client, "member")
    long = await client.post(
        PATH,
        json={"text": "short", "targets": [page, member], "overrides": {page: "a" * 3001}, "publish_at": "now"},
    )
    assert pointers(long.json()) == [f"#/overrides/{page}"]
    post = await story.post(client, page, member, text="for people", overrides={page: "for the page"})
    async with story.working():
        await story.until(client, post, "published")
    live = {each["author"]: each["text"] for each in await story.linkedin.live()}
    assert live == {"urn:li:organization:5000001": "for the page", "urn:li:person:ann": "for people"}


async def test_the_same_request_twice_makes_one_post(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    body = {"text": "once", "targets": [account], "publish_at": "now"}
    key = {"idempotency-key": "one"}
    first, second = [await client.post(PATH, json=body, headers=key) for _ in range(2)]
    assert first.json()["id"] == second.json()["id"]
    other = await client.post(PATH, json=body | {"text": "twice"}, headers=key)
    assert other.status_code == 422
    async with story.working():
        await story.until(client, first.json(), "published")
    assert len(await story.linkedin.live()) == 1


async def test_a_scheduled_post_is_moved_and_its_targets_changed(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    page, member = await story.connect(client, "organization"), await story.connect(client, "member")
    post = await story.post(client, page, publish_at=(story.now() + timedelta(hours=1)).isoformat())
    later = (story.now() + timedelta(hours=3)).isoformat()
    moved = await client.patch(
        f"{PATH}/{post['id']}",
        json={"publish_at": later, "targets": [member], "text": "moved"},
        headers={"if-match": etag(post["version"])},
    )
    assert moved.status_code == 200, moved.text
    stale = await client.patch(
        f"{PATH}/{post['id']}", json={"text": "lost"}, headers={"if-match": etag(post["version"])}
    )
    assert stale.status_code == 412
    async with story.working():
        await story.forward(hours=2)
        assert (await story.shown(client, post))["status"] == "scheduled"
        await story.forward(hours=1)
        await story.until(client, post, "published")
    (live,) = await story.linkedin.live()
    assert (live["author"], live["text"]) == ("urn:li:person:ann", "moved")
    told = [event.type for event in await story.told_of(organization_id)]
    assert told.count("publisher.post.rescheduled.v1") == 1


async def test_a_scheduled_post_becomes_a_draft_again_and_can_be_scheduled_anew(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    post = await story.post(client, account, publish_at=(story.now() + timedelta(hours=1)).isoformat())
    back = await client.patch(f"{PATH}/{post['id']}", json={"publish_at": None}, headers={"if-match": etag(1)})
    assert (back.json()["status"], back.json()["publish_at"]) == ("draft", None)
    async with story.working():
        await story.forward(hours=2)
        await client.post(f"{PATH}/{post['id']}/schedule", json={"publish_at": "now"})
        await story.until(client, post, "published")
    assert len(await story.linkedin.live()) == 1


async def test_a_cancelled_post_never_leaves(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    account = await story.connect(client)
    post = await story.post(client, account, publish_at=(story.now() + timedelta(hours=1)).isoformat())
    cancelled = [(await client.post(f"{PATH}/{post['id']}/cancel")).json()["status"] for _ in range(2)]
    assert cancelled == ["cancelled", "cancelled"]
    other = await story.post(client, account, publish_at=(story.now() + timedelta(hours=1)).isoformat())
    async with story.working():
        await story.forward(hours=2)
        await story.until(client, other, "published")
    assert [each["text"] for each in await story.linkedin.live()] == [other["text"]]
    told = [event.type for event in await story.told_of(organization_id)]
    assert told.count("publisher.post.cancelled.v1") == 1


async def test_a_cancelled_post_never_leaves_even_if_an_operator_wants_it_tried_again(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    account = await story.connect(client)
    post = await story.post(client, account)
    assert (await client.post(f"{PATH}/{post['id']}/cancel")).status_code == 200
    async with story.database.transaction(organization_id) as tx:
        effect_id = await tx.fetchval(
            "SELECT id FROM ledger_entries WHERE subject_id = $1", UUID(post["deliveries"][0]["id"])
        )
    operating = Operating(story.made.ledger)
    await operating.retry(effect_id)
    async with story.working():

        async def ended() -> bool:
            return (await operating.show(effect_id))[0].status in (Status.CANCELLED, Status.DONE)

        await eventually(ended)
    assert (await story.shown(client, post))["status"] == "cancelled"
    assert await story.linkedin.live() == []


async def test_what_has_left_can_neither_be_cancelled_nor_changed_nor_deleted(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    post = await story.post(client, account)
    async with story.working():
        published = await story.until(client, post, "published")
    url = f"{PATH}/{post['id']}"
    cancelled = await client.post(f"{url}/cancel")
    assert (cancelled.status_code, cancelled.json()["type"]) == (409, "urn:rostrum:problem:post-already-left")
    changed = await client.patch(url, json={"text": "x"}, headers={"if-match": etag(published["version"])})
    assert (changed.status_code, changed.json()["type"]) == (409, "urn:rostrum:problem:post-already-left")
    assert (await client.delete(url)).json()["type"] == "urn:rostrum:problem:post-not-draft"


async def test_what_is_shown_is_of_one_moment_so_that_its_version_is_that_of_its_status(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    posts = [await story.post(client, account) for _ in range(12)]
    async with story.working():
        seen = await asyncio.gather(*(story.until(client, post, "published") for post in posts))
    assert [each["version"] for each in seen] == [(await story.shown(client, post))["version"] for post in posts]


async def test_a_cancel_that_races_the_call_withdraws_it_or_says_that_it_left(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    await story.linkedin.fails({"kind": "delay", "seconds": 0.5, "match": {"path": "/linkedin/api/rest/posts"}})
    posts = [await story.post(client, account) for _ in range(4)]
    async with story.working():

        async def cancel(post: dict[str, Any], wait: float) -> int:
            await asyncio.sleep(wait)
            return (await client.post(f"{PATH}/{post['id']}/cancel")).status_code

        answers = await asyncio.gather(*(cancel(post, 0.6 * n) for n, post in enumerate(reversed(posts))))
        ends = [await story.until(client, post, "published", "cancelled") for post in reversed(posts)]
    assert {200: "cancelled", 409: "published"} | {
        status: end["status"] for status, end in zip(answers, ends, strict=True)
    } == {200: "cancelled", 409: "published"}
    assert len(await story.linkedin.live()) == answers.count(409)


async def test_a_draft_can_be_deleted(story: Story) -> None:
    client = story.client(new_id())
    draft = await story.post(client, publish_at=None)
    assert (await client.delete(f"{PATH}/{draft['id']}")).status_code == 204
    assert (await client.get(f"{PATH}/{draft['id']}")).status_code == 404
    assert (await client.post(f"{PATH}/{draft['id']}/cancel")).status_code == 404


async def test_posts_are_listed_by_status_account_and_time_in_pages(story: Story) -> None:
    client = story.client(new_id())
    page, member = await story.connect(client, "organization"), await story.connect(client, "member")
    hours = [(story.now() + timedelta(hours=n)).isoformat() for n in range(1, 4)]
    posts = [await story.post(client, page, publish_at=at) for at in hours]
    draft = await story.post(client, member, publish_at=None)

    async def ids(**query: str) -> list[str]:
        answer = await client.get(PATH, params=query)
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    newest = [each["id"] for each in reversed([*posts, draft])]
    assert await ids() == newest
    assert await ids(status="draft") == [draft["id"]]
    assert await ids(account=member) == [draft["id"]]
    assert await ids(**{"from": hours[1], "to": hours[2]}) == [posts[1]["id"]]
    first = (await client.get(PATH, params={"limit": 3})).json()
    rest = (await client.get(PATH, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == newest
    assert rest["next_cursor"] is None
    assert (await client.get(PATH, params={"cursor": "nonsense"})).status_code == 422
    assert (await client.get(PATH, params={"from": "9999-12-31T23:59:59-12:00"})).status_code == 422


async def test_another_organization_sees_and_changes_nothing(story: Story) -> None:
    ours, theirs = story.client(new_id()), story.client(new_id())
    account = await story.connect(ours)
    post = await story.post(ours, account, publish_at=(story.now() + timedelta(hours=1)).isoformat())
    url = f"{PATH}/{post['id']}"
    answers = [
        await theirs.get(url),
        await theirs.patch(url, json={"text": "x"}, headers={"if-match": "*"}),
        await theirs.post(f"{url}/cancel"),
        await theirs.delete(url),
        await theirs.post(
            f"{url}/deliveries/{post['deliveries'][0]['id']}/resolve", json={"outcome": "not_published"}
        ),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert (await theirs.get(PATH)).json()["items"] == []
    stolen = await theirs.post(PATH, json={"text": "x", "targets": [account], "publish_at": "now"})
    assert pointers(stolen.json()) == ["#/targets/0"]
    assert (await story.shown(ours, post))["status"] == "scheduled"


@pytest.mark.parametrize("role", ["approver", "agent", "analyst", "client", "provider", "navigator"])
async def test_only_owners_administrators_and_editors_post(story: Story, role: str) -> None:
    client = story.client(new_id(), role)
    assert (await client.post(PATH, json={"text": "x"})).status_code == 403
    assert (await client.post(f"{PATH}/{new_id()}/cancel")).status_code == 403
    reads = (await client.get(PATH)).status_code
    assert reads == (200 if role in ("approver", "agent", "analyst") else 403)


async def test_hostile_text_arrives_as_it_was_written(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    text = "\u202e<b>|{}@[x](y) \\ *_~ #tag #größe 👩‍👩‍👧 '; DROP TABLE posts; -- {hashtag|\\#|x}"
    post = await story.post(client, account, text=text)
    async with story.working():
        await story.until(client, post, "published", "failed")
    assert [each["text"] for each in await story.linkedin.live()] == [text]
    refused = await client.post(PATH, content=b'{"text": "\\u0000", "targets": []}', headers=JSON)
    assert refused.status_code == 422
    lone = await client.post(PATH, content=b'{"text": "\\ud800", "targets": []}', headers=JSON)
    assert lone.status_code == 422


JSON = {"content-type": "application/json"}


async def test_a_cancel_that_was_overtaken_by_a_change_withdraws_what_the_change_added(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    page, member = await story.connect(client, "organization"), await story.connect(client, "member")
    later = (story.now() + timedelta(hours=1)).isoformat()
    post = await story.post(client, page, publish_at=later)
    url, added = f"{PATH}/{post['id']}", new_id()
    async with story.database.transaction(organization_id) as tx:
        await tx.fetch("SELECT id FROM ledger_entries WHERE kind = 'publisher.delivery' FOR UPDATE")
        cancelling = asyncio.create_task(client.post(f"{url}/cancel"))
        await eventually(lambda: _somebody_waits(story))
        await tx.execute(
            "INSERT INTO deliveries (id, organization_id, post_id, account_id, platform, status)"
            " VALUES ($1, $2, $3, $4, 'linkedin', 'scheduled')",
            added,
            organization_id,
            UUID(post["id"]),
            UUID(member),
        )
        await story.made.ledger.add(tx, Effect("publisher.delivery", Lane(organization_id, "lane"), added))
    assert (await cancelling).status_code == 200
    shown = await story.shown(client, post)
    assert [each["status"] for each in shown["deliveries"]] == ["cancelled", "cancelled"]


async def _somebody_waits(story: Story) -> bool:
    connection = await asyncpg.connect(story.place.admin_url)
    try:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'"
        return bool(await connection.fetchval(waiting, story.place.name))
    finally:
        await connection.close()

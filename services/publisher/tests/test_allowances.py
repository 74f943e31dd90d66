"""What a plan includes of accounts and posts: never more, and free again when it is not used."""

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx

from contracts.publisher import QuotaReached
from kit.http.etag import etag
from kit.ids import new_id

from .story import POSTING, Story

PATH = "/v1/posts"


async def stands(client: httpx.AsyncClient, meter: str = "posts_per_month") -> tuple[int, int, int | None]:
    """Used, set aside, included."""
    found = (await client.get("/v1/publishing/allowances")).json()["items"]
    (one,) = [each for each in found if each["meter"] == meter]
    return one["used"], one["reserved"], one["allowed"]


async def told(story: Story, organization_id: UUID) -> list[tuple[int, int]]:
    events = await story.told_of(organization_id)
    return [(each.percent, each.used) for each in events if isinstance(each, QuotaReached)]


def later(story: Story, **delta: float) -> str:
    return (story.now() + timedelta(**delta)).isoformat()


async def test_fifty_who_schedule_at_once_get_as_many_posts_as_the_plan_includes(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    account = await story.connect(client)
    await story.grant(organization_id, connected_accounts=3, posts_per_month=7)
    body = {"targets": [account], "publish_at": later(story, days=2)}
    answers = await asyncio.gather(
        *(client.post(PATH, json=body | {"text": f"Hello {number}"}) for number in range(50))
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 7 + [403] * 43
    assert await stands(client) == (0, 7, 7)
    refused = next(answer.json() for answer in answers if answer.status_code == 403)
    assert refused["type"].endswith(":quota-exhausted")
    assert (refused["meter"], refused["allowed"], refused["used"]) == ("posts_per_month", 7, 7)
    assert "7 posts a month" in refused["detail"]
    shown = (await client.get("/v1/publishing/allowances")).json()["items"][1]
    assert shown["renews_at"][:19] == refused["renews_at"][:19]
    assert len((await client.get(PATH, params={"limit": 50})).json()["items"]) == 7
    assert (await client.post(PATH, json={"text": "a draft", "targets": [account]})).status_code == 201
    assert (await stands(story.client(new_id())))[:2] == (0, 0)


async def test_a_post_counts_once_when_the_first_account_has_it(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    page, member = await story.connect(client), await story.connect(client, "member")
    await story.grant(organization_id, connected_accounts=3, posts_per_month=1)
    async with story.working():
        post = await story.post(client, page, member)
        await story.until(client, post, "published")
    assert await stands(client) == (1, 0, 1)
    assert await told(story, organization_id) == [(100, 1)]
    body = {"text": "more", "targets": [page], "publish_at": "now"}
    assert (await client.post(PATH, json=body)).status_code == 403
    await story.grant(organization_id, version=2, connected_accounts=3, posts_per_month=2)
    assert (await client.post(PATH, json=body)).status_code == 201


async def test_what_fails_or_is_withdrawn_or_made_a_draft_again_is_free_again(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    await story.linkedin.fails(
        {"kind": "refuse_before_effect", "status": 422, "match": POSTING, "body": {"status": 422, "message": "No."}}
    )
    async with story.working():
        await story.until(client, await story.post(client, account), "failed")
    assert await stands(client) == (0, 0, 30)

    waiting: list[dict[str, Any]] = [
        await story.post(client, account, publish_at=later(story, days=day)) for day in (1, 2)
    ]
    assert await stands(client) == (0, 2, 30)
    moved = await client.patch(
        f"{PATH}/{waiting[1]['id']}", json={"publish_at": later(story, days=9)}, headers={"if-match": etag(1)}
    )
    assert moved.status_code == 200
    assert await stands(client) == (0, 2, 30)
    for _ in range(2):
        await client.post(f"{PATH}/{waiting[0]['id']}/cancel")
    assert await stands(client) == (0, 1, 30)
    version = moved.json()["version"]
    drafted = await client.patch(
        f"{PATH}/{waiting[1]['id']}", json={"publish_at": None}, headers={"if-match": etag(version)}
    )
    assert drafted.json()["status"] == "draft"
    assert await stands(client) == (0, 0, 30)


async def test_an_answer_given_again_counts_once(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    body = {"text": "once", "targets": [account], "publish_at": later(story, days=1)}
    for _ in range(2):
        assert (await client.post(PATH, json=body, headers={"idempotency-key": "once"})).status_code == 201
    assert await stands(client) == (0, 1, 30)


async def test_no_more_accounts_are_connected_than_the_plan_includes_and_those_there_may_come_again(
    story: Story,
) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    await story.grant(organization_id, connected_accounts=1, posts_per_month=5)
    first = await story.connect(client)
    backs = [await story.consent(client, "member", approve="ann") for _ in range(2)]
    answers = await asyncio.gather(*(client.get(back) for back in backs))
    problems = [parse_qs(urlsplit(answer.headers["location"]).query) for answer in answers]
    assert problems == [{"problem": ["account-limit"]}] * 2
    assert await story.connect(client) == first
    assert await stands(client, "connected_accounts") == (1, 0, 1)
    assert (await client.delete(f"/v1/connected-accounts/{first}")).status_code == 200
    assert await stands(client, "connected_accounts") == (0, 0, 1)
    assert await story.connect(client, "member")


async def test_a_consent_that_opens_more_pages_than_there_is_room_for_connects_what_fits(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    pages = {f"66{number}": "ADMINISTRATOR" for number in range(3)}
    for page in pages:
        control = await story.linkedin.http.post("/linkedin/control/pages", json={"id": page, "name": page})
        control.raise_for_status()
    person = {"id": "many", "name": "Many", "pages": pages}
    (await story.linkedin.http.post("/linkedin/control/people", json=person)).raise_for_status()
    await story.grant(organization_id, connected_accounts=2, posts_per_month=5)
    answer = await client.get(await story.consent(client, "organization", approve="many"))
    browser = parse_qs(urlsplit(answer.headers["location"]).query)
    assert len(browser["connected"]) == 2
    assert browser["problem"] == ["account-limit"]
    assert await stands(client, "connected_accounts") == (2, 0, 2)

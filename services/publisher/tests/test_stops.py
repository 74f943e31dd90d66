"""Whatever leaves is stopped, on record and with a reason, until a person lifts it."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from contracts.publisher import PublishingResumed, PublishingStopped
from kit.ids import new_id

from .story import Story

PATH = "/v1/publishing/stops"


async def stop(client: httpx.AsyncClient, account: str | None = None) -> dict[str, Any]:
    answer = await client.post(PATH, json={"account_id": account, "reason": "A wrong price."})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def lift(client: httpx.AsyncClient, stopped: dict[str, Any], **how: Any) -> dict[str, Any]:
    answer = await client.post(f"{PATH}/{stopped['id']}/lift", json=how)
    assert answer.status_code == 200, answer.text
    lifted: dict[str, Any] = answer.json()
    return lifted


async def test_nothing_leaves_while_all_is_stopped_and_then_one_after_the_other(story: Story) -> None:
    organization_id = new_id()
    client, other = story.client(organization_id), story.client(new_id())
    page = await story.connect(client)
    theirs = await story.connect(other)
    stopped = await stop(client)
    assert (await stop(client))["id"] == stopped["id"]
    member = await story.connect(client, "member")
    posts = [await story.post(client, page), await story.post(client, page, member)]
    free = await story.post(other, theirs)
    async with story.working():
        await story.until(other, free, "published")
        shown = await story.shown(client, posts[0])
        assert (shown["status"], shown["deliveries"][0]["reason"]) == (
            "scheduled",
            "Publishing is stopped: A wrong price.",
        )
        assert len(await story.linkedin.live()) == 1
        assert (await other.post(f"{PATH}/{stopped['id']}/lift", json={})).status_code == 404
        lifted = await lift(client, stopped, minutes_apart=30)
        assert (lifted["affected"], lifted["overdue"], lifted["minutes_apart"]) == (3, "spread", 30)
        await story.until(client, posts[0], "published")
        waiting = await story.shown(client, posts[1])
        by_account = {each["account_id"]: each for each in waiting["deliveries"]}
        next_at = datetime.fromisoformat(by_account[page]["next_at"])
        assert timedelta(minutes=28) < next_at - story.now() < timedelta(minutes=31)
        await story.forward(minutes=31)
        await story.until(client, posts[1], "published")
    assert (await client.post(f"{PATH}/{stopped['id']}/lift", json={})).status_code == 409
    facts = [each for each in await story.told_of(organization_id) if "publishing" in each.type]
    assert [type(each) for each in facts] == [PublishingStopped, PublishingResumed]
    lines = [each.action for each in await story.audited(organization_id) if "publishing" in each.action]
    assert lines == ["publisher.publishing.stopped", "publisher.publishing.resumed"]


async def test_one_account_is_stopped_whatever_else_lets_its_lane_go(story: Story) -> None:
    client = story.client(new_id())
    page, member = await story.connect(client), await story.connect(client, "member")
    one, all_of_them = await stop(client, page), await stop(client)
    assert await story.connect(client) == page
    async with story.working():
        post = await story.post(client, page, member)
        await lift(client, all_of_them)
        seen = await story.shown(client, post)
        while {each["account_id"]: each["status"] for each in seen["deliveries"]}[member] != "published":
            seen = await story.shown(client, post)
        assert {each["account_id"]: each["status"] for each in seen["deliveries"]}[page] == "scheduled"
        standing = (await client.get(PATH, params={"standing": True})).json()["items"]
        assert [each["id"] for each in standing] == [one["id"]]
        await lift(client, one, overdue="cancel")
        cancelled = await story.until(client, post, "published")
    assert {each["account_id"]: each["status"] for each in cancelled["deliveries"]}[page] == "cancelled"
    assert len(await story.linkedin.live()) == 1
    assert (await client.get("/v1/publishing/allowances")).json()["items"][1]["used"] == 1


async def test_editors_stop_and_only_managers_lift(story: Story) -> None:
    organization_id = new_id()
    editor, analyst = story.client(organization_id, "editor"), story.client(organization_id, "analyst")
    assert (await analyst.post(PATH, json={"reason": "no"})).status_code == 403
    stopped = await stop(editor)
    assert (await editor.post(f"{PATH}/{stopped['id']}/lift", json={})).status_code == 403
    assert (await analyst.get(f"{PATH}/{stopped['id']}")).json()["reason"] == "A wrong price."
    assert (await editor.post(PATH, json={"account_id": str(new_id()), "reason": "none"})).status_code == 404
    assert (await editor.post(PATH, json={"reason": ""})).status_code == 422
    stranger = story.client(new_id())
    assert (await stranger.get(f"{PATH}/{stopped['id']}")).status_code == 404
    assert (await stranger.get(PATH)).json()["items"] == []

"""What goes wrong on the way to LinkedIn: each post is live at most once, and nothing is silently dropped."""

import time
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from kit.ids import new_id
from kit.testing.programs import eventually

from .story import POSTING, READING, Story

LOOK = 5  # seconds until the first look


async def test_a_post_whose_answer_was_lost_is_looked_for_not_repeated(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    await story.linkedin.fails({"kind": "drop_after_effect", "match": POSTING, "times": 1})
    post = await story.post(client, account, text="Only (once) #promised")
    async with story.working():
        await story.until(client, post, "checking")
        await story.forward(seconds=LOOK + 1)
        found = await story.until(client, post, "published")
    (live,) = await story.linkedin.live()
    assert found["deliveries"][0]["external_id"] == live["urn"]
    assert [each["outcome"] for each in found["deliveries"][0]["tried"]] == ["unanswered", "found"]
    assert len(await story.linkedin.calls("/rest/posts")) == 1


@pytest.mark.parametrize("status", [500, 503, 504])
async def test_an_error_after_the_effect_is_looked_for_and_found(story: Story, status: int) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    await story.linkedin.fails({"kind": "error_after_effect", "status": status, "match": POSTING, "times": 1})
    post = await story.post(client, account)
    async with story.working():
        await story.until(client, post, "checking")
        await story.forward(seconds=LOOK + 1)
        await story.until(client, post, "published")
    assert len(await story.linkedin.live()) == 1


async def test_an_error_before_the_effect_is_sent_again_once_it_is_proven_absent(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    await story.linkedin.fails({"kind": "refuse_before_effect", "status": 500, "match": POSTING, "times": 1})
    post = await story.post(client, account)
    async with story.working():
        await story.until(client, post, "checking")
        for seconds in (LOOK + 1, 60, 901):
            await _looked(story, client, post, seconds)
        await story.forward(minutes=15)
        await story.until(client, post, "published")
    assert len(await story.linkedin.live()) == 1
    assert len(await story.linkedin.calls("/rest/posts")) == 2


async def _looked(story: Story, client: Any, post: dict[str, Any], seconds: float) -> None:
    """Let so many seconds pass, and a few more if need be, until there was one more look than now, or it is over."""
    before = len((await story.shown(client, post))["deliveries"][0]["tried"])
    await story.forward(seconds=seconds)

    async def more() -> bool:
        await story.forward(seconds=1)
        now = await story.shown(client, post)
        return now["status"] != "checking" or len(now["deliveries"][0]["tried"]) > before

    await eventually(more)


async def test_a_post_that_shows_later_than_the_first_look_is_not_sent_again(story: Story) -> None:
    client, hidden = story.client(new_id()), 8.0
    account = await story.connect(client)
    await story.linkedin.fails(
        {"kind": "drop_after_effect", "match": POSTING, "times": 1},
        {"kind": "visible_after", "seconds": hidden, "match": POSTING, "times": 1},
    )
    post = await story.post(client, account)
    async with story.working():
        await story.until(client, post, "checking")
        await _looked(story, client, post, LOOK + 1)
        assert (await story.shown(client, post))["status"] == "checking"
        (live,) = await story.linkedin.live()

        async def shows() -> bool:
            return bool(time.time() > live["created_at"] / 1000 + hidden)

        await eventually(shows)

        async def published() -> bool:
            await story.forward(seconds=5)  # not past the time after which absence is proven
            return bool((await story.shown(client, post))["status"] == "published")

        await eventually(published)
    assert len(await story.linkedin.live()) == 1
    assert len(await story.linkedin.calls("/rest/posts")) == 1


async def postponed(story: Story, client: httpx.AsyncClient, post: dict[str, Any], code: str) -> dict[str, Any]:
    """The delivery once it was put off for this reason, and its post with it."""
    seen: dict[str, Any] = {}

    async def put_off() -> bool:
        shown = await story.shown(client, post)
        seen.update(shown["deliveries"][0])
        return bool(seen["code"] == code and shown["status"] == "scheduled")

    await eventually(put_off)
    return seen


async def test_what_was_never_accepted_is_sent_again_when_linkedin_says(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    limited = {"kind": "refuse_before_effect", "status": 429, "headers": {"Retry-After": "900"}}
    await story.linkedin.fails({**limited, "match": POSTING, "times": 1})
    began = story.now()
    post = await story.post(client, account)
    async with story.working():
        delivery = await postponed(story, client, post, "rate-limited")
        assert (delivery["status"], await story.linkedin.live()) == ("scheduled", [])
        assert delivery["reason"] == "LinkedIn takes no more posts of this account for now."
        assert datetime.fromisoformat(delivery["next_at"]) - began >= timedelta(seconds=899)
        other = await story.post(client, account)
        marker = story.client(new_id())
        elsewhere = await story.post(marker, await story.connect(marker, "member"))
        await story.until(marker, elsewhere, "published")
        assert [each["text"] for each in await story.linkedin.live()] == [elsewhere["text"]]
        await story.forward(seconds=900)
        await story.until(client, post, "published")
        await story.until(client, other, "published")
    assert len(await story.linkedin.live()) == 3
    assert len(await story.linkedin.calls("/rest/posts")) == 4


async def test_without_a_retry_after_the_account_waits_until_midnight_utc(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    await story.linkedin.fails({"kind": "refuse_before_effect", "status": 429, "match": POSTING, "times": 1})
    noon = story.now().replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    await story.forward(seconds=(noon - story.now()).total_seconds())
    post = await story.post(client, account)
    async with story.working():
        delivery = await postponed(story, client, post, "rate-limited")
    midnight = (story.now() + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert abs(datetime.fromisoformat(delivery["next_at"]) - midnight) < timedelta(seconds=60)
    await story.forward(seconds=(midnight - story.now()).total_seconds() + 60)
    async with story.working():
        await story.until(client, post, "published")


async def test_a_second_post_of_the_same_text_is_refused_in_plain_words(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    account = await story.connect(client)
    first = await story.post(client, account, text="same")
    async with story.working():
        await story.until(client, first, "published")
        second = await story.post(client, account, text="same")
        failed = await story.until(client, second, "failed")
    (delivery,) = failed["deliveries"]
    assert delivery["code"] == "duplicate"
    assert delivery["reason"].startswith("This account has posted the same text already")
    assert len(await story.linkedin.live()) == 1
    told = [event.type for event in await story.told_of(organization_id)]
    assert told.count("publisher.post.failed.v1") == 1


async def test_what_linkedin_refuses_is_told_in_its_words_and_not_repeated(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    await story.linkedin.fails(
        {
            "kind": "refuse_before_effect",
            "status": 403,
            "body": {"status": 403, "code": "ACCESS_DENIED", "message": "Not enough\npermissions"},
            "match": POSTING,
        }
    )
    post = await story.post(client, account)
    async with story.working():
        failed = await story.until(client, post, "failed")
    reason = failed["deliveries"][0]["reason"]
    assert reason == "LinkedIn does not let this account publish here: Not enough permissions"
    assert len(await story.linkedin.calls("/rest/posts")) == 1


async def test_what_nobody_can_find_out_waits_for_a_person(story: Story) -> None:
    """A member's posts may not be read by us: the end is a question, never a second post."""
    organization_id = new_id()
    client = story.client(organization_id)
    account = await story.connect(client, "member")
    async with story.working():
        earlier = await story.until(client, await story.post(client, account), "published")
    await story.linkedin.fails(
        {"kind": "drop_after_effect", "match": POSTING, "times": 1},
        {"kind": "refuse_before_effect", "status": 403, "match": READING},
    )
    post = await story.post(client, account)
    async with story.working():
        await story.until(client, post, "checking")

        async def unconfirmed() -> bool:
            await story.forward(minutes=10)
            return bool((await story.shown(client, post))["status"] == "unconfirmed")

        await eventually(unconfirmed)
        live, _ = await story.linkedin.live()
        delivery = post["deliveries"][0]["id"]
        url = f"/v1/posts/{post['id']}/deliveries/{delivery}/resolve"
        wrong = {
            "outcome": "published",
            "url": f"https://www.linkedin.com/x/{earlier['deliveries'][0]['external_id']}",
        }
        refused = await client.post(url, json=wrong)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:rostrum:problem:live-already")
        body = {"outcome": "published", "url": f"https://www.linkedin.com/feed/update/{live['urn']}/"}
        resolved = await client.post(url, json=body)
        assert (resolved.status_code, resolved.json()["status"]) == (200, "published")
        assert resolved.json()["deliveries"][0]["external_id"] == live["urn"]
        assert resolved.json()["deliveries"][0]["resolved_by"]
        again = await client.post(url, json={"outcome": "not_published"})
        assert (again.status_code, again.json()["type"]) == (409, "urn:rostrum:problem:nothing-to-decide")
    told = [event.type for event in await story.told_of(organization_id)]
    assert told[-2:] == ["publisher.post.unconfirmed.v1", "publisher.post.published.v1"]


async def test_a_refused_token_is_renewed_at_once_and_the_post_leaves(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    await story.linkedin.end_tokens(state="expired", refreshable=True)
    post = await story.post(client, account)
    async with story.working():
        await story.until(client, post, "published")
    assert len(await story.linkedin.live()) == 1
    assert len(await story.linkedin.calls("/accessToken")) == 2
    assert (await client.get(f"/v1/connected-accounts/{account}")).json()["health"] == "connected"


async def test_a_permission_that_was_taken_back_holds_posts_until_somebody_reconnects(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    account = await story.connect(client)
    await story.linkedin.end_tokens()
    post = await story.post(client, account)
    async with story.working():

        async def told() -> bool:
            shown = (await client.get(f"/v1/connected-accounts/{account}")).json()
            return bool(shown["health"] == "reconnect_needed" and shown["reason"])

        await eventually(told)
        waits = await story.shown(client, post)
        assert waits["status"] == "scheduled"
        assert waits["deliveries"][0]["reason"]
        assert await story.connect(client) == account
        await story.until(client, post, "published")
    told_of = [event.type for event in await story.told_of(organization_id)]
    assert told_of.count("publisher.account.health_changed.v1") == 1
    assert len(await story.linkedin.live()) == 1


async def test_posts_wait_for_a_disconnected_account(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    post = await story.post(client, account, publish_at=(story.now() + timedelta(hours=1)).isoformat())
    assert (await client.delete(f"/v1/connected-accounts/{account}")).json()["waiting"] == 1
    async with story.working():
        await story.forward(hours=2)
        marker = story.client(new_id())
        other = await story.post(marker, await story.connect(marker, "member"))
        await story.until(marker, other, "published")
        waits = await story.shown(client, post)
        assert (waits["status"], waits["deliveries"][0]["reason"]) == (
            "scheduled",
            "The account was disconnected; connect it again.",
        )
        await story.connect(client)
        await story.until(client, post, "published")


async def test_tokens_are_renewed_once_before_they_end_whoever_works(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    async with story.working(workers=3):
        await story.forward(days=29)
        assert len(await story.linkedin.calls("/accessToken")) == 1
        await story.forward(days=14)

        async def renewed() -> bool:
            return len(await story.linkedin.calls("/accessToken")) > 1

        await eventually(renewed)
        await story.until(client, await story.post(client, account), "published")
    assert len(await story.linkedin.calls("/accessToken")) == 2


async def test_a_week_before_a_permission_ends_that_cannot_be_renewed_it_is_told(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    await story.linkedin.set_app(refresh_tokens=False)
    account = await story.connect(client)
    async with story.working():

        async def health(wanted: str) -> None:
            async def has() -> bool:
                shown = (await client.get(f"/v1/connected-accounts/{account}")).json()
                events = [e for e in await story.told_of(organization_id) if e.type.endswith("health_changed.v1")]
                return bool(shown["health"] == wanted and events and events[-1].health == wanted)  # type: ignore[attr-defined]

            await eventually(has)

        await story.forward(days=54)
        await health("expiring")
        await story.forward(days=7)
        await health("reconnect_needed")
    told = [event.type for event in await story.told_of(organization_id)]
    assert told.count("publisher.account.health_changed.v1") == 2


async def test_nobody_answers_at_linkedins_address(story: Story) -> None:
    """Refused connections prove that nothing was accepted: it is tried again, and not looked for."""
    client = story.client(new_id())
    account = await story.connect(client)
    post = await story.post(client, account)
    async with story.working():
        with story.unreachable():
            assert (await postponed(story, client, post, "away"))["status"] == "scheduled"
        await story.forward(minutes=2)
        await story.until(client, post, "published")
    assert len(await story.linkedin.live()) == 1


async def test_three_workers_publish_each_of_many_posts_once(story: Story) -> None:
    client = story.client(new_id())
    page, member = await story.connect(client, "organization"), await story.connect(client, "member")
    posts = [await story.post(client, page, member) for _ in range(3)]
    async with story.working(workers=3):
        for post in posts:
            await story.until(client, post, "published")
    assert len(await story.linkedin.live()) == 6
    assert len(await story.linkedin.calls("/rest/posts")) == 6


async def test_an_answer_that_takes_too_long_is_looked_for(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    await story.linkedin.fails({"kind": "delay", "seconds": 3, "match": POSTING, "times": 1})
    await story.line.wait_no_longer_than(2.0)
    post = await story.post(client, account)
    async with story.working():
        await story.until(client, post, "checking")

        async def published() -> bool:
            await story.forward(seconds=5)  # not past the time after which absence is proven
            return bool((await story.shown(client, post))["status"] == "published")

        await eventually(published)
    assert len(await story.linkedin.live()) == 1
    assert len(await story.linkedin.calls("/rest/posts")) == 1


async def test_a_look_does_not_take_another_post_of_ours_for_the_lost_one(story: Story) -> None:
    client = story.client(new_id())
    account = await story.connect(client)
    await story.linkedin.set_app(duplicate_seconds=0)
    first = await story.post(client, account, text="Good morning")
    async with story.working():
        await story.until(client, first, "published")
        await story.linkedin.fails({"kind": "refuse_before_effect", "status": 502, "match": POSTING, "times": 1})
        second = await story.post(client, account, text="Good morning")
        await story.until(client, second, "checking")

        async def published() -> bool:
            await story.forward(minutes=5)
            return bool((await story.shown(client, second))["status"] == "published")

        await eventually(published)
    ids = {(await story.shown(client, each))["deliveries"][0]["external_id"] for each in (first, second)}
    assert ids == {each["urn"] for each in await story.linkedin.live()}
    assert len(ids) == 2


async def test_a_duplicate_that_may_be_our_own_earlier_attempt_is_looked_for(story: Story) -> None:
    """LinkedIn took it, lost the answer, and shows it later than absence is proven: the second attempt is refused."""
    client = story.client(new_id())
    account = await story.connect(client)
    await story.linkedin.fails(
        {"kind": "drop_after_effect", "match": POSTING, "times": 1},
        {"kind": "visible_after", "seconds": 6, "match": POSTING, "times": 1},
    )
    post = await story.post(client, account)
    async with story.working():
        await story.until(client, post, "checking")

        async def twice() -> bool:
            await story.forward(minutes=5)
            return len(await story.linkedin.calls("/rest/posts")) == 2

        await eventually(twice)

        async def published() -> bool:
            await story.forward(seconds=5)  # not past the time after which absence is proven
            return bool((await story.shown(client, post))["status"] == "published")

        await eventually(published)
    tried = [each["code"] for each in (await story.shown(client, post))["deliveries"][0]["tried"]]
    assert "duplicate" in tried
    assert len(await story.linkedin.live()) == 1

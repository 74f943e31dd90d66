"""What recurs brings one post each time, whoever works and dies, by the clocks of its zone."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.http.etag import etag
from kit.ids import new_id
from publisher.recurrences.errors import RuleNotAcceptable
from publisher.recurrences.rules import Rule

from .story import Story

PATH = "/v1/publishing/recurrences"
ZONES = ("Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "UTC")
rules = st.builds(
    "FREQ={};INTERVAL={}{}".format,
    st.sampled_from(("DAILY", "WEEKLY", "MONTHLY")),
    st.integers(1, 6),  # every seventh day is always the same one, which need not be a Monday or Thursday
    st.sampled_from(("", ";BYDAY=MO,TH", ";COUNT=7", ";UNTIL=20270601")),
)
starts = st.datetimes(datetime(2025, 1, 1), datetime(2026, 3, 1)).map(lambda at: at.replace(microsecond=0))  # noqa: DTZ001


@settings(max_examples=100, deadline=None)
@given(rules, starts, st.sampled_from(ZONES))
def test_the_wall_clock_stays_what_it_was_whatever_clocks_do(text: str, start: datetime, zone: str) -> None:
    rule = Rule.read(text, start, zone)
    found = list(islice(rule.between(None, start + timedelta(days=700)), 60))
    assert all(one.at < after.at for one, after in pairwise(found))
    for when in found:
        assert when.wall_clock is not None
        shown = when.at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
        assert when.wall_clock.local == shown
        moved = shown.time() != start.time()
        around = {(when.at + timedelta(days=days)).astimezone(ZoneInfo(zone)).utcoffset() for days in (-2, 2)}
        assert not moved or len(around) == 2, "only a gap moves it"
    half = found[len(found) // 2].wall_clock
    assert half is not None
    split = [
        when.at
        for part in (rule.ended_before(half.local), rule.rest(half.local))
        for when in islice(part.between(None, start + timedelta(days=700)), 60)
    ]
    if half.local.time() == start.time() and "WEEKLY;INTERVAL=1" in text:
        assert split[: len(found)] == [when.at for when in found]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "FREQ=HOURLY",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=2;UNTIL=20300101",
        "FREQ=DAILY;FREQ=DAILY",
        "INTERVAL=2",
        "FREQ=DAILY;BYHOUR=3",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=DAILY;UNTIL=yesterday",
        "FREQ=DAILY\nRRULE:FREQ=DAILY",
    ],
)
def test_a_rule_that_is_not_known_or_never_comes_is_refused(text: str) -> None:
    with pytest.raises(RuleNotAcceptable):
        Rule.read(text, datetime(2026, 12, 1, 9), "UTC")  # noqa: DTZ001


async def recur(client: httpx.AsyncClient, account: str, start: datetime, **changed: Any) -> str:
    local = start.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat()
    body = {"text": "Again", "targets": [account], "rule": "FREQ=DAILY", "starts": {"local": local, "zone": "UTC"}}
    answer = await client.post(PATH, json=body | changed)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def times(client: httpx.AsyncClient, recurrence: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        await client.get(f"{PATH}/{recurrence}/occurrences", params={"limit": 100})
    ).json()["items"]
    return found


async def make(story: Story) -> None:
    while await story.made.scheduling.making.make_due():
        pass


async def test_each_time_within_the_horizon_brings_one_post_however_many_work(story: Story) -> None:
    client, other = story.client(new_id()), story.client(new_id())
    page = await story.connect(client)
    recurrence = await recur(client, page, story.now() + timedelta(hours=1))
    await asyncio.gather(*(make(story) for _ in range(4)))
    first = await times(client, recurrence)
    assert [each["fate"] for each in first] == ["planned"] * 14
    assert len({each["post_id"] for each in first}) == 14
    assert (await client.get("/v1/publishing/allowances")).json()["items"][1]["reserved"] == 14
    await story.forward(days=1)
    await asyncio.gather(*(make(story) for _ in range(4)))
    assert len(await times(client, recurrence)) == 15
    assert (await other.get(f"{PATH}/{recurrence}")).status_code == 404
    assert (await other.post(f"{PATH}/{recurrence}/end")).status_code == 404


async def test_all_following_are_others_and_what_somebody_changed_stays(story: Story) -> None:
    client = story.client(new_id())
    page = await story.connect(client)
    recurrence = await recur(client, page, story.now() + timedelta(hours=1), rule="FREQ=DAILY;COUNT=6")
    await make(story)
    before = await times(client, recurrence)
    by_hand = await client.patch(
        f"/v1/posts/{before[4]['post_id']}", json={"text": "This one only"}, headers={"if-match": etag(1)}
    )
    assert by_hand.status_code == 200
    body = {"since": before[2]["local"], "post": {"text": "Others", "targets": [page]}}
    changed = await client.post(f"{PATH}/{recurrence}/change", json=body)
    assert changed.status_code == 201, changed.text
    later = changed.json()["id"]
    await make(story)
    after = await times(client, later)
    assert [each["local"] for each in after] == [each["local"] for each in before[2:]]
    assert after[2]["post_id"] == before[4]["post_id"]
    texts = [(await client.get(f"/v1/posts/{each['post_id']}")).json()["text"] for each in after]
    assert texts == ["Others", "Others", "This one only", "Others"]
    former = [(await client.get(f"/v1/posts/{each['post_id']}")).json()["status"] for each in before]
    assert former == ["scheduled", "scheduled", "cancelled", "cancelled", "scheduled", "cancelled"]
    assert (await client.post(f"{PATH}/{recurrence}/change", json=body)).status_code == 409
    ended = await client.post(f"{PATH}/{later}/end")
    assert ended.json()["ended"] is True
    live = (await client.get("/v1/posts", params={"status": "scheduled"})).json()["items"]
    assert {each["id"] for each in live} == {before[0]["post_id"], before[1]["post_id"], before[4]["post_id"]}


async def test_where_the_plan_includes_no_more_posts_it_is_tried_again_until_it_is_late(story: Story) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    page = await story.connect(client)
    await story.grant(organization_id, connected_accounts=3, posts_per_month=2)
    recurrence = await recur(client, page, story.now() + timedelta(hours=1), rule="FREQ=DAILY;COUNT=4")
    await make(story)
    assert len(await times(client, recurrence)) == 2
    await story.grant(organization_id, version=2, connected_accounts=3, posts_per_month=3)
    await story.forward(days=2, hours=2)
    await make(story)
    assert [each["fate"] for each in await times(client, recurrence)] == ["planned", "planned", "missed", "planned"]
    assert (await client.delete(f"/v1/connected-accounts/{page}")).status_code == 200


async def test_what_could_not_be_published_is_refused_at_once_or_noted_with_the_reason(story: Story) -> None:
    client = story.client(new_id())
    page = await story.connect(client)
    start = {"local": "2090-01-01T09:00", "zone": "Mars/Base"}
    body = {"text": "x", "targets": [page], "rule": "FREQ=DAILY", "starts": start}
    answer = await client.post(PATH, json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/starts/zone")
    start = {"local": (story.now() + timedelta(hours=1)).replace(tzinfo=None).isoformat(), "zone": "UTC"}
    answer = await client.post(PATH, json=body | {"text": "", "starts": start})
    assert answer.status_code == 422
    recurrence = await recur(client, page, story.now() + timedelta(hours=1), rule="FREQ=DAILY;COUNT=1")
    assert (await client.delete(f"/v1/connected-accounts/{page}")).status_code == 200
    await make(story)
    (only,) = await times(client, recurrence)
    assert (only["fate"], only["reason"]) == ("refused", "There is no such connected account.")

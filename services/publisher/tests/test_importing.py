"""Posts from a file: what is wrong is told by line and column, and each row is a post once."""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.db.database import Database
from kit.ids import new_id
from kit.process import Loop, supervise
from kit.testing.databases import TestDatabase
from kit.testing.outside import Sandbox
from kit.testing.programs import eventually
from publisher.imports.model import COLUMNS
from publisher.imports.reading import lines, wishes

from .abroad import Stored
from .story import Story

PATH = "/v1/publishing/imports"


def table(*rows: tuple[str, ...], header: tuple[str, ...] = ("text", "accounts", "publish_at")) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator="\r\n").writerows([header, *rows])
    return made.getvalue()


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=200)
    | st.lists(st.lists(st.text(max_size=20), min_size=3, max_size=3)).map(
        lambda rows: table(*(tuple(row) for row in rows))
    )
)
def test_whatever_a_file_holds_it_is_read_or_its_faults_are_told(text: str) -> None:
    rows, faults = lines(text)
    assert rows or faults
    for row in rows:
        changes, wrong = wishes(row, "Europe/Berlin", datetime(2026, 12, 1, tzinfo=UTC))
        assert (changes is None) == bool(wrong)
        assert all(each.line == row.number and (not each.column or each.column in COLUMNS) for each in wrong)


async def worked(story: Story, client: httpx.AsyncClient, made: dict[str, Any], workers: int = 2) -> dict[str, Any]:
    """The import once it has ended."""
    seen: dict[str, Any] = {}

    async def ended() -> bool:
        seen.update((await client.get(f"{PATH}/{made['id']}")).json())
        return seen["ended_at"] is not None

    stop = asyncio.Event()
    loops: list[Loop] = [each for each in story.made.scheduling.jobs.loops() if each.name.startswith("jobs")][:2]
    tasks = [asyncio.create_task(supervise(loops, stop)) for _ in range(workers)]
    try:
        await eventually(ended)
    finally:
        stop.set()
        await asyncio.gather(*tasks)
    return seen


async def test_each_row_is_a_post_once_however_often_the_file_comes(story: Story) -> None:
    client = story.client(new_id())
    page = await story.connect(client)
    slots = [{"day": "monday", "at": "09:00"}]
    queue = {"name": "q", "zone": "UTC", "slots": slots, "accounts": [page]}
    queue_id = (await client.post("/v1/publishing/queues", json=queue)).json()["id"]
    day = (story.now() + timedelta(days=2)).date().isoformat()
    rows = [
        ('Row, "one"\r\nand more', page, f"{day} 09:00"),
        ("Row two", page, ""),
        ("Row three", "", f"queue:{queue_id}"),
    ]
    body = {"csv": table(*rows), "zone": "Europe/Berlin", "name": "december.csv"}
    checked = (await client.post(f"{PATH}/check", json={"csv": body["csv"], "zone": body["zone"]})).json()
    assert checked == {"rows": 3, "acceptable": 3, "faults": []}
    answers = await asyncio.gather(*(client.post(PATH, json=body) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    done = await worked(story, client, answers[0].json())
    assert (done["state"], done["done"], done["failed"], done["left"]) == ("finished", 3, 0, 0)
    again = await client.post(PATH, json=body)
    assert again.json()["id"] == done["id"]
    posts = (await client.get("/v1/posts")).json()["items"]
    assert {each["text"] for each in posts} == {'Row, "one"\r\nand more', "Row two", "Row three"}
    one = next(each for each in posts if each["text"].startswith("Row, "))
    assert (one["local"], one["zone"]) == (f"{day}T09:00:00", "Europe/Berlin")
    report = list(csv.DictReader(io.StringIO((await client.get(f"{PATH}/{done['id']}/report")).text)))
    assert [(each["line"], each["outcome"]) for each in report] == [
        ("2", "imported"),
        ("4", "imported"),
        ("5", "imported"),
    ]
    stranger = story.client(new_id())
    assert (await stranger.get(f"{PATH}/{done['id']}/report")).status_code == 404
    assert (await stranger.get(PATH)).json()["items"] == []


async def test_faults_are_told_by_line_and_column_and_only_what_is_asked_for_is_imported_in_part(
    story: Story,
) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    page = await story.connect(client)
    at = (story.now() + timedelta(days=3)).isoformat()
    rows = [
        ("fine", page, at),
        ("x", "nobody", at),
        ("y", page, "yesterday"),
        ("z" * 3001, page, at),
        ("late", page, "2020-01-01 09:00"),
    ]
    body = {"csv": table(*rows), "zone": "UTC"}
    checked = (await client.post(f"{PATH}/check", json=body)).json()
    found = {(each["line"], each["column"], each["rule"]) for each in checked["faults"]}
    assert found == {
        (3, "accounts", "account"),
        (4, "publish_at", "time"),
        (5, "text", "text.max"),
        (6, "publish_at", "publish-time-not-acceptable"),
    }
    assert checked["acceptable"] == 1
    assert all(each["detail"] and each["fix"] for each in checked["faults"])
    refused = await client.post(PATH, json=body)
    assert (refused.status_code, len(refused.json()["faults"])) == (422, 4)
    assert (await client.get("/v1/posts")).json()["items"] == []
    await story.grant(organization_id, connected_accounts=3, posts_per_month=1)
    body["csv"] = table(*rows, ("too many", page, at), ("=cmd|' /C calc'!A0", page, at), ("x", "=1+1", at))
    made = await client.post(PATH, json=body | {"partial": True})
    assert made.status_code == 202, made.text
    done = await worked(story, client, made.json(), workers=1)
    assert (done["state"], done["done"], done["failed"]) == ("finished", 1, 7)
    report = list(csv.DictReader(io.StringIO((await client.get(f"{PATH}/{done['id']}/report")).text)))
    assert {each["rule"] for each in report if each["line"] in ("7", "8")} == {"quota-exhausted"}
    assert not any(cell.startswith(("=", "+", "-", "@")) for each in report for cell in each.values())
    assert (await client.post(f"{PATH}/{done['id']}/cancel")).status_code == 409


async def test_a_file_without_form_is_refused_as_a_whole(story: Story) -> None:
    client = story.client(new_id())
    for text, rule in (
        ("words,accounts\r\nx,y\r\n", "columns"),
        ("text,accounts\r\n", "rows.min"),
        ('text,accounts\r\n"open,y\r\n', "csv"),
        (table(*[("x", "y", "")] * 1001), "rows.max"),
    ):
        answer = await client.post(PATH, json={"csv": text, "partial": True})
        assert answer.status_code == 422, text[:50]
        assert rule in {each["rule"] for each in answer.json()["faults"]}
    answer = await client.post(f"{PATH}/check", json={"csv": "text,accounts\r\nx,\r\n", "zone": "Mars/Base"})
    assert [each["rule"] for each in answer.json()["faults"]] == ["zone"]


async def test_rows_show_what_is_in_the_library_and_what_is_missing_there_is_named(
    place: TestDatabase, database: Database, sandbox: Sandbox
) -> None:
    stored = Stored()
    async with Story.told(place, database, sandbox, stored) as story:
        client = story.client(new_id())
        page = await story.connect(client)
        one, two, cover, gone = stored.picture(), stored.picture(), stored.picture(), str(new_id())
        header = ("text", "accounts", "media", "cover")
        rows = [
            ("fine", page, f"{one} {two}", cover),
            ("missing", page, f"{one}, {gone}", gone),
            ("x", page, "loaf", ""),
        ]
        body = {"csv": table(*rows, header=header)}
        checked = (await client.post(f"{PATH}/check", json=body)).json()
        told = {(each["line"], each["column"], each["rule"]): each["detail"] for each in checked["faults"]}
        assert set(told) == {(3, "media", "media-missing"), (3, "cover", "media-missing"), (4, "media", "media")}
        assert gone in told[3, "media", "media-missing"]
        made = await client.post(PATH, json=body | {"partial": True})
        assert made.status_code == 202, made.text
        await worked(story, client, made.json(), workers=1)
        (post,) = (await client.get("/v1/posts")).json()["items"]
        shown = post["content"]
        assert [each["media_id"] for each in shown["media"]] == [one, two]
        assert shown["cover"] == cover

"""Segments: a safe language for whom is meant, live, counted, and never beyond one's own organization."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from inbox.segments.language import breaches_of
from inbox.segments.repository import SegmentRepository
from kit.ids import new_id

from .house import House
from .test_consent import ANN, BOB, contact_of, record
from .test_fields import define, put

CEM = "905321234567"


async def meant(house: House, query: Any, by: UUID | None = None) -> set[str]:
    answer = await house.ask("POST", "/v1/segments/preview", json={"query": query}, by=by)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["contacts"] == len(found["sample"])
    return {each["name"] for each in found["sample"]}


async def town(house: House) -> dict[str, str]:
    """Ann, Bob and Cem, of whom something is known."""
    await house.connected()
    for person, name in ((ANN, "Ann"), (BOB, "Bob"), (CEM, "Cem")):
        await house.say(f"I am {name}", person=person, name=name)
    await house.reduce()
    ids = {
        "Ann": await contact_of(house),
        "Bob": await contact_of(house, BOB),
        "Cem": await contact_of(house, CEM),
    }
    await define(house, "city")
    await define(house, "orders", "number")
    await define(house, "born", "date")
    await define(house, "likes", "several", choices=["tea", "coffee"])
    await define(house, "nickname", personal=True)
    await put(house, ids["Ann"], city="Köln", orders=3, born="1990-02-28", likes=["tea", "coffee"])
    await put(house, ids["Bob"], city="KÖLN-Deutz", orders=10, nickname="Bobby", likes=["tea"])
    await put(house, ids["Cem"], city="Bonn", orders=-1.5, born="2001-01-01")
    return ids


async def test_every_condition_means_whom_it_says(house: House) -> None:
    ids = await town(house)
    label = (await house.ask("POST", "/v1/labels", json={"name": "vip"})).json()["id"]
    await house.ask("POST", "/v1/labels/apply", json={"contact_ids": [ids["Cem"]], "add": [label]})
    await record(house, ids["Ann"])
    cases: list[tuple[Any, set[str]]] = [
        ({"attribute": "city", "is": "köln"}, {"Ann"}),
        ({"attribute": "city", "in": ["Bonn", "Köln"]}, {"Ann", "Cem"}),
        ({"attribute": "city", "begins": "Köl"}, {"Ann", "Bob"}),
        ({"attribute": "city", "contains": "deutz"}, {"Bob"}),
        ({"attribute": "city", "is": "x' OR true --"}, set()),
        ({"attribute": "orders", "at_least": 3}, {"Ann", "Bob"}),
        ({"attribute": "orders", "at_least": -2, "at_most": 3}, {"Ann", "Cem"}),
        ({"attribute": "orders", "is": 10}, {"Bob"}),
        ({"attribute": "born", "at_least": "1995-01-01"}, {"Cem"}),
        ({"attribute": "born", "known": False}, {"Bob"}),
        ({"attribute": "likes", "is": "coffee"}, {"Ann"}),
        ({"attribute": "likes", "known": True}, {"Ann", "Bob"}),
        ({"attribute": "nickname", "is": "bobby"}, {"Bob"}),
        ({"label": label}, {"Cem"}),
        ({"consent": {"channel_kind": "whatsapp", "purpose": "marketing", "state": "granted"}}, {"Ann"}),
        ({"identity": "whatsapp_id"}, {"Ann", "Bob", "Cem"}),
        ({"identity": "email"}, set()),
        ({"created": {"within_days": 1}}, {"Ann", "Bob", "Cem"}),
        ({"created": {"before": "2020-01-01T00:00:00Z"}}, set()),
        ({"spoken": {"within_days": 1, "channel_kind": "whatsapp"}}, {"Ann", "Bob", "Cem"}),
        ({"spoken": {"within_days": 1, "channel_kind": "sms"}}, set()),
        ({"not": {"label": label}}, {"Ann", "Bob"}),
        ({"all": [{"attribute": "likes", "is": "tea"}, {"not": {"attribute": "city", "is": "Köln"}}]}, {"Bob"}),
        ({"any": [{"label": label}, {"attribute": "city", "is": "Köln"}]}, {"Ann", "Cem"}),
    ]
    for query, expected in cases:
        assert await meant(house, query) == expected, query


async def test_a_segment_is_live_and_leaves_out_who_is_blocked_or_merged_away(house: House) -> None:
    ids = await town(house)
    query = {"attribute": "orders", "at_least": 3}
    body = {"name": "Buyers", "query": query}
    answer = await house.ask("POST", "/v1/segments", json=body)
    assert answer.status_code == 201, answer.text
    segment = f"/v1/segments/{answer.json()['id']}"
    assert (await house.ask("POST", "/v1/segments", json=body)).json()["type"] == "urn:rostrum:problem:name-taken"
    page = await house.get(f"{segment}/contacts?limit=1")
    rest = await house.get(f"{segment}/contacts?limit=1&cursor={page['next_cursor']}")
    assert {page["items"][0]["id"], rest["items"][0]["id"]} == {ids["Ann"], ids["Bob"]}
    await put(house, ids["Cem"], orders=4)
    assert await meant(house, query) == {"Ann", "Bob", "Cem"}
    await house.ask("PUT", f"/v1/contacts/{ids['Ann']}/block")
    assert await meant(house, query) == {"Bob", "Cem"}
    await put(house, ids["Cem"], orders=None)
    await house.ask("POST", f"/v1/contacts/{ids['Cem']}/merge", json={"contact_id": ids["Bob"]})
    assert await meant(house, query) == {"Cem"}
    assert await house.get("/v1/segments", by=new_id()) == {"items": [], "next_cursor": None}
    stored = await house.rows("SELECT document_sealed FROM arrangements WHERE kind = 'segment'")
    assert all(b"orders" not in row["document_sealed"] for row in stored)
    tag = {"if-match": '"v1"'}
    changed = {"name": "Some", "query": {"attribute": "city", "is": "Bonn"}}
    assert (await house.ask("PUT", segment, json=changed, headers=tag)).json()["version"] == 2
    (city,) = [each for each in (await house.get("/v1/attributes"))["items"] if each["key"] == "city"]
    await house.ask("DELETE", f"/v1/attributes/{city['id']}")
    answer = await house.ask("GET", f"{segment}/contacts")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:rostrum:problem:segment-outdated")
    assert (await house.ask("DELETE", segment)).status_code == 204


async def test_another_organization_means_its_own_contacts_alone(house: House) -> None:
    await town(house)
    everybody = {"created": {"within_days": 1}}
    assert await meant(house, everybody, by=new_id()) == set()
    plan = {"on": "all", "of": []}
    with pytest.raises(asyncpg.PostgresError, match="not the organization"):
        async with house.database.transaction(new_id()) as tx:
            await tx.fetchval("SELECT segment_count($1, $2)", house.organization_id, plan)
    async with house.database.transaction(house.organization_id) as tx:
        assert await SegmentRepository(tx).count(plan) == 3
    for unknown in ({"on": "sql", "of": "true"}, {"on": "attribute", "id": str(new_id()), "op": "true) OR (true"}):
        with pytest.raises(asyncpg.PostgresError, match="what there is not"):
            async with house.database.transaction(house.organization_id) as tx:
                await SegmentRepository(tx).count(unknown)


def deep(times: int) -> dict[str, Any]:
    return {"not": deep(times - 1)} if times else {"identity": "phone"}


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({}, "#/query"),
        ([], "#/query"),
        ({"all": []}, "#/query/all"),
        ({"all": [{"label": "x"}]}, "#/query/all/0/label"),
        ({"attribute": "city"}, "#/query"),
        ({"attribute": "city", "is": "a", "in": ["b"]}, "#/query"),
        ({"attribute": "city", "is": "\0"}, "#/query/is"),
        ({"attribute": "city", "is": "a", "or": 1}, "#/query/or"),
        ({"attribute": "city", "in": ["x"] * 201}, "#/query/in"),
        (
            {"consent": {"channel_kind": "fax", "purpose": "marketing", "state": "granted"}},
            "#/query/consent/channel_kind",
        ),
        ({"created": {"within_days": 0}}, "#/query/created/within_days"),
        ({"created": {"after": "2026-11-30"}}, "#/query/created/after"),
        (
            {"not": {"not": {"not": {"not": {"not": {"not": {"not": {"label": str(new_id())}}}}}}}},
            "#/query" + "/not" * 7,
        ),
        ({"any": [{"identity": "phone"}] * 60}, "#/query/any/49"),
    ],
)
def test_what_cannot_be_asked_is_named(query: Any, pointer: str) -> None:
    assert pointer in {at for at, _ in breaches_of(query)}


@pytest.mark.parametrize(
    "query",
    [
        {"attribute": "nothing", "is": "a"},
        {"attribute": "city", "at_least": "a"},
        {"attribute": "orders", "is": "three"},
        {"attribute": "nickname", "begins": "a"},
        {"attribute": "likes", "is": "beer"},
        {"label": str(new_id())},
    ],
)
async def test_what_is_not_there_or_does_not_suit_is_refused(house: House, query: Any) -> None:
    await define(house, "city")
    await define(house, "orders", "number")
    await define(house, "likes", "several", choices=["tea"])
    await define(house, "nickname", personal=True)
    answer = await house.ask("POST", "/v1/segments/preview", json={"query": query})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:rostrum:problem:segment-query-refused")

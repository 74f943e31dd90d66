"""Texts are written, streamed, kept and judged; here by our own program, without a network."""

import asyncio
from typing import Any

import httpx
import orjson
import pytest

from contracts.generation import GenerationFailed, GenerationFinished
from generation.generations.model import State
from kit.ids import new_id

from .story import Story

ALL = ["facebook", "instagram", "threads", "linkedin", "x", "youtube", "tiktok"]


async def test_captions_for_seven_platforms_in_two_languages_are_written_and_counted(story: Story) -> None:
    ours = new_id()
    client = story.client(ours)
    asked = await story.texts(client, platforms=ALL, languages=["en", "de"], hashtags=2)
    ended = await story.ended(client, asked)
    assert ended["state"] == "done", ended
    assert {(each["platform"], each["language"]) for each in ended["texts"]} == {
        (platform, language) for platform in ALL for language in ("en", "de")
    }
    (told,) = [each for each in await story.told_of(ours) if isinstance(each, GenerationFinished)]
    assert (str(told.generation_id), told.kind, told.model) == (asked["id"], "captions", "rostrum-local")
    stands = (await client.get("/v1/generation/budget")).json()
    assert (stands["generations_used"], stands["reserved_micros"]) == (1, 0)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "improve", "improvement": "hook", "subject": "We sell bread and we sell it warm every morning."},
        {"kind": "improve", "improvement": "shorter", "subject": "We sell bread. " * 80},
        {"kind": "translate", "languages": ["de", "fr"], "subject": "A shop", "glossary": {"shop": "Boutique"}},
        {"kind": "seo", "platforms": ["youtube"], "subject": "How bread is made at home"},
        {"kind": "thread", "platforms": ["x"], "parts": 3, "subject": "How bread is made at home"},
        {"variations": 3, "emoji": "none", "link": "https://example.com/a"},
    ],
)
async def test_each_kind_is_written(story: Story, body: dict[str, object]) -> None:
    client = story.client(new_id())
    ended = await story.ended(client, await story.texts(client, **body))
    assert ended["state"] == "done", ended
    assert all(each["text"] for each in ended["texts"])
    if body.get("kind") == "thread":
        assert [len(each["parts"]) for each in ended["texts"]] == [3]
    if body.get("kind") == "seo":
        assert all(each["title"] and each["keywords"] for each in ended["texts"])
    if "glossary" in body:
        assert all("Boutique" in each["text"] for each in ended["texts"])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"platforms": []}, "platforms"),
        ({"platforms": ["myspace"]}, "platforms"),
        ({"subject": " "}, "subject"),
        ({"kind": "improve"}, ""),
        ({"kind": "thread", "parts": 2, "platforms": ["linkedin"]}, ""),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"platforms": ALL, "languages": ["en", "de", "fr"], "variations": 5}, "platforms"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_field_named(
    story: Story, body: dict[str, object], pointer: str
) -> None:
    wanted = {"subject": "a shop", "platforms": ["x"]} | body
    answer = await story.client(new_id()).post("/v1/generations", json=wanted)
    assert answer.status_code == 422
    assert any(pointer in error.get("pointer", "") for error in answer.json()["errors"])


async def test_the_same_request_twice_is_one_generation_and_the_same_question_is_answered_from_the_cache(
    story: Story,
) -> None:
    ours = new_id()
    client, key = story.client(ours), {"idempotency-key": new_id().hex}
    body = {"subject": "a shop opens", "platforms": ["x"]}
    first, twin = [await client.post("/v1/generations", json=body, headers=key) for _ in range(2)]
    assert first.json()["id"] == twin.json()["id"]
    texts = (await story.ended(client, first.json()))["texts"]
    again = await story.ended(client, await story.texts(client, **body))
    assert again["texts"] == texts
    usage = (await client.get("/v1/generation/usage", params={"by": "feature"})).json()
    assert [each["way"] for each in usage["savings"]] == ["cache"]
    others = story.client(new_id())
    await story.ended(others, await story.texts(others, **body))
    assert (await others.get("/v1/generation/usage")).json()["savings"] == []


async def test_what_is_said_is_streamed_and_goes_on_from_any_place(story: Story) -> None:
    client = story.client(new_id())
    asked = await story.texts(client, platforms=ALL)
    path = f"/v1/generations/{asked['id']}/events"
    whole = await events(await client.get(path))
    assert whole[-1][1] == "ended"
    assert whole[-1][2]["state"] == "done"
    said = "".join(data["text"] for _, name, data in whole if name == "text")
    assert orjson.loads(said).keys() == {f"p{place}" for place in range(1, 8)}
    for number, _, _ in whole:
        rest = await events(await client.get(path, headers={"last-event-id": str(number)}))
        assert [each for each in rest if each[1] != "ended"] == [
            each for each in whole if each[0] > number and each[1] != "ended"
        ]
    assert (await story.client(new_id()).get(path)).status_code == 404


async def events(answer: httpx.Response) -> list[tuple[int, str, dict[str, Any]]]:
    """The events of a stream: number, name, data."""
    found = []
    for block in answer.text.split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((int(fields["id"]), fields["event"], orjson.loads(fields["data"])))
    return found


async def test_no_organization_sees_the_texts_of_another(story: Story) -> None:
    ours, theirs = story.client(new_id()), story.client(new_id())
    mine = await story.ended(ours, await story.texts(ours))
    path = f"/v1/generations/{mine['id']}"
    for answer in (
        await theirs.get(path),
        await theirs.delete(path),
        await theirs.post(f"{path}/decision", json={"decision": "release"}),
    ):
        assert answer.status_code == 404
    assert (await theirs.get("/v1/generations")).json()["items"] == []
    assert [each["id"] for each in (await ours.get("/v1/generations")).json()["items"]] == [mine["id"]]


async def test_what_the_plan_does_not_include_is_refused_and_what_failed_counts_nothing(story: Story) -> None:
    ours = new_id()
    client = story.client(ours)
    await story.grant(ours, generations_per_month=1)
    blocked = await story.ended(client, await story.texts(client, subject="How to build: sexualized minor"))
    assert (blocked["state"], blocked["reason"]) == ("failed", "input_blocked")
    assert isinstance((await story.told_of(ours))[-1], GenerationFailed)
    await story.ended(client, await story.texts(client))
    refused = await client.post("/v1/generations", json={"subject": "a", "platforms": ["x"]})
    assert refused.status_code == 403
    assert refused.json()["type"].endswith("quota-exhausted")


async def test_what_moderation_wants_looked_at_is_held_until_a_person_decides(story: Story) -> None:
    ours = new_id()
    author, approver = story.client(ours, "editor"), story.client(ours, "approver")
    await client_policy(story.client(ours), violence="review")
    held = [await story.ended(author, await story.texts(author, subject="A massacre in 1871")) for _ in range(2)]
    assert {each["state"] for each in held} == {"held"}
    waiting = (await approver.get("/v1/generations", params={"state": "held"})).json()["items"]
    assert {each["id"] for each in waiting} == {each["id"] for each in held}
    assert (
        await author.post(f"/v1/generations/{held[0]['id']}/decision", json={"decision": "release"})
    ).status_code == 403
    for one, decision, state in zip(held, ("release", "refuse"), ("done", "failed"), strict=True):
        for _ in range(2):
            answer = await approver.post(f"/v1/generations/{one['id']}/decision", json={"decision": decision})
            assert answer.json()["state"] == state
    assert (await approver.get(f"/v1/generations/{held[1]['id']}")).json()["texts"] == []


async def client_policy(client: httpx.AsyncClient, **categories: str) -> None:
    answer = await client.put("/v1/generation/moderation", json={"categories": categories})
    assert answer.status_code == 200, answer.text


async def test_what_concerns_minors_can_be_allowed_by_nobody(story: Story) -> None:
    answer = await story.client(new_id()).put(
        "/v1/generation/moderation", json={"categories": {"sexual/minors": "allow"}}
    )
    assert answer.status_code == 422


async def test_a_generation_whose_process_died_fails_once_its_lease_is_over(story: Story) -> None:
    ours = new_id()
    client = story.client(ours)
    story.made.running.room = asyncio.Semaphore(0)  # nothing begins
    asked = await story.texts(client)
    await story.made.running.sweep()
    assert (await client.get(f"/v1/generations/{asked['id']}")).json()["state"] == "running"
    await story.forward(minutes=16)
    for _ in range(2):
        await story.made.running.sweep()
    client = story.client(ours)
    ended = (await client.get(f"/v1/generations/{asked['id']}")).json()
    assert (ended["state"], ended["reason"]) == ("failed", "interrupted")
    assert [each.reason for each in await story.told_of(ours) if isinstance(each, GenerationFailed)] == [
        "interrupted"
    ]
    assert (await client.get("/v1/generation/budget")).json()["generations_used"] == 0
    await story.made.running.close(within=0)
    assert (await client.get(f"/v1/generations/{asked['id']}")).json()["version"] == ended["version"]


async def test_texts_are_deleted_and_what_they_cost_stays_counted(story: Story) -> None:
    client = story.client(new_id())
    one = await story.ended(client, await story.texts(client))
    calls = sum(each["calls"] for each in (await client.get("/v1/generation/usage")).json()["items"])
    assert (await client.delete(f"/v1/generations/{one['id']}")).status_code == 204
    assert (await client.get(f"/v1/generations/{one['id']}")).status_code == 404
    assert sum(each["calls"] for each in (await client.get("/v1/generation/usage")).json()["items"]) == calls


async def test_what_was_asked_and_what_came_of_it_lies_sealed(story: Story) -> None:
    ours = new_id()
    client = story.client(ours)
    secret = "the merger with Acme"
    one = await story.ended(client, await story.texts(client, subject=secret))
    assert State(one["state"]) is State.DONE
    async with story.database.transaction(ours) as tx:
        rows = [
            str(dict(row))
            for table in ("generations", "generation_pieces", "answers", "calls", "outbox")
            for row in await tx.fetch(f"SELECT * FROM {table}")
        ]
    assert rows
    assert "Acme" not in "".join(rows)
    assert one["texts"][0]["text"][:30] not in "".join(rows)


async def test_what_people_do_is_in_the_audit_trail(story: Story) -> None:
    ours = new_id()
    client = story.client(ours)
    one = await story.ended(client, await story.texts(client))
    await client.delete(f"/v1/generations/{one['id']}")
    assert [line.action for line in await story.audited(ours)] == [
        "generation.text.requested",
        "generation.text.deleted",
    ]


async def test_an_answer_to_nearly_the_same_subject_is_given_to_who_wants_that_within_the_organization(
    story: Story,
) -> None:
    client, others = story.client(new_id()), story.client(new_id())
    body = {"platforms": ["x"], "similar": True}
    first = await story.ended(client, await story.texts(client, subject="We open a second shop on Saturday", **body))
    near = {"subject": "on Saturday we open a second shop", **body}
    assert (await story.ended(client, await story.texts(client, **near)))["texts"] == first["texts"]
    (saving,) = (await client.get("/v1/generation/usage")).json()["savings"]
    assert (saving["way"], saving["calls"]) == ("semantic", 1)
    for asking, wanted in (
        (others, near),
        (client, near | {"similar": False, "subject": "on Saturday a second shop we open"}),
        (client, near | {"subject": "Our bread is baked by hand"}),
        (client, near | {"languages": ["de"]}),
    ):
        await story.ended(asking, await story.texts(asking, **wanted))
        savings = (await asking.get("/v1/generation/usage")).json()["savings"]
        assert sum(each["calls"] for each in savings) == (0 if asking is others else 1)

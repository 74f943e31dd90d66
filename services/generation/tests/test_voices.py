"""A brand voice is learned, laid upon every text, and kept from others: through the door, with pages of our own."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import httpx
import pytest

from contracts.generation import SamplesRequested, VoiceTrained
from kit.http.client import Outbound
from kit.http.transport import Answer, NotSent, Outgoing
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.mortal import Mortal
from kit.testing.programs import eventually

from .story import Story

WARM: Final = (
    "We bake our bread at five every morning, and we love it! Come by and taste it with us, the coffee is free 🥐",
    "Our oven is hot again! We made sourdough for you, slow and by hand, as we always do. Which loaf do you like? 🍞",
    "You asked, we baked! Our rye bread is back, and we saved a warm slice for you. See you Saturday, neighbours! 🥐",
    "We met our miller today! Our flour comes from her field, and you can taste it in every loaf. Hello, Anna! 🌾",
)
LIKE: Final = (
    "We tried something new for you! Our sourdough has seeds in it now, and we love it. Come by and taste it! 🥐"
)
UNLIKE: Final = (
    "The company hereby announces that the aforementioned product portfolio shall be extended regarding several"
    " comprehensive specifications, notwithstanding the contractual obligations of the respective distributors."
)
PAGE: Final = """<html><head><title>About</title><script>alert('secret script')</script></head><body>
<nav><a href="/">Home</a> menu menu menu</nav><article><h1>About our bakery</h1>
<p>We bake our bread at five every morning, and we love it. Come by and taste it with us, the coffee is free.</p>
<p>Our oven is old, our flour is from the next village, and our neighbours know us by name since many years now.</p>
<p>You can look over our shoulder while we knead the dough, and we will show you how sourdough is fed every day.</p>
<p>We made bread in this street before you were born, and we hope to make it here for your children as well.</p>
</article></body></html>"""


@dataclass
class Web:
    """Pages by address, as the outside would answer; hosts have the addresses that the test gives them."""

    pages: dict[str, Answer] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    away: int = 0

    async def exchange(self, request: Outgoing, *, within: float, at_most: int) -> Answer:
        _ = within, at_most
        self.asked.append(request.url)
        if self.away:
            self.away -= 1
            raise NotSent("nobody is there")
        return self.pages.get(request.url.replace(":443", ""), Answer(404, {}, b""))

    async def warm(self) -> None: ...

    async def close(self) -> None: ...

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        _ = port
        return [self.hosts.get(host, "93.184.215.14")]

    def page(self, url: str, body: str = PAGE, **headers: str) -> None:
        self.pages[url] = Answer(200, {"content-type": "text/html; charset=utf-8"} | headers, body.encode())


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
async def story(place: TestDatabase, database: Mortal, web: Web) -> AsyncIterator[Story]:
    async with Story.told(place, database, outbound=Outbound(transport=web, resolver=web.resolve)) as told:
        yield told


def texts(*said: str) -> list[dict[str, Any]]:
    return [{"text": each} for each in said]


async def trained(client: httpx.AsyncClient, samples: Sequence[Mapping[str, Any]], **body: Any) -> dict[str, Any]:
    answer = await client.post("/v1/generation/voices", json={"name": "Bakery", "samples": samples} | body)
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def scored(client: httpx.AsyncClient, voice: Mapping[str, Any], text: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"/v1/generation/voices/{voice['id']}/score", json={"text": text} | body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def learned(client: httpx.AsyncClient, voice: Mapping[str, Any], number: int = 1) -> dict[str, Any]:
    """The version once it has ended."""
    seen: dict[str, Any] = {}

    async def there() -> bool:
        items = (await client.get(f"/v1/generation/voices/{voice['id']}/versions")).json()["items"]
        seen.update(next(each for each in items if each["number"] == number))
        return bool(seen["state"] != "learning")

    await eventually(there, within=30)
    return seen


async def test_a_voice_is_learned_from_texts_at_once_and_tells_what_sounds_like_it(story: Story) -> None:
    ours = new_id()
    client = story.client(ours)
    voice = await trained(client, texts(*WARM))
    version = voice["version_shown"]
    assert (version["state"], version["samples"], voice["is_default"], voice["current"]) == ("ready", 4, True, 1)
    assert version["profile"]["person"] == "we"
    assert "🥐" in version["profile"]["emoji"]
    assert "bread" in version["profile"]["vocabulary"]
    like, unlike = await scored(client, voice, LIKE), await scored(client, voice, UNLIKE)
    assert like["score"] >= 75, like
    assert unlike["score"] <= 45, unlike
    assert {"we", "formality"} & {each["trait"] for each in unlike["reasons"]}
    assert all(each["says"] and each["expected"] for each in unlike["reasons"])
    assert await scored(client, voice, LIKE) == like
    (told,) = [each for each in await story.told_of(ours) if isinstance(each, VoiceTrained)]
    assert (str(told.voice_id), told.samples, told.version) == (voice["id"], 4, 1)
    assert [line.action for line in await story.audited(ours)] == [
        "generation.voice.trained",
        "generation.voice.created",
    ]


async def test_a_broken_rule_costs_points_and_is_named(story: Story) -> None:
    client = story.client(new_id())
    rules = {"banned_words": ["cheap"], "preferred_words": {"customers": "neighbours"}}
    voice = await trained(client, texts(*WARM), rules=rules)
    before = (await scored(client, voice, LIKE))["score"]
    found = await scored(client, voice, f"{LIKE} CHEAP for all our customers!")
    assert [each["trait"] for each in found["reasons"]][:2] == ["banned_words", "preferred_words"]
    assert found["score"] <= before - 25
    assert "cheap" not in str(await scored(client, voice, f"{LIKE} Cheaper than cheapest"))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "improve", "improvement": "hook", "subject": "We sell bread and we sell it warm every morning."},
        {"kind": "translate", "languages": ["de"], "subject": "A shop opens on Saturday"},
        {"kind": "thread", "platforms": ["x"], "parts": 2},
        {"kind": "seo", "platforms": ["youtube"]},
    ],
)
async def test_the_voice_is_laid_upon_every_kind_of_text_and_each_says_how_near_it_came(
    story: Story, body: dict[str, Any]
) -> None:
    client = story.client(new_id())
    plain = await story.ended(client, await story.texts(client, **body))
    assert (plain["voice_version"], plain["texts"][0]["score"]) == ("", None)
    voice = await trained(client, texts(*WARM))
    spoken = await story.ended(client, await story.texts(client, **body))
    assert spoken["state"] == "done", spoken
    assert spoken["voice_version"] == f"{voice['id']}/1"
    assert all(0 <= each["score"] <= 100 for each in spoken["texts"])
    assert spoken["attempts"] == 1
    silent = await story.ended(client, await story.texts(client, voice="none", **body))
    assert silent["texts"] == plain["texts"]


async def test_a_text_with_a_banned_word_is_never_kept(story: Story) -> None:
    client = story.client(new_id())
    await trained(client, texts(*WARM), rules={"banned_words": ["saturday"]})
    ended = await story.ended(client, await story.texts(client, subject="A second shop opens on Saturday"))
    assert (ended["state"], ended["reason"]) == ("failed", "not_acceptable")
    assert "'saturday' is banned" in ended["detail"]


async def test_a_further_version_learns_from_more_and_the_former_stays_as_it_is(story: Story) -> None:
    client = story.client(new_id())
    voice = await trained(client, texts(*WARM))
    path = f"/v1/generation/voices/{voice['id']}/versions"
    formal = texts(*[UNLIKE] * 4)
    further = (await client.post(path, json={"samples": formal, "keep_samples": False})).json()
    assert (further["current"], further["latest"]) == (2, 2)
    assert (await scored(client, voice, UNLIKE))["score"] >= 75
    assert (await scored(client, voice, LIKE, number=1))["score"] >= 75
    kept = (await client.post(path, json={"samples": texts(LIKE)})).json()
    assert kept["version_shown"]["samples"] == 5
    items = (await client.get(path, params={"limit": 2})).json()
    assert [each["number"] for each in items["items"]] == [3, 2]
    rest = (await client.get(path, params={"cursor": items["next_cursor"]})).json()["items"]
    assert [(each["number"], each["samples"]) for each in rest] == [(1, 4)]
    shown = (await client.get(f"{path}/1/samples")).json()["items"]
    assert [each["texts"] for each in shown] == [[each] for each in WARM]


async def test_the_same_request_twice_is_one_voice_and_one_version(story: Story) -> None:
    client, key = story.client(new_id()), {"idempotency-key": new_id().hex}
    body = {"name": "Bakery", "samples": texts(*WARM)}
    first, twin = [await client.post("/v1/generation/voices", json=body, headers=key) for _ in range(2)]
    assert first.json()["id"] == twin.json()["id"]
    again, key = {"samples": texts(LIKE)}, {"idempotency-key": new_id().hex}
    path = f"/v1/generation/voices/{first.json()['id']}/versions"
    assert [(await client.post(path, json=again, headers=key)).json()["latest"] for _ in range(2)] == [2, 2]


async def test_too_few_words_make_no_voice_and_what_learned_nothing_is_not_used(story: Story) -> None:
    client = story.client(new_id())
    voice = await trained(client, texts("Hello there!"))
    version = voice["version_shown"]
    assert (version["state"], version["reason"], voice["current"]) == ("failed", "too_few_words", None)
    answer = await client.post("/v1/generations", json={"subject": "a", "platforms": ["x"], "voice": voice["id"]})
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "voice-not-ready")
    assert (await client.post(f"/v1/generation/voices/{voice['id']}/score", json={"text": "a"})).status_code == 409
    assert (await story.ended(client, await story.texts(client)))["voice_version"] == ""


async def test_a_page_is_read_without_what_is_not_its_text(story: Story, web: Web) -> None:
    client = story.client(new_id())
    web.page("https://bakery.example.com/about")
    web.pages["https://bakery.example.com/old"] = Answer(301, {"location": "/about"}, b"")
    async with story.working():
        voice = await trained(client, [{"url": "https://bakery.example.com/old"}])
        assert (await learned(client, voice))["state"] == "ready"
    (sample,) = (await client.get(f"/v1/generation/voices/{voice['id']}/versions/1/samples")).json()["items"]
    assert "bake our bread" in sample["texts"][0]
    assert "secret script" not in sample["texts"][0]
    assert "menu" not in sample["texts"][0]


@pytest.mark.parametrize(
    ("url", "leads_to", "reason"),
    [
        ("https://inside.example.com/", "", "address_not_allowed"),
        ("https://moved.example.com/", "https://169.254.169.254/latest/meta-data", "address_not_allowed"),
        ("https://moved.example.com/", "https://inside.example.com/", "address_not_allowed"),
        ("https://moved.example.com/", "http://bakery.example.com/", "address_not_allowed"),
        ("https://moved.example.com/", "file:///etc/passwd", "address_not_allowed"),
        ("https://moved.example.com/", "https://moved.example.com/", "too_many_redirects"),
        ("https://picture.example.com/", "", "not_a_page"),
        ("https://empty.example.com/", "", "nothing_to_read"),
        ("https://nothing.example.com/", "", "status_404"),
    ],
)
async def test_no_page_leads_into_the_house_and_each_failure_says_why(
    story: Story, web: Web, url: str, leads_to: str, reason: str
) -> None:
    client = story.client(new_id())
    web.hosts = {"inside.example.com": "10.0.0.7"}
    web.page("https://inside.example.com/")
    web.page("https://empty.example.com/", "<html><body></body></html>")
    web.pages["https://picture.example.com/"] = Answer(200, {"content-type": "image/png"}, b"x")
    if leads_to:
        web.pages["https://moved.example.com/"] = Answer(302, {"location": leads_to}, b"")
    async with story.working():
        voice = await trained(client, [*texts(*WARM), {"url": url}])
        version = await learned(client, voice)
    assert (version["state"], version["samples"]) == ("ready", 4)
    items = (await client.get(f"/v1/generation/voices/{voice['id']}/versions/1/samples")).json()["items"]
    assert [(each["state"], each["reason"]) for each in items if each["source"] == "url"] == [("failed", reason)]
    assert not any("inside" in each or "169.254" in each for each in web.asked)


async def test_a_page_that_cannot_be_had_is_tried_again(story: Story, web: Web) -> None:
    client = story.client(new_id())
    web.page("https://bakery.example.com/about")
    web.away = 1
    async with story.working():
        voice = await trained(client, [{"url": "https://bakery.example.com/about"}])
        await eventually(lambda: _asked(web, 1), within=20)
        await story.forward(minutes=2)
        assert (await learned(client, voice))["state"] == "ready"
    assert len(web.asked) == 2


async def _asked(web: Web, times: int) -> bool:
    return len(web.asked) >= times


@pytest.mark.parametrize(
    "sample",
    [
        {},
        {"text": "a", "url": "https://example.com/"},
        {"url": "http://example.com/"},
        {"url": "https://127.0.0.1/"},
        {"url": "https://localhost/"},
        {"url": "https://user:secret@example.com/"},
        {"url": "https://2130706433/"},
        {"published_posts": 0},
    ],
)
async def test_what_cannot_be_learned_from_is_refused_with_the_field_named(
    story: Story, sample: dict[str, Any]
) -> None:
    body = {"name": "Bakery", "samples": [sample]}
    answer = await story.client(new_id()).post("/v1/generation/voices", json=body)
    assert answer.status_code == 422
    assert any("samples" in each["pointer"] for each in answer.json()["errors"])


async def test_published_posts_are_asked_of_the_publisher_and_waited_for_no_longer_than_an_hour(story: Story) -> None:
    ours = new_id()
    client = story.client(ours)
    voice = await trained(client, [*texts(*WARM), {"published_posts": 10}])
    (asked,) = [each for each in await story.told_of(ours) if isinstance(each, SamplesRequested)]
    assert asked.at_most == 10
    async with story.working():
        assert (await client.get(f"/v1/generation/voices/{voice['id']}")).json()["current"] is None
        await story.forward(minutes=61)
        assert (await learned(client, voice))["state"] == "ready"


async def test_one_voice_is_used_where_none_is_named_and_it_can_be_another(story: Story) -> None:
    client = story.client(new_id())
    first, second = await trained(client, texts(*WARM)), await trained(client, texts(*[UNLIKE] * 4))
    assert [first["is_default"], second["is_default"]] == [True, False]
    path = f"/v1/generation/voices/{second['id']}"
    changed = (await client.patch(path, json={"is_default": True, "name": "Board"})).json()
    assert (changed["is_default"], changed["name"]) == (True, "Board")
    listed = (await client.get("/v1/generation/voices")).json()["items"]
    assert [(each["id"], each["is_default"]) for each in listed] == [(second["id"], True), (first["id"], False)]
    ended = await story.ended(client, await story.texts(client))
    assert ended["voice_version"] == f"{second['id']}/1"
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert (await story.ended(client, await story.texts(client, subject="bread")))["voice_version"] == ""


async def test_no_organization_sees_or_uses_the_voice_of_another(story: Story) -> None:
    ours, theirs = story.client(new_id()), story.client(new_id())
    voice = await trained(ours, texts(*WARM))
    path = f"/v1/generation/voices/{voice['id']}"
    for answer in (
        await theirs.get(path),
        await theirs.patch(path, json={"name": "Mine"}),
        await theirs.delete(path),
        await theirs.get(f"{path}/versions"),
        await theirs.get(f"{path}/versions/1/samples"),
        await theirs.post(f"{path}/versions", json={"samples": texts(*WARM)}),
        await theirs.post(f"{path}/score", json={"text": "a"}),
        await theirs.post("/v1/generations", json={"subject": "a", "platforms": ["x"], "voice": voice["id"]}),
    ):
        assert answer.status_code == 404, answer.text
    assert (await theirs.get("/v1/generation/voices")).json()["items"] == []


async def test_what_is_kept_of_a_voice_lies_sealed(story: Story) -> None:
    ours = new_id()
    await trained(story.client(ours), texts(*WARM), rules={"banned_words": ["cheap"], "do": ["Name the baker."]})
    async with story.database.transaction(ours) as tx:
        rows = [
            bytes(value)
            for table in ("voices", "voice_versions", "voice_samples")
            for row in await tx.fetch(f"SELECT * FROM {table}")
            for value in dict(row).values()
            if isinstance(value, bytes)
        ]
    assert len(rows) == 1 + 2 + 2 * len(WARM)
    assert not any(word in row for row in rows for word in (b"bread", b"Bakery", b"cheap", b"baker"))


async def test_who_may_not_manage_may_score_but_not_train(story: Story) -> None:
    ours: UUID = new_id()
    voice = await trained(story.client(ours), texts(*WARM))
    editor = story.client(ours, role="editor")
    assert (await scored(editor, voice, LIKE))["score"] > 0
    assert (await editor.post("/v1/generation/voices", json={"name": "X", "samples": texts("a")})).status_code == 403

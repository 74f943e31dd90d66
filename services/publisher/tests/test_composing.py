"""A post as each account gets it: variants, what is wrong with them, and how they look before they are written."""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from kit.db.database import Database, Transaction
from kit.http.etag import etag
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.outside import Sandbox
from postrules.limits import Platform
from publisher.platforms.base import MediaItem

from .story import Story

PATH, PREVIEW = "/v1/posts", "/v1/posts/preview"


async def _unread(offset: int, length: int) -> bytes:
    raise AssertionError(f"nobody reads bytes here: {offset}, {length}")


def picture(**changed: Any) -> MediaItem:
    """A picture that every platform takes."""
    item = MediaItem(new_id(), "image", "image/jpeg", 500_000, 1080, 1080, None, "", None, _unread)
    return replace(item, **changed)


@dataclass
class Shelf:
    """Pictures and videos, each of one organization."""

    items: dict[tuple[UUID, UUID], MediaItem] = field(default_factory=dict)

    def put(self, organization_id: UUID, item: MediaItem) -> str:
        """Its id."""
        self.items[organization_id, item.media_id] = item
        return str(item.media_id)

    async def find(
        self, tx: Transaction, media_ids: Collection[UUID], *, hold: bool = False
    ) -> Mapping[UUID, MediaItem]:
        _ = hold
        wanted = {(organization, media) for organization in tx.organization_ids for media in media_ids}
        return {media: self.items[key, media] for key, media in wanted if (key, media) in self.items}


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def composing(place: TestDatabase, database: Database, sandbox: Sandbox, shelf: Shelf) -> AsyncIterator[Story]:
    async with Story.told(place, database, sandbox, media=shelf) as told:
        yield told


async def account(story: Story, organization_id: UUID, platform: Platform, kind: str = "organization") -> str:
    """An account as connecting would leave it, without what opens it."""
    account_id = new_id()
    async with story.database.transaction(organization_id) as tx:
        await tx.execute(
            """
            INSERT INTO connected_accounts
                (id, organization_id, platform, kind, scopes, state, tokens_id, external_blind, external_sealed,
                 name_sealed)
            VALUES ($1, $2, $3, $4, '{}', 'connected', $5, $6, 'sealed', 'sealed')
            """,
            account_id,
            organization_id,
            platform,
            kind,
            new_id(),
            account_id.bytes * 2,
        )
    return str(account_id)


async def previews(client: httpx.AsyncClient, **body: Any) -> list[dict[str, Any]]:
    """What would be seen on each account."""
    answer = await client.post(PREVIEW, json=body)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["previews"]
    return found


async def test_a_post_is_shown_as_each_account_would_get_it_and_nothing_is_stored(composing: Story) -> None:
    organization_id = new_id()
    client = composing.client(organization_id)
    x, page = [await account(composing, organization_id, each) for each in (Platform.X, Platform.LINKEDIN)]
    text = "A sentence with words. " * 14 + "https://example.com #launch @acme"
    on_x, on_page = await previews(client, text=text, targets=[x, page])
    assert (on_x["account_id"], on_x["platform"], on_x["kind"], on_x["ready"]) == (x, "x", "post", False)
    (finding,) = on_x["findings"]
    assert (finding["pointer"], finding["rule"], finding["limit"]) == ("#/text", "text.max", 280)
    assert finding["actual"] == on_x["parts"][0]["length"] == 280 - on_x["parts"][0]["left"]
    assert on_x["parts"][0]["text"] == text
    assert "".join(part["text"] for part in on_x["proposal"]).split() != []
    assert all(part["left"] >= 0 for part in on_x["proposal"])
    assert (on_x["links"], on_x["hashtags"], on_x["mentions"]) == (["https://example.com"], ["launch"], ["acme"])
    assert (on_page["ready"], on_page["findings"], on_page["parts"][0]["fold"]) == (True, [], 140)
    assert on_page["card"] == "https://example.com"
    assert (await client.get(PATH)).json()["items"] == []
    assert await composing.told_of(organization_id) == []
    assert await composing.audited(organization_id) == []


async def test_a_refusal_names_platform_field_item_rule_and_fix(composing: Story, shelf: Shelf) -> None:
    organization_id = new_id()
    client = composing.client(organization_id)
    instagram = await account(composing, organization_id, Platform.INSTAGRAM)
    good, bad = [shelf.put(organization_id, picture(mime=mime)) for mime in ("image/jpeg", "image/png")]
    body = {
        "text": "Hello",
        "content": {"media": [{"media_id": good, "alt": "a" * 1001}, {"media_id": bad}]},
        "targets": [instagram],
        "publish_at": "now",
    }
    answer = await client.post(PATH, json=body)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:rostrum:problem:post-not-acceptable")
    assert [each["pointer"] for each in answer.json()["errors"]] == ["#/content/media/0/alt", "#/content/media/1"]
    alt, kind = answer.json()["findings"]
    assert (alt["rule"], alt["limit"], alt["actual"], alt["media"]) == ("alt.max", 1000, 1001, 0)
    assert kind == {
        "account_id": instagram,
        "platform": "instagram",
        "pointer": "#/content/media/1",
        "field": "media/1",
        "media": 1,
        "rule": "image.types",
        "limit": ["image/jpeg"],
        "actual": "image/png",
        "unit": "names",
        "blocks": True,
        "detail": "Instagram takes a picture as JPEG; item 2 is PNG.",
        "fix": "Convert it to JPEG.",
    }
    draft = await client.post(PATH, json=body | {"publish_at": None})
    assert draft.status_code == 201, "a draft may be unfinished"


async def test_what_differs_on_one_account_is_judged_there_and_its_place_is_told(composing: Story) -> None:
    organization_id = new_id()
    client = composing.client(organization_id)
    x, page = [await account(composing, organization_id, each) for each in (Platform.X, Platform.LINKEDIN)]
    override = {"text": "a" * 281, "content": {"first_comment": "b" * 281, "title": "Only here"}}
    on_x, on_page = await previews(
        client, text="Hello", content={"link": "https://example.com"}, targets=[x, page], overrides={x: override}
    )
    blocking = [(each["pointer"], each["rule"]) for each in on_x["findings"] if each["blocks"]]
    assert blocking == [
        (f"#/overrides/{x}/text", "text.max"),
        (f"#/overrides/{x}/content/first_comment", "comment.max"),
    ]
    assert on_x["parts"][0]["text"].endswith("https://example.com"), "X has no place of its own for a link"
    assert (on_page["parts"][0]["text"], on_page["card"], on_page["ready"]) == ("Hello", "https://example.com", True)


async def test_what_differs_is_kept_beside_the_post_and_follows_its_changes(composing: Story) -> None:
    organization_id = new_id()
    client = composing.client(organization_id)
    x, page = [await account(composing, organization_id, each) for each in (Platform.X, Platform.LINKEDIN)]
    at = (composing.now() + timedelta(hours=1)).isoformat()
    post = await composing.post(
        client, x, page,
        text="Hello", publish_at=at,
        content={"title": "Ours", "options": {"privacy": "public"}},
        overrides={x: {"content": {"parts": [{"text": "more"}], "title": ""}}},
    )  # fmt: skip
    kept = {each["account_id"]: (each["text"], each["content"]) for each in post["deliveries"]}
    assert kept == {x: (None, {"parts": [{"text": "more"}], "title": ""}), page: (None, None)}
    changed = await client.patch(
        f"{PATH}/{post['id']}",
        json={"text": "Hello again", "content": {"link": "https://example.com"}},
        headers={"if-match": etag(1)},
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["content"]["link"] == "https://example.com"
    assert {each["account_id"]: each["content"] for each in changed.json()["deliveries"]}[x] == kept[x][1]
    too_long = await client.patch(
        f"{PATH}/{post['id']}", json={"text": "a" * 281}, headers={"if-match": changed.headers["etag"]}
    )
    assert [each["pointer"] for each in too_long.json()["errors"]] == ["#/text"], "the variant has the post's text"
    replaced = await client.patch(
        f"{PATH}/{post['id']}",
        json={"targets": [x, page], "overrides": {page: "For the page"}},
        headers={"if-match": changed.headers["etag"]},
    )
    assert {each["account_id"]: (each["text"], each["content"]) for each in replaced.json()["deliveries"]} == {
        x: (None, None),
        page: ("For the page", None),
    }


async def test_a_variant_is_what_leaves_for_its_account(composing: Story) -> None:
    client = composing.client(new_id())
    page, member = [await composing.connect(client, what) for what in ("organization", "member")]
    post = await composing.post(client, page, member, text="for all", overrides={page: {"text": "for the page"}})
    async with composing.working():
        await composing.until(client, post, "published")
    live = {each["author"]: each["text"] for each in await composing.linkedin.live()}
    assert live == {"urn:li:organization:5000001": "for the page", "urn:li:person:ann": "for all"}


async def test_what_was_published_does_not_change(composing: Story) -> None:
    organization_id = new_id()
    client = composing.client(organization_id)
    post = await composing.post(client, await composing.connect(client))
    async with composing.working():
        published = await composing.until(client, post, "published")
    answer = await client.patch(
        f"{PATH}/{post['id']}", json={"content": {"title": "Other"}}, headers={"if-match": etag(published["version"])}
    )
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:rostrum:problem:post-already-left")
    for change in ("UPDATE posts SET text = 'other'", 'UPDATE posts SET content = \'{"title": "Other"}\''):
        with pytest.raises(asyncpg.RaiseError, match="does not change"):
            async with composing.database.transaction(organization_id) as tx:
                await tx.execute(f"{change} WHERE id = $1", UUID(post["id"]))


async def test_accounts_and_media_of_others_are_not_there(composing: Story, shelf: Shelf) -> None:
    ours, theirs = new_id(), new_id()
    client = composing.client(ours)
    mine, foreign = [await account(composing, each, Platform.X) for each in (ours, theirs)]
    image = shelf.put(theirs, picture())
    shown = {"media": [{"media_id": image}]}
    for path in (PATH, PREVIEW):
        answer = await client.post(path, json={"text": "a", "targets": [mine, foreign], "content": shown})
        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == ["#/targets/1", "#/content/media/0"]
        override = {mine: {"content": {"parts": [{"text": "b", **shown}]}}}
        answer = await client.post(path, json={"text": "a", "targets": [mine], "overrides": override})
        place = f"#/overrides/{mine}/content/parts/0/media/0"
        assert [each["pointer"] for each in answer.json()["errors"]] == [place]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ({"options": {"privacy": "nobody"}}, "options"),
        ({"options": {"ai_label": "yes"}}, "options"),
        ({"options": {"tags": True}}, "options"),
        ({"kind": "poem"}, "kind"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"media": [{"media_id": "1"}]}, "media/0/media_id"),
        ({"parts": [{"text": "a" * 70_000}]}, "parts/0/text"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_content_that_is_none_is_refused_with_its_place(
    composing: Story, content: dict[str, Any], where: str
) -> None:
    answer = await composing.client(new_id()).post(PREVIEW, json={"text": "a", "content": content})
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == [f"#/content/{where}"]


async def test_who_only_reads_posts_sees_no_previews(composing: Story) -> None:
    answer = await composing.client(new_id(), role="viewer").post(PREVIEW, json={"text": "a"})
    assert answer.status_code == 403

import hashlib
import hmac
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from contracts.publisher import PostEngaged
from kit.ids import new_id
from kit.testing.programs import eventually
from publisher.engagements.model import Change, change_of

from .story import Story

PATH = "/v1/webhooks/linkedin"
PAGE = "urn:li:organization:5000001"


def notification(post: str, action: str, number: int, entity: str = PAGE) -> dict[str, Any]:
    return {
        "notificationId": number,
        "organizationalEntity": entity,
        "action": action,
        "sourcePost": post,
        "lastModifiedAt": 1_790_000_000_000 + number,
        "decoratedGeneratedActivity": {"comment": {"text": "a person's words"}},
    }


def body_of(*notifications: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS", "notifications": notifications})


def signature(body: bytes, secret: str = "sandbox-secret") -> str:
    return hmac.new(secret.encode(), b"hmacsha256=" + body, hashlib.sha256).hexdigest()


async def deliver(story: Story, body: bytes, **headers: str) -> httpx.Response:
    headers = headers or {"x-li-signature": signature(body)}
    return await story.client(None).post(PATH, content=body, headers={"content-type": "application/json", **headers})


async def engaged(story: Story, organization_id: UUID) -> list[PostEngaged]:
    return [event for event in await story.told_of(organization_id) if isinstance(event, PostEngaged)]


async def published(story: Story, organization_id: UUID) -> str:
    client = story.client(organization_id)
    post = await story.post(client, await story.connect(client))
    shown = await story.until(client, post, "published")
    external_id: str = shown["deliveries"][0]["external_id"]
    return external_id


async def test_linkedins_challenge_is_answered_with_the_applications_secret(story: Story) -> None:
    code = "890e4665-4dfe-4ab1-b689-ed553bceeed0"
    answer = await story.client(None).get(PATH, params={"challengeCode": code})
    expected = hmac.new(b"sandbox-secret", code.encode(), hashlib.sha256).hexdigest()
    assert answer.status_code == 200
    assert answer.json() == {"challengeCode": code, "challengeResponse": expected}
    assert (await story.client(None).get(PATH)).status_code == 403


async def test_what_people_do_is_counted_once_however_often_it_comes(story: Story) -> None:
    organization_id = new_id()
    async with story.working():
        post = await published(story, organization_id)
        first = body_of(notification(post, "LIKE", 1), notification(post, "COMMENT", 2))
        for _ in range(2):
            assert (await deliver(story, first)).status_code == 200
        mixed = body_of(
            notification(post, "COMMENT", 2),
            notification(post, "COMMENT", 3),
            notification(post, "COMMENT_DELETE", 4),
            notification(post, "SHARE", 5),
            notification(post, "COMMENT_EDIT", 6),
            notification(post, "SOMETHING_NEW", 7),
        )
        assert (await deliver(story, mixed)).status_code == 200

        async def counted() -> bool:
            told = await engaged(story, organization_id)
            return bool(told) and (told[-1].reactions, told[-1].comments, told[-1].shares) == (1, 1, 1)

        await eventually(counted)


async def test_what_was_done_to_posts_of_others_is_kept_and_changes_nothing(story: Story) -> None:
    ours, theirs = new_id(), new_id()
    async with story.working():
        post = await published(story, ours)
        await story.connect(story.client(theirs), "member")
        stranger = notification("urn:li:share:1", "LIKE", 11)
        nobody = notification("urn:li:share:2", "LIKE", 12, "urn:li:organization:999")
        assert (await deliver(story, body_of(stranger, nobody, notification(post, "LIKE", 13)))).status_code == 200

        async def counted() -> bool:
            return len(await engaged(story, ours)) == 1

        await eventually(counted)
    assert await engaged(story, theirs) == []


@pytest.mark.parametrize("given", ["", "0" * 64, "hmacsha256=" + "0" * 64, "not hexadecimal", None])
async def test_what_linkedin_has_not_signed_is_refused(story: Story, given: str | None) -> None:
    body = body_of(notification("urn:li:share:1", "LIKE", 1))
    headers = {} if given is None else {"x-li-signature": given}
    answer = await deliver(story, body, **(headers or {"x-other": "1"}))
    assert answer.status_code in (401, 403)
    tampered = await deliver(story, body + b" ", **{"x-li-signature": signature(body)})
    assert tampered.status_code in (401, 403)


NOTIFICATIONS: list[object] = [
    None,
    5,
    [5],
    [{}],
    [{"notificationId": {}, "sourcePost": "a b", "lastModifiedAt": 10**18}],
]
NONSENSE = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"\xff\xfe",
    b'{"type": 5}',
    b'{"type": "LEAD_ACTION", "owner": {"x": 1}}',
] + [
    orjson.dumps({"type": "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS", "notifications": value})
    for value in NOTIFICATIONS
]


async def test_signed_nonsense_is_taken_and_harms_nobody(story: Story) -> None:
    organization_id = new_id()
    async with story.working():
        for body in NONSENSE:
            assert (await deliver(story, body)).status_code == 200
        post = await published(story, organization_id)
        assert (await deliver(story, body_of(notification(post, "LIKE", 99)))).status_code == 200

        async def counted() -> bool:
            return len(await engaged(story, organization_id)) == 1

        await eventually(counted)


def test_actions_add_up() -> None:
    actions = ["LIKE", "LIKE", "COMMENT", "ADMIN_COMMENT", "COMMENT_DELETE", "SHARE", "SHARE_MENTION", "x"]
    assert change_of(actions) == Change(reactions=2, comments=1, shares=1)
    assert not change_of(["SHARE_MENTION"])

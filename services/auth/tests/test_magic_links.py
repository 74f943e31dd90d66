"""A link that signs in: once, for ten minutes, in the browser that asked for it."""

import asyncio

import httpx

from contracts.audit import AuditEntry

from .conftest import Forward
from .second_factors import with_app
from .story import Person, Story, problem

ADA, BOB = "ada@example.com", "bob@example.com"


async def ask(story: Story, email: str = ADA) -> str:
    answer = await story.http.post("/v1/magic-links", json={"email": email})
    assert answer.status_code == 202
    return str(answer.json()["request_token"])


async def redeem(story: Story, token: str, request_token: str, **more: object) -> httpx.Response:
    body = {"token": token, "request_token": request_token, **more}
    return await story.http.post("/v1/magic-links/redeem", json=body)


async def test_a_link_signs_in_the_browser_that_asked_for_it(story: Story) -> None:
    ada = await story.person(ADA)
    organization_id = await ada.create()
    request_token = await ask(story)
    await story.deliver()
    answer = await redeem(story, story.postbox.token(ADA), request_token, organization_id=organization_id)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert (answer.json()["user_id"], answer.json()["role"]) == (ada.user_id, "owner")
    person = Person(story.http, ADA, answer.json())
    assert (await person.call("GET", "/v1/me")).json()["email"] == ADA
    rows = await story.admin("SELECT proofs FROM sessions ORDER BY id DESC LIMIT 1")
    assert rows[0]["proofs"] == ["mail"]


async def test_the_link_alone_is_of_no_use_nor_with_what_another_request_was_answered(story: Story) -> None:
    """Who follows a link that a stranger had sent, or reads one on its way, signs nobody in."""
    await story.person(ADA)
    await story.person(BOB)
    strangers, mine, another = await ask(story), await ask(story), await ask(story, BOB)
    await story.deliver()
    token = story.postbox.token(ADA)
    for wrong in ("", "junk", strangers, another, token):
        assert problem(await redeem(story, token, wrong)) == (410, "link-expired")
    assert (await redeem(story, token, mine)).status_code == 201, "and it was not used up by these"


async def test_a_link_is_good_once(story: Story) -> None:
    await story.person(ADA)
    request_token = await ask(story)
    await story.deliver()
    token = story.postbox.token(ADA)
    answers = await asyncio.gather(*(redeem(story, token, request_token) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [410] * 7


async def test_a_link_expires_after_ten_minutes(story: Story, forward: Forward) -> None:
    await story.person(ADA)
    request_token = await ask(story)
    await story.deliver()
    await forward(601)
    assert problem(await redeem(story, story.postbox.token(ADA), request_token)) == (410, "link-expired")


async def test_a_link_dies_when_all_sessions_are_ended(story: Story) -> None:
    ada = await story.person(ADA)
    request_token = await ask(story)
    await story.deliver()
    await ada.call("DELETE", "/v1/sessions")
    assert problem(await redeem(story, story.postbox.token(ADA), request_token)) == (410, "link-expired")


async def test_the_second_factor_is_still_owed(story: Story) -> None:
    ada = await story.person(ADA)
    await with_app(story, ada)
    request_token = await ask(story)
    await story.deliver()
    answer = await redeem(story, story.postbox.token(ADA), request_token)
    assert answer.status_code == 202
    assert "totp" in answer.json()["factors"]


async def test_who_has_no_account_is_answered_alike_and_not_mailed(story: Story) -> None:
    await story.person(ADA)
    before = len(story.postbox.taken)
    known, unknown = await ask(story), await ask(story, "nobody@example.com")
    assert len(known) == len(unknown)
    await story.deliver()
    assert [to for to, _ in story.postbox.taken[before:]] == [ADA]


async def test_signing_in_by_link_is_in_the_audit_trail(story: Story) -> None:
    await story.person(ADA)
    request_token = await ask(story)
    await story.deliver()
    answer = await redeem(story, story.postbox.token(ADA), request_token)
    lines = [each for each in await story.told(AuditEntry) if isinstance(each, AuditEntry)]
    begun = [each.target_id for each in lines if each.action == "auth.session.started"]
    assert begun[-1] == answer.json()["session_id"]

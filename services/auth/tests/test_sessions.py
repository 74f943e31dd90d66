import asyncio
import base64
import json
import math
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.sessions.model import GRACE, Session, Verdict
from contracts.auth import SessionsRevoked
from kit.ids import new_id

from .conftest import Forward
from .story import Story, problem

ADA = "ada@example.com"


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


async def test_a_refresh_gives_the_next_token_and_a_new_access_token(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    before = ada.tokens
    assert (await ada.refresh()).status_code == 200
    assert ada.tokens["refresh_token"] != before["refresh_token"]
    assert ada.tokens["session_id"] == before["session_id"]
    await forward(300)
    assert (await ada.refresh()).status_code == 200
    assert claims(ada.tokens["access_token"])["exp"] > claims(before["access_token"])["exp"]
    assert (await ada.call("GET", "/v1/me")).status_code == 200


async def test_an_access_token_dies_after_ten_minutes_of_the_platforms_time(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    await forward(560)
    assert (await ada.call("GET", "/v1/me")).status_code == 200
    await forward(60)
    assert problem(await ada.call("GET", "/v1/me")) == (401, "invalid-token")
    assert (await ada.refresh()).status_code == 200
    assert (await ada.call("GET", "/v1/me")).status_code == 200


async def test_the_parent_gives_the_same_successor_for_ten_seconds_and_then_ends_the_family(
    story: Story, forward: Forward
) -> None:
    ada = await story.person(ADA)
    first = ada.tokens["refresh_token"]
    second = (await ada.refresh(token=first)).json()["refresh_token"]
    again = await ada.refresh(token=first)
    assert (again.status_code, again.json()["refresh_token"]) == (200, second)
    await forward(11)
    assert problem(await ada.refresh(token=first)) == (401, "refresh-token-reused")
    assert problem(await ada.refresh(token=second)) == (401, "session-ended")
    (told,) = await story.told(SessionsRevoked)
    assert isinstance(told, SessionsRevoked)
    assert str(told.session_id) == ada.tokens["session_id"]
    assert (await story.sign_in(ADA)).status_code == 201


async def test_an_older_token_ends_the_family_whoever_holds_the_newest(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    stolen = ada.tokens["refresh_token"]
    for _ in range(3):
        await forward(11)
        assert (await ada.refresh()).status_code == 200
    assert problem(await ada.refresh(token=stolen)) == (401, "refresh-token-reused")
    assert problem(await ada.refresh()) == (401, "session-ended")


async def test_fifty_tabs_that_refresh_at_once_all_get_the_same_successor(story: Story) -> None:
    ada = await story.person(ADA)
    token = ada.tokens["refresh_token"]
    answers = await asyncio.gather(*(ada.refresh(token=token) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert await story.told(SessionsRevoked) == []


async def test_tabs_that_refresh_at_random_are_never_signed_out(story: Story, forward: Forward) -> None:
    """Each tab uses what it was last given or what the others share, at any moment, while time goes on in leaps."""
    ada = await story.person(ADA)
    organization_id = await ada.create()
    chance = random.Random(7)
    shared = ada.tokens["refresh_token"]

    async def tab() -> None:
        nonlocal shared
        held = shared
        for _ in range(chance.randrange(1, 4)):
            await asyncio.sleep(chance.random() / 200)
            answer = await ada.refresh(chance.choice([None, organization_id]), token=held)
            assert answer.status_code == 200, answer.text
            held = shared = answer.json()["refresh_token"]

    for _ in range(12):
        await asyncio.gather(*(tab() for _ in range(12)))
        await forward(chance.choice([0, 3, 11, 600]))
    assert await story.told(SessionsRevoked) == []


START = datetime(2026, 1, 1, tzinfo=UTC)
Steps = st.lists(st.tuples(st.integers(0, 4), st.floats(0, 30), st.floats(0, 9.99)), max_size=60)


@given(Steps)
def test_whatever_the_interleaving_a_token_that_was_current_ten_seconds_ago_is_never_reuse(
    steps: list[tuple[int, float, float]],
) -> None:
    """Tabs read the shared token at some moment, and their request arrives within ten seconds of it."""
    session = Session(new_id(), new_id(), 0, None, 0, None, START, START + timedelta(days=30), ended=False)
    now, seen = START, [(START, 0)]
    for _, pause, delay in steps:
        now += timedelta(seconds=pause)
        read_at = now - timedelta(seconds=delay)
        held = [counter for since, counter in seen if since <= read_at][-1] if read_at >= START else 0
        verdict = session.judge(held, now, 0)
        assert verdict in (Verdict.ROTATE, Verdict.REPEAT)
        if verdict is Verdict.ROTATE:
            seen.append((now, session.counter + 1))
            session = Session(
                session.id, session.user_id, 0, None, session.counter + 1, now, now, session.expires_at, ended=False
            )


@given(back=st.integers(2, 1000), seconds=st.floats(0, 100))
def test_any_token_older_than_the_parent_is_reuse_at_any_time(back: int, seconds: float) -> None:
    now = START + timedelta(seconds=seconds)
    session = Session(new_id(), new_id(), 0, None, 1000, START, START, START + timedelta(days=30), ended=False)
    assert session.judge(1000 - back, now, 0) is Verdict.REUSED
    parent = session.judge(999, now, 0)
    assert parent is (Verdict.REPEAT if now < START + GRACE else Verdict.REUSED)


async def test_a_session_ends_after_two_weeks_without_use(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    await forward(13 * 86400)
    assert (await ada.refresh()).status_code == 200
    await forward(14 * 86400 + 1)
    assert problem(await ada.refresh()) == (401, "session-ended")


async def test_a_session_ends_after_thirty_days_however_often_it_is_used(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    for _ in range(2):
        await forward(13 * 86400)
        assert (await ada.refresh()).status_code == 200
    await forward(4 * 86400 - 120)
    last = await ada.refresh()
    assert last.status_code == 200
    assert last.json()["expires_in"] <= 120, "no access token outlives its session"
    await forward(121)
    assert problem(await ada.refresh()) == (401, "session-ended")


async def test_junk_is_refused_without_asking_the_database(story: Story) -> None:
    await story.database.close()
    for junk in ("x", "A" * 50, story.parts.mints.challenge.make(new_id()), "🦊"):
        answer = await story.http.post("/v1/sessions/refresh", json={"refresh_token": junk})
        assert problem(answer) == (401, "refresh-token-malformed")


async def test_a_token_for_a_session_that_never_was_is_refused(story: Story) -> None:
    made = story.parts.entrance.refresh_tokens.make(new_id())
    answer = await story.http.post("/v1/sessions/refresh", json={"refresh_token": made})
    assert problem(answer) == (401, "session-ended")


async def test_whoever_reuses_a_token_cannot_choose_what_the_others_are_told(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    stolen = ada.tokens["refresh_token"]
    await ada.refresh()
    await forward(11)
    assert problem(await ada.refresh(str(new_id()), token=stolen)) == (401, "refresh-token-reused")
    (told,) = await story.told(SessionsRevoked)
    assert told.organization_id is None


async def test_signing_out_everywhere_while_others_refresh_and_sign_in_leaves_no_older_session(story: Story) -> None:
    ada = await story.person(ADA)
    others = [(await story.sign_in(ADA)).json()["refresh_token"] for _ in range(4)]
    await asyncio.gather(
        *(ada.refresh(token=token) for token in others),
        ada.call("DELETE", "/v1/sessions"),
        *(story.sign_in(ADA) for _ in range(3)),
    )
    for token in others:
        assert problem(await ada.refresh(token=token)) == (401, "session-ended")


async def test_signing_out_ends_this_session_and_no_other(story: Story) -> None:
    ada = await story.person(ADA)
    other = (await story.sign_in(ADA)).json()
    assert (await ada.call("DELETE", "/v1/sessions/current")).status_code == 204
    assert (await ada.call("DELETE", "/v1/sessions/current")).status_code == 204
    assert problem(await ada.refresh()) == (401, "session-ended")
    assert (await ada.refresh(token=other["refresh_token"])).status_code == 200
    (told,) = await story.told(SessionsRevoked)
    assert isinstance(told, SessionsRevoked)
    assert (str(told.session_id), told.epoch) == (ada.tokens["session_id"], 0)


async def test_signing_out_everywhere_ends_all_my_sessions_and_nobody_elses(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person("bob@example.com")
    other = (await story.sign_in(ADA)).json()
    assert (await ada.call("DELETE", "/v1/sessions")).status_code == 204
    assert problem(await ada.refresh()) == (401, "session-ended")
    assert problem(await ada.refresh(token=other["refresh_token"])) == (401, "session-ended")
    assert (await bob.refresh()).status_code == 200
    fresh = (await story.sign_in(ADA)).json()
    assert claims(fresh["access_token"])["epoch"] == 1
    (told,) = await story.told(SessionsRevoked)
    assert isinstance(told, SessionsRevoked)
    assert (told.session_id, told.epoch) == (None, 1)


async def test_gateways_are_told_what_ended_lately(story: Story, forward: Forward) -> None:
    ada, bob = await story.person(ADA), await story.person("bob@example.com")
    await ada.call("DELETE", "/v1/sessions/current")
    await bob.call("DELETE", "/v1/sessions")
    before = story.database.clock.now()
    body = (await story.http.get("/internal/revocations")).json()
    after = story.database.clock.now()
    assert [(each["user_id"], each["session_id"], each["epoch"]) for each in body["revocations"]] == [
        (ada.user_id, ada.tokens["session_id"], 0),
        (bob.user_id, None, 1),
    ]
    near = timedelta(seconds=2)
    assert before - near < datetime.fromisoformat(body["now"]) < after + near
    await forward(15 * 60 + 1)
    assert (await story.http.get("/internal/revocations")).json()["revocations"] == []


async def test_switching_to_an_organization_asks_for_membership_now(story: Story) -> None:
    ada, eve = await story.person(ADA), await story.person("eve@example.com")
    organization_id = await ada.create()
    body = (await ada.refresh(organization_id)).json()
    assert (body["organization_id"], body["role"]) == (organization_id, "owner")
    caller = await story.verifier.verify(body["access_token"])
    assert (caller.organization_id, caller.role) == (UUID(organization_id), "owner")
    assert problem(await eve.refresh(organization_id)) == (404, "organization-not-found")
    assert problem(await eve.refresh(str(new_id()))) == (404, "organization-not-found")
    assert (await eve.refresh()).json()["organization_id"] is None
    assert problem(await story.sign_in("eve@example.com", organization_id=organization_id)) == (
        404,
        "organization-not-found",
    )
    assert (await story.sign_in(ADA, organization_id=organization_id)).json()["role"] == "owner"


@pytest.mark.parametrize("email", [ADA, "nobody@example.com"])
async def test_after_ten_failures_each_attempt_doubles_the_wait_for_the_next(
    email: str, story: Story, forward: Forward
) -> None:
    """The same for an address that nobody has."""
    await story.person(ADA)
    for _ in range(11):
        assert (await story.sign_in(email, "wrong-password-55")).status_code == 401
    for wait in (1, 2, 4, 8, 16, 32):
        await forward(wait)
        before = time.monotonic()
        assert (await story.sign_in(email, "wrong-password-55")).status_code == 401
    answer = await story.sign_in(email)
    passed = time.monotonic() - before
    assert problem(answer) == (429, "too-many-attempts")
    assert 63 - passed <= int(answer.headers["retry-after"]) <= 64


async def test_the_right_password_after_the_wait_starts_the_count_anew(story: Story, forward: Forward) -> None:
    await story.person(ADA)
    for _ in range(11):
        await story.sign_in(ADA, "wrong-password-55")
    await forward(2)
    assert (await story.sign_in(ADA)).status_code == 201
    for _ in range(11):
        assert (await story.sign_in(ADA, "wrong-password-55")).status_code == 401


async def test_no_password_is_guessed_faster_by_guessing_at_once(story: Story) -> None:
    await story.person(ADA)
    before = time.monotonic()
    answers = await asyncio.gather(*(story.sign_in(ADA, f"wrong-password-{at}") for at in range(40)))
    passed = time.monotonic() - before
    assert sum(answer.status_code == 401 for answer in answers) <= 11 + math.log2(1 + passed), "1, 2, 4 … seconds"


@pytest.mark.parametrize("body", [{}, {"refresh_token": 1}, {"refresh_token": "x" * 300}, {"token": "x"}])
async def test_a_refresh_that_makes_no_sense_is_told_so(body: dict[str, Any], story: Story) -> None:
    answer = await story.http.post("/v1/sessions/refresh", json=body)
    assert problem(answer) == (422, "invalid")

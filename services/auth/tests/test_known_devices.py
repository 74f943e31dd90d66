"""On a known device two statements sign somebody in; what happens between them is heeded."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import httpx
import pytest

from auth.passwords.hashing import Passwords
from auth.throttle.model import RULES, Scope
from contracts.auth import AuthAuditRecorded
from kit.db.database import Database
from kit.testing.databases import TestDatabase

from .conftest import Forward
from .second_factors import with_app
from .story import GOOD, Person, Story, problem, settings
from .test_throttle import ADA, WRONG, guess, until_locked

Meanwhile = Callable[[], Awaitable[object]]


async def nothing() -> None:
    """Happens most of the time."""


class Slow(Passwords):
    """While a password is compared, something else happens."""

    def __init__(self) -> None:
        super().__init__(threads=2, memory_kib=64, passes=1)
        self.meanwhile: Meanwhile = nothing

    async def match(self, password: str, hashed: str | None) -> bool:
        happens, self.meanwhile = self.meanwhile, nothing
        await happens()
        return await super().match(password, hashed)


@pytest.fixture
async def slow() -> AsyncIterator[Slow]:
    passwords = Slow()
    yield passwords
    passwords.close()


@pytest.fixture
async def story(place: TestDatabase, database: Database, slow: Slow) -> AsyncIterator[Story]:
    told = Story(place, database, slow, settings(place))
    await told.begin()
    yield told
    await told.end()


@pytest.fixture
async def ada(story: Story) -> Person:
    return await story.person(ADA)


async def again(story: Story, ada: Person, password: str = GOOD) -> httpx.Response:
    """She signs in on the device that she has."""
    headers = {"device-token": ada.tokens["device_token"]}
    return await story.http.post("/v1/sessions", json={"email": ADA, "password": password}, headers=headers)


async def started(story: Story) -> list[str]:
    """The sessions that the audit trail tells of."""
    lines = [each for each in await story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    return [each.target_id for each in lines if each.action == "auth.session.started"]


async def test_the_session_is_like_any_other(story: Story, ada: Person) -> None:
    answer = await again(story, ada)
    assert answer.status_code == 201
    new = Person(story.http, ADA, answer.json())
    told = (await new.call("GET", "/v1/sessions/current")).json()
    assert (told["session"]["proofs"], told["organization_id"]) == (["password"], None)
    listed = (await new.call("GET", "/v1/sessions")).json()["items"]
    assert len({each["device_id"] for each in listed}) == 1
    assert (await new.call("GET", "/v1/sessions/statistics")).json()["sign_ins"] == 2
    assert await started(story) == [ada.tokens["session_id"], new.tokens["session_id"]]
    assert (await new.refresh()).status_code == 200
    assert await story.count("throttles") == 0


async def test_a_right_password_forgets_what_was_guessed_on_the_device(story: Story, ada: Person) -> None:
    for _ in range(3):
        for _ in range(RULES[Scope.DEVICE].free - 1):
            assert (await again(story, ada, WRONG)).status_code == 401
        assert (await again(story, ada)).status_code == 201


async def test_guesses_at_once_on_a_device_are_counted_each(story: Story, ada: Person) -> None:
    answers = await asyncio.gather(*(again(story, ada, WRONG) for _ in range(30)))
    free = RULES[Scope.DEVICE].free
    assert free <= [each.status_code for each in answers].count(401) <= free + 2
    assert (await again(story, ada)).status_code == 429, "also of the right one"


async def test_many_sign_in_at_once_on_one_device(story: Story, ada: Person) -> None:
    answers = await asyncio.gather(*(again(story, ada) for _ in range(8)))
    assert [each.status_code for each in answers] == [201] * 8
    assert len({each.json()["session_id"] for each in answers}) == 8
    assert len(await started(story)) == 9
    assert await story.count("devices") == 1


async def test_a_device_that_became_a_stranger_is_a_known_one_after_the_next_sign_in(
    story: Story, ada: Person, forward: Forward
) -> None:
    device = ada.tokens["device_token"]
    await until_locked(story, forward, ADA, device)
    assert await guess(story, ADA, password=GOOD, device=device) == 201, "as from an unknown device"
    assert (await again(story, ada)).status_code == 201, "and from now on as from a known one"


async def test_the_device_is_forgotten_meanwhile(story: Story, ada: Person, slow: Slow) -> None:
    (device,) = (await ada.call("GET", "/v1/devices")).json()["items"]
    slow.meanwhile = lambda: ada.call("DELETE", f"/v1/devices/{device['id']}")
    answer = await again(story, ada)
    assert answer.status_code == 201
    (anew,) = (await Person(story.http, ADA, answer.json()).call("GET", "/v1/devices")).json()["items"]
    assert anew["id"] != device["id"], "it is a device that was not known"


async def test_they_are_suspended_meanwhile(story: Story, ada: Person, slow: Slow) -> None:
    slow.meanwhile = lambda: story.admin("UPDATE users SET suspended_at = kit_now()")
    assert problem(await again(story, ada)) == (403, "account-suspended")
    assert await started(story) == [ada.tokens["session_id"]]
    assert await story.admin("SELECT FROM throttles WHERE scope = 'device'") == [], "the password was right"


async def test_a_second_factor_comes_into_use_meanwhile(story: Story, ada: Person, slow: Slow) -> None:
    slow.meanwhile = lambda: with_app(story, ada)
    answer = await again(story, ada)
    assert (answer.status_code, answer.json()["factors"][0]) == (202, "totp")
    assert await started(story) == [ada.tokens["session_id"]]


@pytest.mark.parametrize("known", [True, False])
async def test_all_sessions_are_ended_meanwhile_and_this_one_with_them(
    story: Story, ada: Person, slow: Slow, known: bool
) -> None:
    """As by a new password: who knows only the old one is out."""
    slow.meanwhile = lambda: ada.call("DELETE", "/v1/sessions")
    answer = await again(story, ada) if known else await story.sign_in(ADA)
    assert problem(answer) == (401, "wrong-credentials")
    assert await started(story) == [ada.tokens["session_id"]]
    assert (await again(story, ada)).status_code == 201


async def test_the_account_is_gone_meanwhile(story: Story, ada: Person, slow: Slow) -> None:
    async def gone() -> None:
        await story.admin(
            """
            WITH s AS (DELETE FROM sessions), d AS (DELETE FROM devices), i AS (DELETE FROM identities),
                 a AS (DELETE FROM activity), o AS (DELETE FROM outbox)
            DELETE FROM users
            """
        )

    slow.meanwhile = gone
    assert problem(await again(story, ada)) == (401, "wrong-credentials")
    assert await started(story) == []


async def test_beyond_the_limit_the_one_used_least_lately_ends(story: Story, ada: Person, forward: Forward) -> None:
    limit = story.parts.entrance.limits.parallel
    await story.admin(
        """
        INSERT INTO sessions (id, user_id, epoch, expires_at, proofs)
        SELECT gen_random_uuid(), $1, 0, kit_now() + interval '30 days', '{password}' FROM generate_series(2, $2)
        """,
        UUID(ada.user_id),
        limit,
    )
    await forward(1)
    assert (await again(story, ada)).status_code == 201
    (row,) = await story.admin("SELECT count(*) AS count FROM sessions WHERE ended_at IS NULL")
    assert row["count"] == limit

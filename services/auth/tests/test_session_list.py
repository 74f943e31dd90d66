"""What people see of their sessions, and how they end them."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from auth.sessions.agents import Agent, read
from contracts.audit import AuditEntry
from contracts.auth import SessionsRevoked
from kit.ids import new_id

from .conftest import Forward
from .story import GOOD, Person, Story, problem, text_of
from .test_sessions import claims

ADA = "ada@example.com"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"

BLINK = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0"
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


async def again(story: Story, *, device: str = "", address: str = "192.0.2.44", agent: str = FIREFOX) -> Person:
    headers = {"x-forwarded-for": address, "user-agent": agent} | ({"device-token": device} if device else {})
    answer = await story.http.post("/v1/sessions", json={"email": ADA, "password": GOOD}, headers=headers)
    assert answer.status_code == 201, answer.text
    return Person(story.http, ADA, answer.json())


async def listed(person: Person) -> list[dict[str, Any]]:
    answer = await person.call("GET", "/v1/sessions")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@pytest.mark.parametrize(
    ("user_agent", "program", "system"),
    [
        (FIREFOX, "Firefox", "Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {BLINK} Safari/537.36 Edg/130.0.0.0", "Edge", "Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {BLINK} Safari/537.36 OPR/115.0.0.0", "Opera", "Windows"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/17.6 Safari/605.1.15", "Safari", "macOS"),
        (f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) {WEBKIT} CriOS/130.0 Mobile", "Chrome", "iPhone"),
        (f"Mozilla/5.0 (Linux; Android 14) SamsungBrowser/26.0 {BLINK} Mobile", "Samsung Internet", "Android"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {BLINK} Safari/537.36", "Chrome", "ChromeOS"),
        ("curl/8.5.0", "curl", None),
        ("Rostrum CLI/1.2 (Darwin/23)", "Rostrum CLI", "macOS"),
        ("Mozilla/5.0 (compatible)", None, None),
        ("<script>", None, None),
        ("", None, None),
    ],
)
def test_a_user_agent_is_told_in_words(user_agent: str, program: str | None, system: str | None) -> None:
    assert read(user_agent) == Agent(program, system)


async def test_the_list_says_where_with_what_and_since_when(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    await forward(60)
    other = await again(story)
    first, second = await listed(other)
    assert (first["current"], second["current"]) == (True, False)
    assert first["id"] == other.tokens["session_id"]
    assert first["agent"] == {"program": "Firefox", "system": "Linux"}
    assert (first["ip_address"], first["proofs"]) == ("192.0.2.44", ["password"])
    assert datetime.fromisoformat(first["created_at"]) > datetime.fromisoformat(second["created_at"])
    devices = (await ada.call("GET", "/v1/devices")).json()["items"]
    assert {first["device_id"], second["device_id"]} == {each["id"] for each in devices}
    path = f"/v1/devices/{first['device_id']}"
    await other.call("PATCH", path, json={"name": "Ada's laptop"}, headers={"if-match": '"v1"'})
    assert [each["device_name"] for each in await listed(ada)] == ["Ada's laptop", None]


async def test_the_list_comes_in_pages_and_holds_only_what_goes_on(story: Story, forward: Forward) -> None:
    ada, bob = await story.person(ADA), await story.person("bob@example.com")
    for _ in range(4):
        await again(story)
    gone = await again(story)
    await gone.call("DELETE", "/v1/sessions/current")
    seen, cursor = [], ""
    while True:
        page = (await ada.call("GET", f"/v1/sessions?limit=2{cursor}")).json()
        seen += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)
    assert len(await listed(bob)) == 1
    await forward(15 * 86400)
    fresh = await again(story)
    assert [each["current"] for each in await listed(fresh)] == [True]


async def test_address_and_agent_lie_sealed(story: Story) -> None:
    await story.person(ADA)
    await again(story)
    rows = await story.admin("SELECT s::text AS text, visitor_sealed FROM sessions AS s")
    for row in rows:
        assert b"192.0.2" not in row["visitor_sealed"]
        assert b"Firefox" not in row["visitor_sealed"]
        assert "192.0.2" not in row["text"]


async def test_a_refresh_says_from_where_it_came(story: Story) -> None:
    ada = await story.person(ADA)
    await story.http.post(
        "/v1/sessions/refresh",
        json={"refresh_token": ada.tokens["refresh_token"]},
        headers={"x-forwarded-for": "198.51.100.3", "user-agent": "curl/8.5.0"},
    )
    (session,) = await listed(ada)
    assert (session["ip_address"], session["agent"]["program"]) == ("198.51.100.3", "curl")


async def test_one_session_is_ended_by_whoever_has_proven_themselves_lately(story: Story, forward: Forward) -> None:
    ada, bob = await story.person(ADA), await story.person("bob@example.com")
    other = await again(story)
    path = f"/v1/sessions/{other.tokens['session_id']}"
    assert problem(await bob.call("DELETE", path)) == (404, "session-not-found")
    await forward(601)
    await ada.refresh()
    assert problem(await ada.call("DELETE", path)) == (403, "step-up-needed")
    own = f"/v1/sessions/{ada.tokens['session_id']}"
    fresh = await again(story)
    assert (await fresh.call("DELETE", path)).status_code == 204
    assert problem(await fresh.call("DELETE", path)) == (404, "session-not-found")
    assert problem(await other.refresh()) == (401, "session-ended")
    told = [each for each in await story.told(SessionsRevoked) if isinstance(each, SessionsRevoked)]
    assert [str(each.session_id) for each in told] == [other.tokens["session_id"]]
    assert (await ada.call("DELETE", own)).status_code == 204, "one's own needs no proof"


async def test_all_others_end_and_this_one_goes_on(story: Story) -> None:
    ada = await story.person(ADA)
    others = [await again(story) for _ in range(3)]
    answer = await ada.call("DELETE", "/v1/sessions/others")
    assert answer.status_code == 204
    for other in others:
        assert problem(await other.refresh()) == (401, "session-ended")
    assert (await ada.refresh()).status_code == 200
    assert claims(ada.tokens["access_token"])["epoch"] == 1
    assert len(await listed(ada)) == 1
    await story.deliver()
    assert "Sessions of your account were ended." in text_of(story.postbox.to(ADA)[-1])


async def test_signing_out_everywhere_takes_a_fresh_proof(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    await forward(601)
    await ada.refresh()
    for path in ("/v1/sessions", "/v1/sessions/others"):
        answer = await ada.call("DELETE", path)
        assert problem(answer) == (403, "step-up-needed")
        assert answer.json()["factors"] == ["password"]
    proof = await ada.call("POST", "/v1/sessions/current/proofs", json={"factor": "password", "password": GOOD})
    assert proof.status_code == 200, proof.text
    await ada.refresh()
    assert (await ada.call("DELETE", "/v1/sessions")).status_code == 204


async def test_a_page_that_was_loaded_anew_learns_who_is_signed_in(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    organization_id = await ada.create()
    await ada.refresh(organization_id)
    answer = await ada.call("GET", "/v1/sessions/current")
    told = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert (told["user_id"], told["organization_id"], told["role"]) == (ada.user_id, organization_id, "owner")
    assert told["session"]["id"] == ada.tokens["session_id"]
    assert told["session"]["current"] is True
    assert (told["factors"], told["csrf_token"]) == ([], None)
    now = story.database.clock.now()
    assert 590 < (datetime.fromisoformat(told["fresh_until"]) - now).total_seconds() <= 600
    assert 13.9 < (datetime.fromisoformat(told["idle_expires_at"]) - now).days + 1 <= 14
    await ada.call("DELETE", "/v1/sessions/current")
    assert problem(await ada.call("GET", "/v1/sessions/current")) == (401, "session-ended")
    await forward(1)


async def test_what_gateways_saw_is_written_once_a_minute(story: Story, forward: Forward) -> None:
    ada, bob = await story.person(ADA), await story.person("bob@example.com")
    overview, mine = story.parts.overview, UUID(ada.tokens["session_id"])

    async def last_seen() -> datetime:
        (session,) = await listed(ada)
        return datetime.fromisoformat(session["last_seen_at"])

    before = await last_seen()
    assert await overview.seen([mine, new_id()]) == 0, "it was seen just now"
    await forward(120)
    assert [await overview.seen([mine]) for _ in range(3)] == [1, 0, 0]
    assert 115 < (await last_seen() - before).total_seconds() < 130
    days = (await ada.call("GET", "/v1/sessions/statistics")).json()["days"]
    assert sum(day["minutes"] for day in days) == 1
    assert sum(day["minutes"] for day in (await bob.call("GET", "/v1/sessions/statistics")).json()["days"]) == 0
    await ada.call("DELETE", "/v1/sessions/current")
    await forward(120)
    assert await overview.seen([mine]) == 0


async def test_only_a_gateway_may_say_who_was_seen(story: Story) -> None:
    answer = await story.http.post("/internal/sessions/seen", json={"session_ids": [str(new_id())]})
    assert answer.status_code in (401, 404)


async def test_statistics_tell_what_was_done_and_tried_by_day(story: Story, forward: Forward) -> None:
    ada = await story.person(ADA)
    await forward(86400)
    for _ in range(3):
        assert (await story.sign_in(ADA, "wrong-password-55")).status_code == 401
    fresh = await again(story, device=ada.tokens["device_token"])
    told = (await fresh.call("GET", "/v1/sessions/statistics")).json()
    assert [(day["sign_ins"], day["refusals"]) for day in told["days"]] == [(1, 0), (1, 3)]
    assert (told["sign_ins"], told["refusals"], told["sessions"], told["devices"]) == (2, 3, 2, 1)
    await forward(31 * 86400)
    late = await again(story, device=ada.tokens["device_token"])
    told = (await late.call("GET", "/v1/sessions/statistics")).json()
    assert (told["sign_ins"], told["refusals"]) == (1, 0)


MOST = 100


async def fill(story: Story, person: Person, count: int) -> None:
    """So many older sessions, each used a second before the next; the newest is this old still."""
    await story.admin(
        """
        INSERT INTO sessions (id, user_id, epoch, expires_at, used_at, created_at, proofs)
        SELECT gen_random_uuid(), $1, 0, kit_now() + interval '1 day', at, at, ARRAY['password']
        FROM (SELECT kit_now() - interval '1 hour' - make_interval(secs => each) AS at
              FROM generate_series(1, $2::integer) AS each) AS old
        """,
        UUID(person.user_id),
        count,
    )


async def going_on(story: Story, person: Person) -> list[UUID]:
    """The longest unused first."""
    rows = await story.admin(
        "SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL ORDER BY used_at", UUID(person.user_id)
    )
    return [row["id"] for row in rows]


async def test_with_one_session_too_many_the_one_used_least_lately_ends(story: Story) -> None:
    ada, bob = await story.person("ada@many.test"), await story.person("bob@many.test")
    await fill(story, bob, MOST)
    await fill(story, ada, MOST - 1)
    before = await going_on(story, ada)
    told = len(await story.told(SessionsRevoked))
    assert (await story.sign_in(ada.email)).status_code == 201
    after = await going_on(story, ada)
    assert (len(after), set(before) - set(after)) == (MOST, {before[0]})
    (revoked,) = (await story.told(SessionsRevoked))[told:]
    assert isinstance(revoked, SessionsRevoked)
    assert (str(revoked.user_id), revoked.session_id) == (ada.user_id, before[0])
    lines = [each for each in await story.told(AuditEntry) if isinstance(each, AuditEntry)]
    assert [each.target_id for each in lines if each.action == "auth.session.displaced"] == [str(before[0])]
    (row,) = await story.admin("SELECT ended_because FROM sessions WHERE id = $1", before[0])
    assert row["ended_because"] == "displaced"
    assert (await ada.refresh()).status_code == 200, "what is used goes on"
    assert len(await going_on(story, bob)) == MOST + 1, "nobody else's"


async def test_sessions_begun_at_once_are_no_more_either(story: Story) -> None:
    ada = await story.person("ada@many.test")
    await fill(story, ada, MOST - 1)
    answers = await asyncio.gather(*(story.sign_in(ada.email) for _ in range(6)), ada.refresh())
    assert {each.status_code for each in answers} <= {200, 201}
    assert len(await going_on(story, ada)) == MOST
    for answer in answers[:6]:
        assert (await Person(story.http, ada.email, answer.json()).refresh()).status_code == 200


async def test_sessions_that_are_over_do_not_count(story: Story, forward: Forward) -> None:
    ada = await story.person("ada@many.test")
    await fill(story, ada, MOST + 20)
    await forward(86_400)
    assert (await story.sign_in(ada.email)).status_code == 201
    rows = await story.admin("SELECT FROM sessions WHERE ended_because = 'displaced'")
    assert rows == []

"""API keys: made by people, shown once, kept as hashes, exchanged at the gateways' door for tokens that say less."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from auth.api_keys.model import MOST_KEYS
from contracts.auth import AuthAuditRecorded, SessionsRevoked
from kit.http import api_keys as form
from kit.http.caller import MemberCaller, ScopeMissing, in_scope
from kit.http.peer import token_of
from kit.ids import new_id
from kit.seal import Sealer

from .conftest import Forward
from .story import GATEWAY_SECRET, Person, Story, problem

DAY = 86_400.0


class Keys:
    """One organization and what its owner does with keys."""

    def __init__(self, story: Story, owner: Person, organization_id: str) -> None:
        self.story, self.owner, self.id = story, owner, organization_id
        self.path = f"/v1/organizations/{organization_id}/api-keys"

    async def make(self, by: Person | None = None, **changed: Any) -> httpx.Response:
        headers = changed.pop("headers", {})
        body = {"name": "Nightly import", "role": "editor", "scopes": ["posts:read", "posts:write"]} | changed
        return await (by or self.owner).call("POST", self.path, json=body, headers=headers)

    async def made(self, **changed: Any) -> dict[str, Any]:
        answer = await self.make(**changed)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def rotate(self, key_id: str, by: Person | None = None, **body: Any) -> httpx.Response:
        return await (by or self.owner).call("POST", f"{self.path}/{key_id}/rotations", json=body)

    async def end(self, key_id: str, by: Person | None = None) -> httpx.Response:
        return await (by or self.owner).call("DELETE", f"{self.path}/{key_id}")

    async def shown(self, key_id: str) -> dict[str, Any]:
        answer = await self.owner.call("GET", f"{self.path}/{key_id}")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown


async def exchange(story: Story, key: str, address: str = "203.0.113.7", token: str | None = None) -> httpx.Response:
    token = token or token_of("gateway", Sealer.from_text(GATEWAY_SECRET))
    return await story.http.post(
        "/internal/api-keys/exchanges",
        json={"key": key, "address": address},
        headers={"authorization": f"Bearer {token}"},
    )


async def is_good(story: Story, key: str) -> bool:
    answer = await exchange(story, key)
    if answer.status_code == 401:
        assert problem(answer) == (401, "invalid-api-key")
    return answer.status_code == 200


@pytest.fixture
async def keys(story: Story) -> Keys:
    owner = await story.person("ada@keys.test")
    return Keys(story, owner, await owner.create("Acme"))


async def test_a_key_is_shown_once_and_exchanged_for_a_token_that_says_what_it_may(story: Story, keys: Keys) -> None:
    made = await keys.made()
    assert made["key"].startswith("rk_live_")
    assert len(made["key"]) == form.LENGTH
    assert made["key"].endswith(made["hint"])
    shown = await keys.shown(made["id"])
    assert shown == {name: value for name, value in made.items() if name != "key"}
    assert (shown["state"], shown["last_used_at"], shown["made_by"]) == ("active", None, keys.owner.user_id)

    answer = await exchange(story, made["key"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    caller = await story.verifier.verify(answer.json()["access_token"])
    assert answer.json()["expires_in"] == 300
    assert isinstance(caller, MemberCaller)
    assert (caller.kind, str(caller.user_id), str(caller.session_id)) == ("key", made["id"], made["id"])
    assert (str(caller.organization_id), caller.role) == (keys.id, "editor")
    assert caller.scopes == frozenset({"posts:read", "posts:write"})


async def test_nothing_that_opens_is_kept(story: Story, keys: Keys) -> None:
    made = await keys.made()
    payload = form.read(made["key"])
    assert payload is not None
    secret = payload[32:64]
    names = await story.admin(
        "SELECT relname FROM pg_class WHERE relnamespace = 'auth'::regnamespace AND relkind IN ('r', 'p')"
    )
    for name in (row["relname"] for row in names):
        for row in await story.admin(f"SELECT t::text AS text FROM {name} AS t"):
            assert made["key"] not in row["text"], name
            assert secret.hex() not in row["text"], name
            assert made["key"][-40:-6] not in row["text"], name


async def test_every_changed_letter_makes_junk_of_a_key_without_a_question_to_the_database(
    story: Story, keys: Keys
) -> None:
    key = (await keys.made())["key"]
    place = await story.admin("SELECT 1")
    assert place
    for at in range(0, len(key), 7):
        other = key[:at] + ("x" if key[at] != "x" else "y") + key[at + 1 :]
        assert not form.is_well_formed(other.encode())
        assert form.read(other) is None
    for junk in (
        "",
        "rk_live_",
        "rk_",
        key[:-1],
        key + "0",
        key.upper(),
        "rk_test_" + key[8:],
        "ä" * len(key),
        "\x00",
    ):
        assert form.read(junk) is None
        assert not await is_good(story, junk)
    forged = form.written(b"\x00" * 32 + b"\xff" * 40)  # the form is right, and nobody here has made it
    assert form.is_well_formed(forged.encode())
    assert story.parts.key_exchange.secrets.read(forged) is None
    assert not await is_good(story, forged)


async def test_a_key_of_ours_with_another_secret_is_refused(story: Story, keys: Keys) -> None:
    made = await keys.made()
    other = story.parts.key_exchange.secrets.draw(UUID(keys.id), UUID(made["id"]))
    assert not await is_good(story, other.text)
    unknown = story.parts.key_exchange.secrets.draw(UUID(keys.id), new_id())
    assert not await is_good(story, unknown.text)
    elsewhere = story.parts.key_exchange.secrets.draw(new_id(), UUID(made["id"]))
    assert not await is_good(story, elsewhere.text)
    assert await is_good(story, made["key"])


async def test_only_a_gateway_may_exchange(story: Story, keys: Keys) -> None:
    key = (await keys.made())["key"]
    for token in (
        "gateway.x",
        token_of("publisher", Sealer.from_text(GATEWAY_SECRET)),
        keys.owner.tokens["access_token"],
    ):
        assert (await exchange(story, key, token=token)).status_code == 401


async def test_an_exchange_is_one_read_and_writes_nothing(story: Story, keys: Keys) -> None:
    key = (await keys.made())["key"]
    await exchange(story, key)
    rows = (
        "SELECT xmin::text, ctid::text, id::text FROM api_keys UNION ALL "
        "SELECT xmin::text, ctid::text, id::text FROM outbox ORDER BY 1, 2"
    )
    before = await story.admin(rows)
    for _ in range(5):
        assert (await exchange(story, key)).status_code == 200
    assert await story.admin(rows) == before


async def test_uses_are_written_down_in_one_go(story: Story, keys: Keys, forward: Forward) -> None:
    other = Keys(story, keys.owner, await keys.owner.create("Other"))
    first, second, idle = await keys.made(), await other.made(), await keys.made()
    for key in (first, second, first):
        await exchange(story, key["key"])
    await story.parts.uses.write()
    assert (await keys.shown(idle["id"]))["last_used_at"] is None
    times = [(await where.shown(key["id"]))["last_used_at"] for where, key in ((keys, first), (other, second))]
    now = story.database.clock.now()
    assert all(abs(now - datetime.fromisoformat(each)) < timedelta(minutes=1) for each in times)
    assert (await keys.shown(first["id"]))["version"] == 1, "using a key is no change of it"

    await forward(3600)
    await keys.owner.refresh()
    await exchange(story, first["key"])
    stop = asyncio.Event()
    stop.set()
    await story.parts.uses.run(stop)  # an orderly end loses nothing
    await story.parts.uses.write()
    assert (await keys.shown(first["id"]))["last_used_at"] > times[0]


async def test_a_key_expires_and_its_last_token_with_it(story: Story, keys: Keys, forward: Forward) -> None:
    key = (await keys.made(expires_in_days=1))["key"]
    await forward(DAY - 60)
    keys.owner.tokens = (await story.sign_in(keys.owner.email)).json()
    answer = await exchange(story, key)
    assert 0 < answer.json()["expires_in"] <= 60
    await forward(61)
    assert not await is_good(story, key)
    (shown,) = (await keys.owner.call("GET", keys.path)).json()["items"]
    assert shown["state"] == "expired"


async def test_a_key_lives_90_days_unless_said_otherwise_and_never_longer_than_a_year(keys: Keys) -> None:
    made = await keys.made()
    lives = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert abs(lives - timedelta(days=90)) < timedelta(seconds=5)
    for days in (0, -1, 366):
        assert (await keys.make(expires_in_days=days)).status_code == 422
    assert (await keys.make(expires_in_days=365)).status_code == 201


async def test_a_key_is_refused_at_once_when_it_is_ended(story: Story, keys: Keys) -> None:
    made = await keys.made()
    assert (await keys.end(made["id"])).status_code == 204
    assert not await is_good(story, made["key"])
    assert (await keys.shown(made["id"]))["state"] == "ended"
    (told,) = await story.told(SessionsRevoked)
    assert isinstance(told, SessionsRevoked)
    assert (str(told.user_id), str(told.session_id), told.organization_id) == (made["id"], made["id"], None)
    snapshot = (await story.http.get("/internal/revocations")).json()["revocations"]
    assert [each["session_id"] for each in snapshot] == [made["id"]], "for gateways that were away"
    assert (await keys.end(made["id"])).status_code == 204
    assert len(await story.told(SessionsRevoked)) == 1


async def test_a_rotated_key_is_good_until_its_overlap_is_over(story: Story, keys: Keys, forward: Forward) -> None:
    old = await keys.made(allowed_addresses=["203.0.113.0/24"])
    answer = await keys.rotate(old["id"], overlap_seconds=3600)
    assert answer.status_code == 201, answer.text
    new = answer.json()
    assert (new["name"], new["role"], new["scopes"]) == (old["name"], old["role"], old["scopes"])
    assert new["allowed_addresses"] == old["allowed_addresses"]
    assert (await keys.shown(old["id"]))["replaced_by"] == new["id"]
    assert await is_good(story, old["key"])
    assert await is_good(story, new["key"])
    assert problem(await keys.rotate(old["id"])) == (409, "api-key-over"), "it has a successor"
    await forward(3601)
    assert not await is_good(story, old["key"])
    assert await is_good(story, new["key"])


async def test_without_an_overlap_the_old_key_ends_at_once(story: Story, keys: Keys) -> None:
    old = await keys.made()
    new = (await keys.rotate(old["id"], overlap_seconds=0)).json()
    assert not await is_good(story, old["key"])
    assert await is_good(story, new["key"])
    (told,) = await story.told(SessionsRevoked)
    assert isinstance(told, SessionsRevoked)
    assert str(told.session_id) == old["id"]
    assert (await keys.rotate(new["id"], overlap_seconds=7 * 86_400 + 1)).status_code == 422


async def test_of_rotations_at_once_one_makes_the_successor_and_the_key_is_good_all_along(
    story: Story, keys: Keys
) -> None:
    old = await keys.made()
    rotations = asyncio.gather(*(keys.rotate(old["id"], overlap_seconds=60) for _ in range(5)))
    uses = asyncio.gather(*(is_good(story, old["key"]) for _ in range(20)))
    answers = await rotations
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert all(await uses)
    assert len((await keys.owner.call("GET", keys.path)).json()["items"]) == 2


async def test_a_repeated_request_makes_one_key_and_does_not_show_it_again(keys: Keys) -> None:
    first = await keys.make(headers={"idempotency-key": "once"})
    again = await keys.make(headers={"idempotency-key": "once"})
    assert first.json()["key"] is not None
    assert again.json() == first.json() | {"key": None}
    assert len((await keys.owner.call("GET", keys.path)).json()["items"]) == 1


async def test_no_key_is_more_than_its_maker_and_none_is_an_owner(story: Story, keys: Keys) -> None:
    admin = await story.member(keys.owner, keys.id, "bob@keys.test", "admin")
    await admin.refresh(keys.id)
    assert (await keys.make(by=admin, role="admin")).status_code == 201
    for by in (keys.owner, admin):
        assert problem(await keys.make(by=by, role="owner")) == (403, "api-key-role-too-high")
    for role in ("editor",):  # a free plan has three seats
        member = await story.member(keys.owner, keys.id, f"{role}@keys.test", role)
        assert problem(await keys.make(by=member, role="client")) == (403, "role-missing")
        assert problem(await member.call("GET", keys.path)) == (403, "role-missing")


async def test_a_key_outlives_its_maker(story: Story, keys: Keys) -> None:
    admin = await story.member(keys.owner, keys.id, "bob@keys.test", "admin")
    made = (await keys.make(by=admin)).json()
    members = await keys.owner.members(keys.id)
    assert (
        await keys.owner.call("DELETE", f"/v1/organizations/{keys.id}/members/{members[admin.email]['id']}")
    ).is_success
    assert await is_good(story, made["key"])


async def test_making_and_rotating_need_a_fresh_proof(keys: Keys, forward: Forward) -> None:
    made = await keys.made()
    await forward(11 * 60)
    await keys.owner.refresh()
    assert problem(await keys.make()) == (403, "step-up-needed")
    assert problem(await keys.rotate(made["id"])) == (403, "step-up-needed")
    assert (await keys.end(made["id"])).status_code == 204, "ending one is never put off"


async def test_another_organization_neither_sees_nor_touches_a_key(story: Story, keys: Keys) -> None:
    made = await keys.made()
    eve = await story.person("eve@keys.test")
    foreign = Keys(story, eve, await eve.create("Evil"))
    for path in (keys.path, f"{keys.path}/{made['id']}"):
        assert problem(await eve.call("GET", path)) == (404, "organization-not-found")
    assert problem(await eve.call("GET", f"{foreign.path}/{made['id']}")) == (404, "api-key-not-found")
    assert problem(await foreign.rotate(made["id"])) == (404, "api-key-not-found")
    assert problem(await foreign.end(made["id"])) == (404, "api-key-not-found")
    assert problem(await keys.end(made["id"], by=eve)) == (404, "organization-not-found")
    assert await is_good(story, made["key"])


async def test_a_key_cannot_be_used_from_elsewhere(story: Story, keys: Keys) -> None:
    made = await keys.made(allowed_addresses=["203.0.113.0/24", "2001:db8::/32", "198.51.100.9"])
    for address, allowed in (
        ("203.0.113.200", True),
        ("2001:db8::1", True),
        ("198.51.100.9", True),
        ("198.51.100.10", False),
        ("unknown", False),
        ("", False),
    ):
        answer = (await exchange(story, made["key"], address)).json()
        assert (answer["access_token"] is not None) is allowed, address
        assert answer["allowed_addresses"] == ["203.0.113.0/24", "2001:db8::/32", "198.51.100.9/32"]
    for wrong in ("203.0.113.1/24", "everywhere", "300.1.1.1"):
        assert (await keys.make(allowed_addresses=[wrong])).status_code == 422


@pytest.mark.parametrize(
    "scopes",
    [[], ["posts"], ["posts:delete"], ["sessions:write"], ["me:read"], ["organizations:write"], ["api-keys:write"]],
    ids=str,
)
async def test_what_is_not_in_the_catalogue_nobody_is_given(keys: Keys, scopes: list[str]) -> None:
    assert (await keys.make(scopes=scopes)).status_code == 422


async def test_the_catalogue_is_published(story: Story) -> None:
    items = (await story.http.get("/v1/scopes")).json()["items"]
    assert {"scope": "posts:read", "allows": "Read posts."} in items
    resources = {each["scope"].partition(":")[0] for each in items}
    assert not resources & {"sessions", "me", "factors", "api-keys", "staff", "organizations", "privacy", "oauth"}


async def test_a_key_can_do_nothing_in_auth(story: Story, keys: Keys) -> None:
    """Neither its keeper's keys nor members nor sessions: whatever the role, no scope covers them."""
    made = await keys.made(
        role="admin", scopes=[each["scope"] for each in (await story.http.get("/v1/scopes")).json()["items"]]
    )
    token = (await exchange(story, made["key"])).json()["access_token"]
    machine = replace(keys.owner, tokens={"access_token": token, "user_id": made["id"]})
    for method, path in (
        ("GET", "/v1/me"),
        ("GET", keys.path),
        ("POST", keys.path),
        ("DELETE", f"{keys.path}/{made['id']}"),
        ("GET", f"/v1/organizations/{keys.id}/members"),
        ("DELETE", "/v1/sessions"),
        ("GET", "/v1/mail-preferences"),
    ):
        assert problem(await machine.call(method, path)) == (403, "scope-missing"), path
    caller = await story.verifier.verify(token)
    assert in_scope(caller, "POST", "/v1/posts")
    assert not in_scope(caller, "GET", "/v1/organizations")
    assert ScopeMissing.code == "scope-missing"


async def test_an_organization_has_a_hundred_keys_in_use(story: Story, keys: Keys) -> None:
    made = await keys.made()
    await story.admin(
        """
        INSERT INTO auth.api_keys
            (id, organization_id, name, role, scopes, allowed_addresses, secret_hash, hint, expires_at)
        SELECT gen_random_uuid(), organization_id, name, role, scopes, '{}', secret_hash, hint, expires_at
        FROM auth.api_keys, generate_series(2, $1::integer)
        """,
        MOST_KEYS,
    )
    assert problem(await keys.make()) == (409, "too-many-api-keys")
    assert (await keys.end(made["id"])).status_code == 204
    answers = await asyncio.gather(*(keys.make() for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_keys_that_have_long_been_over_are_forgotten(story: Story, keys: Keys, forward: Forward) -> None:
    first = await keys.made(expires_in_days=1)
    await forward(92 * DAY)
    keys.owner.tokens = (await story.sign_in(keys.owner.email)).json()
    await keys.made()
    assert first["id"] not in {each["id"] for each in (await keys.owner.call("GET", keys.path)).json()["items"]}


async def test_every_change_makes_a_line_of_the_audit_trail_without_the_key(story: Story, keys: Keys) -> None:
    old = await keys.made()
    new = (await keys.rotate(old["id"], overlap_seconds=60)).json()
    await keys.end(new["id"])
    lines = [
        each
        for each in await story.told(AuthAuditRecorded)
        if isinstance(each, AuthAuditRecorded) and each.target_kind == "api_key"
    ]
    assert [(each.action, each.target_id, str(each.organization_id)) for each in lines] == [
        ("auth.api_key.created", old["id"], keys.id),
        ("auth.api_key.rotated", old["id"], keys.id),
        ("auth.api_key.ended", new["id"], keys.id),
    ]
    assert all(str(each.actor_id) == keys.owner.user_id for each in lines)
    assert "rk_live" not in "".join(each.model_dump_json() for each in await story.told())


async def test_pages_are_walked_in_order(keys: Keys) -> None:
    made = [(await keys.made(name=f"Key {number}"))["id"] for number in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await keys.owner.call("GET", f"{keys.path}?limit=2{cursor}")).json()
        seen += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == made

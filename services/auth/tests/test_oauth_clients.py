"""Programs of partners: registered by people, their secrets shown once, their addresses exact."""

import asyncio
from typing import Any

import pytest

from auth.oauth_clients.model import Client, Registration, redirect_uri
from contracts.auth import AuthAuditRecorded, SessionsRevoked
from kit.ids import new_id

from .conftest import Forward
from .oauth import CALLBACK, Clients
from .story import Story, problem


async def test_a_secret_is_shown_once_and_kept_as_a_keyed_hash(story: Story, clients: Clients) -> None:
    made = await clients.registered()
    secret = made["client_secret"]
    assert secret.startswith("rcs_")
    shown = (await clients.owner.call("GET", f"{clients.path}/{made['id']}")).json()
    assert shown == {name: value for name, value in made.items() if name != "client_secret"}
    (row,) = await story.admin("SELECT c::text AS text FROM oauth_clients AS c")
    assert secret not in row["text"]
    assert (await clients.registered(public=True))["client_secret"] is None


async def test_a_repeated_registration_makes_one_program(clients: Clients) -> None:
    first = await clients.register(headers={"idempotency-key": "once"})
    again = await clients.register(headers={"idempotency-key": "once"})
    assert again.json() == first.json() | {"client_secret": None}


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uris": ["http://partner.test/callback"]},
        {"redirect_uris": ["http://localhost/callback"]},
        {"redirect_uris": ["https://partner.test/callback#fragment"]},
        {"redirect_uris": ["https://user:pass@partner.test/"]},
        {"redirect_uris": ["https://*.partner.test/"]},
        {"redirect_uris": ["https://partner.test/a/../b"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["com.partner.app:/callback"]},
        {"redirect_uris": ["https:///nowhere"]},
        {"redirect_uris": ["https://partner.test:port/"]},
        {"redirect_uris": ["https://pärtner.test/"]},
        {"redirect_uris": []},
        {"redirect_uris": [], "public": True, "role": "editor"},
        {"public": True, "role": "editor"},
        {"scopes": []},
        {"scopes": ["organizations:write"]},
        {"scopes": ["offline_access"]},
        {"name": "\u202e"[:0]},
    ],
    ids=str,
)
async def test_what_nobody_could_use_safely_is_not_registered(clients: Clients, changed: dict[str, Any]) -> None:
    assert (await clients.register(**changed)).status_code == 422


@pytest.mark.parametrize(
    ("registered", "asked", "same"),
    [
        (CALLBACK, CALLBACK, True),
        (CALLBACK, CALLBACK + "/", False),
        (CALLBACK, CALLBACK + "?x=1", False),
        (CALLBACK, "https://partner.test:443/callback", False),
        (CALLBACK, "https://PARTNER.test/callback", False),
        (CALLBACK, "https://partner.test/callback/../callback", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:53124/cb", True),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:53124/cb", True),
        ("http://[::1]/cb", "http://[::1]:53124/cb", True),
        ("http://127.0.0.1/cb", "http://127.0.0.1:53124/other", False),
        ("http://127.0.0.1/cb", "http://127.0.0.2:53124/cb", False),
        ("http://127.0.0.1/cb", "http://localhost:53124/cb", False),
        ("http://127.0.0.1/cb", "http://evil@127.0.0.1:53124/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:53124/cb#x", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:port/cb", False),
    ],
)
def test_addresses_are_compared_letter_by_letter_but_for_the_port_on_ones_own_machine(
    registered: str, asked: str, same: bool
) -> None:
    registration = Registration("Planner", [redirect_uri(registered)], ["posts:read"])
    made: Any = {"made_by": None, "version": 1, "ended_at": None, "created_at": None, "old_secret_until": None}
    client = Client(new_id(), new_id(), public=True, registration=registration, secrets=(), **made)
    assert client.returns_to(asked) is same


async def test_only_who_may_registers_and_no_program_is_more_than_they(story: Story, clients: Clients) -> None:
    admin = await story.member(clients.owner, clients.id, "bob@partner.test", "admin")
    assert (await clients.register(by=admin, role="admin")).status_code == 201
    assert problem(await clients.register(role="owner")) == (403, "oauth-client-role-too-high")
    editor = await story.member(clients.owner, clients.id, "eve@partner.test", "editor")
    assert problem(await clients.register(by=editor)) == (403, "role-missing")
    assert problem(await editor.call("GET", clients.path)) == (403, "role-missing")


async def test_every_change_needs_a_fresh_proof_but_the_end(clients: Clients, forward: Forward) -> None:
    made = await clients.registered()
    path = f"{clients.path}/{made['id']}"
    await forward(11 * 60)
    await clients.owner.refresh()
    body = {"name": "Other", "redirect_uris": [CALLBACK], "scopes": ["posts:read"]}
    assert problem(await clients.register()) == (403, "step-up-needed")
    changed = await clients.owner.call("PUT", path, json=body, headers={"if-match": '"v1"'})
    assert problem(changed) == (403, "step-up-needed")
    assert problem(await clients.owner.call("POST", f"{path}/secrets", json={})) == (403, "step-up-needed")
    assert (await clients.owner.call("DELETE", path)).status_code == 204


async def test_what_is_registered_is_changed_under_its_version(clients: Clients) -> None:
    made = await clients.registered()
    path = f"{clients.path}/{made['id']}"
    body = {"name": "Planner 2", "redirect_uris": ["https://partner.test/other"], "scopes": ["posts:read"]}
    assert (await clients.owner.call("PUT", path, json=body)).status_code == 428
    answer = await clients.owner.call("PUT", path, json=body, headers={"if-match": '"v1"'})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["name"], answer.json()["version"]) == ("Planner 2", 2)
    assert (await clients.owner.call("PUT", path, json=body, headers={"if-match": '"v1"'})).status_code == 412


async def test_another_organization_neither_sees_nor_touches_a_program(story: Story, clients: Clients) -> None:
    made = await clients.registered()
    eve = await story.person("eve@evil.test")
    foreign = Clients(story, eve, await eve.create("Evil"))
    assert problem(await eve.call("GET", f"{clients.path}/{made['id']}")) == (404, "organization-not-found")
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/secrets", {}),
        ("DELETE", "", None),
        ("PUT", "", {"name": "X", "redirect_uris": [CALLBACK], "scopes": ["posts:read"]}),
    ):
        answer = await eve.call(method, f"{foreign.path}/{made['id']}{path}", json=body, headers={"if-match": '"v1"'})
        assert problem(answer) == (404, "oauth-client-not-found"), method


async def test_an_organization_has_fifty_programs_at_most(story: Story, clients: Clients) -> None:
    await clients.registered(public=True)
    await story.admin(
        """
        INSERT INTO oauth_clients (id, organization_id, name, public, redirect_uris, scopes)
        SELECT gen_random_uuid(), organization_id, name, public, redirect_uris, scopes
        FROM oauth_clients, generate_series(1, 48)
        """
    )
    answers = await asyncio.gather(*(clients.register() for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_what_is_done_with_programs_is_on_record(story: Story, clients: Clients) -> None:
    made = await clients.registered()
    path = f"{clients.path}/{made['id']}"
    body = {"name": "Planner 2", "redirect_uris": [CALLBACK], "scopes": ["posts:read"]}
    await clients.owner.call("PUT", path, json=body, headers={"if-match": '"v1"'})
    rotated = (await clients.owner.call("POST", f"{path}/secrets", json={})).json()
    assert rotated["client_secret"] != made["client_secret"]
    assert rotated["old_secret_until"] is not None
    await clients.owner.call("DELETE", path)
    lines = [
        each.action
        for each in await story.told(AuthAuditRecorded)
        if isinstance(each, AuthAuditRecorded) and each.target_id == made["id"]
    ]
    assert lines == [
        "auth.oauth_client.registered",
        "auth.oauth_client.changed",
        "auth.oauth_client.secret_rotated",
        "auth.oauth_client.ended",
    ]
    (revoked,) = await story.told(SessionsRevoked)
    assert isinstance(revoked, SessionsRevoked)
    assert str(revoked.session_id) == made["id"]
    assert problem(await clients.owner.call("GET", path)) == (404, "oauth-client-not-found")
    public = await clients.registered(public=True)
    answer = await clients.owner.call("POST", f"{clients.path}/{public['id']}/secrets", json={})
    assert problem(answer) == (409, "oauth-client-public")

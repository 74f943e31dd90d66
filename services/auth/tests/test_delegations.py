"""Agencies that act for their clients: by whose leave, in which roles, and until when."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from contracts.auth import (
    AuthAuditRecorded,
    DelegationChanged,
    DelegationGranted,
    DelegationProposed,
    DelegationRevoked,
    SessionsRevoked,
)

from .conftest import Forward
from .forgetting import Asking, user
from .story import Person, Story, problem

DAY = 86_400


class Business:
    """An agency of Ada's where Bob works, and a client of Carol's."""

    def __init__(self, story: Story, ada: Person, bob: Person, carol: Person, agency: str, client: str) -> None:
        self.story, self.ada, self.bob, self.carol = story, ada, bob, carol
        self.agency, self.client = agency, client
        self.of_agency = f"/v1/organizations/{agency}/clients"
        self.of_client = f"/v1/organizations/{client}/delegations"

    def until(self, days: float = 30) -> str:
        return (self.story.database.clock.now() + timedelta(days=days)).isoformat()

    async def ask(self, *roles: str, by: Person | None = None, **changed: Any) -> httpx.Response:
        body = {"client_id": self.client, "roles": roles or ["editor"], "ends_at": self.until()} | changed
        return await (by or self.ada).call("POST", self.of_agency, json=body)

    async def offer(self, *roles: str, by: Person | None = None, **changed: Any) -> httpx.Response:
        body = {"agency_id": self.agency, "roles": roles or ["editor"], "ends_at": self.until()} | changed
        return await (by or self.carol).call("POST", self.of_client, json=body)

    async def granted(self, *roles: str, days: float = 30) -> str:
        """Asked for by the agency, and accepted by the client."""
        asked = await self.ask(*roles, ends_at=self.until(days))
        assert asked.status_code == 201, asked.text
        delegation_id = str(asked.json()["id"])
        accepted = await self.carol.call("POST", f"{self.of_client}/{delegation_id}/acceptance")
        assert (accepted.status_code, accepted.json()["state"]) == (200, "active"), accepted.text
        return delegation_id

    async def send(self, delegation_id: str, *items: dict[str, str]) -> httpx.Response:
        path = f"{self.of_agency}/{delegation_id}/assignments"
        tag = (await self.ada.call("GET", path)).headers["etag"]
        return await self.ada.call("PUT", path, json={"items": items}, headers={"if-match": tag})

    async def sent(self, *items: dict[str, str], roles: tuple[str, ...] = ("editor",), days: float = 30) -> str:
        delegation_id = await self.granted(*roles, days=days)
        answer = await self.send(delegation_id, *items)
        assert answer.status_code == 200, answer.text
        return delegation_id

    async def member(self, person: Person) -> str:
        """The membership of somebody of the agency."""
        return str((await self.ada.members(self.agency))[person.email]["id"])

    async def acts(self, person: Person) -> tuple[str | None, str | None]:
        """The role in which somebody can act in the client now, by their rows and by a new token."""
        read = await person.call("GET", f"/v1/organizations/{self.client}")
        by_rows = read.json()["role"] if read.status_code == 200 else None
        refreshed = await person.refresh(self.client)
        by_token = refreshed.json()["role"] if refreshed.status_code == 200 else None
        return by_rows, by_token


@pytest.fixture
async def business(story: Story) -> Business:
    ada, carol = await story.person("ada@agency.test"), await story.person("carol@client.test")
    agency, client = await ada.create("Agency"), await carol.create("Client")
    bob = await story.member(ada, agency, "bob@agency.test", "agent")
    return Business(story, ada, bob, carol, agency, client)


async def test_an_agency_asks_a_client_accepts_and_whom_it_sends_acts_there(story: Story, business: Business) -> None:
    assert await business.acts(business.bob) == (None, None)
    delegation_id = await business.granted("editor", "analyst")
    assert await business.acts(business.bob) == (None, None), "nobody is sent yet"
    member = await business.member(business.bob)
    assert (await business.send(delegation_id, {"role": "editor", "member_id": member})).status_code == 200
    assert await business.acts(business.bob) == ("editor", "editor")
    caller = await story.verifier.verify(business.bob.tokens["access_token"])
    assert (str(caller.organization_id), caller.role, str(caller.agency_id)) == (
        business.client,
        "editor",
        business.agency,
    )
    assert await business.acts(business.ada) == (None, None), "not even who owns the agency, unless sent"
    listed = (await business.bob.call("GET", "/v1/organizations")).json()["items"]
    assert {(each["id"], each["role"], each["agency_id"]) for each in listed} == {
        (business.agency, "agent", None),
        (business.client, "editor", business.agency),
    }
    assert (await business.bob.refresh(business.agency)).json()["role"] == "agent", "at home one is what one is"
    (proposed,) = await story.told(DelegationProposed)
    (granted,) = await story.told(DelegationGranted)
    assert isinstance(proposed, DelegationProposed)
    assert isinstance(granted, DelegationGranted)
    assert str(proposed.organization_id) == str(granted.organization_id) == business.client
    assert (str(granted.agency_id), granted.roles) == (business.agency, ["editor", "analyst"])


async def test_a_client_offers_and_the_agency_accepts(business: Business) -> None:
    offered = await business.offer("agent")
    assert (offered.status_code, offered.json()["state"], offered.json()["name"]) == (201, "offered", "Agency")
    path = f"{business.of_agency}/{offered.json()['id']}"
    own = await business.carol.call("POST", f"{business.of_client}/{offered.json()['id']}/acceptance")
    assert problem(own) == (409, "not-yours-to-accept")
    accepted = await business.ada.call("POST", f"{path}/acceptance")
    assert (accepted.status_code, accepted.json()["state"], accepted.json()["name"]) == (200, "active", "Client")
    assert (await business.ada.call("POST", f"{path}/acceptance")).status_code == 200, "twice is once"
    assert len(await business.story.told(DelegationGranted)) == 1


async def test_a_client_that_is_merely_asked_tells_nobody_its_name(business: Business) -> None:
    asked = await business.ask()
    assert (asked.json()["state"], asked.json()["name"]) == ("asked", None)
    seen = (await business.carol.call("GET", business.of_client)).json()["items"]
    assert [(each["name"], each["state"]) for each in seen] == [("Agency", "asked")]
    own = await business.ada.call("POST", f"{business.of_agency}/{asked.json()['id']}/acceptance")
    assert problem(own) == (409, "not-yours-to-accept")


async def test_nobody_is_sent_as_an_owner_and_in_no_role_that_was_not_given(business: Business) -> None:
    assert problem(await business.ask("owner")) == (422, "invalid")
    delegation_id = await business.granted("editor")
    member = await business.member(business.bob)
    refused = await business.send(delegation_id, {"role": "admin", "member_id": member})
    assert problem(refused) == (422, "assignment-not-acceptable")
    foreign = (await business.carol.members(business.client))[business.carol.email]["id"]
    refused = await business.send(delegation_id, {"role": "editor", "member_id": foreign})
    assert problem(refused) == (422, "assignment-not-acceptable")
    twice = [{"role": "editor", "member_id": member}] * 2
    assert problem(await business.send(delegation_id, *twice)) == (422, "assignment-not-acceptable")
    assert await business.acts(business.bob) == (None, None)


async def test_what_is_said_of_a_member_counts_before_a_team_and_that_before_everybody(business: Business) -> None:
    roles = ("editor", "agent", "analyst")
    path = f"/v1/organizations/{business.agency}/teams"
    team = (await business.ada.call("POST", path, json={"name": "One"})).json()["id"]
    member = await business.member(business.bob)
    delegation_id = await business.sent({"role": "analyst"}, roles=roles)
    assert await business.acts(business.bob) == ("analyst", "analyst")
    assert await business.acts(business.ada) == ("analyst", "analyst")
    await business.send(delegation_id, {"role": "analyst"}, {"role": "agent", "team_id": team})
    assert await business.acts(business.bob) == ("analyst", "analyst")
    await business.ada.call("PATCH", f"{path}/{team}/members", json={"add": [member]})
    assert await business.acts(business.bob) == ("agent", "agent")
    items = [{"role": "analyst"}, {"role": "agent", "team_id": team}, {"role": "editor", "member_id": member}]
    await business.send(delegation_id, *items)
    assert await business.acts(business.bob) == ("editor", "editor")


async def epoch(story: Story, person: Person) -> int:
    (row,) = await story.admin("SELECT epoch FROM users WHERE id = $1", UUID(person.user_id))
    return int(row["epoch"])


@pytest.mark.parametrize(
    "how", ["client", "agency", "assignment", "team", "team deleted", "removed", "left", "erased"]
)
async def test_who_is_not_sent_any_more_is_out_at_once(story: Story, business: Business, how: str) -> None:
    """The tokens that say so are void by the epoch, the rows say no, and no new token speaks of the client."""
    member = await business.member(business.bob)
    teams = f"/v1/organizations/{business.agency}/teams"
    team = (await business.ada.call("POST", teams, json={"name": "One"})).json()["id"]
    await business.ada.call("PATCH", f"{teams}/{team}/members", json={"add": [member]})
    by_team = how.startswith("team")
    sent = {"role": "editor", "team_id": team} if by_team else {"role": "editor", "member_id": member}
    delegation_id = await business.sent(sent)
    assert await business.acts(business.bob) == ("editor", "editor")
    before, home = await epoch(story, business.bob), f"/v1/organizations/{business.agency}"
    match how:
        case "client":
            answer = await business.carol.call("DELETE", f"{business.of_client}/{delegation_id}")
        case "agency":
            answer = await business.ada.call("DELETE", f"{business.of_agency}/{delegation_id}")
        case "assignment":
            answer = await business.send(delegation_id)
        case "team":
            answer = await business.ada.call("PATCH", f"{teams}/{team}/members", json={"remove": [member]})
        case "team deleted":
            answer = await business.ada.call("DELETE", f"{teams}/{team}")
        case "removed":
            answer = await business.ada.call("DELETE", f"{home}/members/{member}")
        case "left":
            answer = await business.bob.call("DELETE", f"{home}/members/me")
        case _:
            asking = Asking(story)
            await asking.erasure(user(business.bob))
            await asking.work()
            assert [each.outcome for each in await asking.answers()] == ["done"]
            assert await story.admin("SELECT FROM delegation_assignments") == []
            assert isinstance((await story.told(DelegationChanged))[-1], DelegationChanged)
            return
    assert answer.status_code in (200, 204), answer.text
    assert await epoch(story, business.bob) > before, "gateways refuse the tokens that are out"
    told = (await story.told(DelegationChanged, DelegationRevoked))[-1]
    assert str(told.organization_id) == business.client, "who keeps answers of the client hears of it"
    assert await business.acts(business.bob) == (None, None)
    listed = (await business.bob.call("GET", "/v1/organizations")).json()["items"]
    assert business.client not in {each["id"] for each in listed}
    refreshed = await business.bob.refresh()
    assert (refreshed.status_code, refreshed.json()["organization_id"]) == (200, None), "nobody is signed out"


async def test_a_delegation_ends_by_itself_to_the_second(story: Story, business: Business, forward: Forward) -> None:
    member = await business.member(business.bob)
    delegation_id = await business.sent({"role": "editor", "member_id": member}, days=300 / DAY)
    answer = await business.bob.refresh(business.client)
    assert 0 < answer.json()["expires_in"] <= 300, "no token outlives what it says"
    await forward(301)
    assert await business.acts(business.bob) == (None, None), "although no loop has looked"
    before = await epoch(story, business.bob)
    assert await story.parts.delegations.end_due() is False
    (revoked,) = await story.told(DelegationRevoked)
    assert isinstance(revoked, DelegationRevoked)
    assert (str(revoked.delegation_id), revoked.because) == (delegation_id, "expired")
    assert await epoch(story, business.bob) == before + 1
    await story.parts.delegations.end_due()
    assert len(await story.told(DelegationRevoked)) == 1
    (shown,) = (await business.carol.call("GET", business.of_client)).json()["items"]
    assert (shown["state"], shown["ended_because"]) == ("ended", "expired")
    assert (await business.ask()).status_code == 201, "it is not in the way of another"


async def test_who_is_sent_as_an_administrator_opens_no_door_that_would_outlast_it(business: Business) -> None:
    member = await business.member(business.bob)
    await business.sent({"role": "admin", "member_id": member}, roles=("admin",))
    await business.bob.refresh(business.client)
    home = f"/v1/organizations/{business.client}"
    seen = await business.bob.call("GET", f"{home}/members")
    assert seen.status_code == 200
    renamed = await business.bob.call("PATCH", home, json={"name": "New"}, headers={"if-match": '"v1"'})
    assert (renamed.status_code, renamed.json()["agency_id"]) == (200, business.agency)
    refused = [
        await business.bob.invite(business.client, "bob@private.test", "admin"),
        await business.bob.call(
            "POST", f"{home}/api-keys", json={"name": "x", "role": "editor", "scopes": ["posts:read"]}
        ),
        await business.bob.call("GET", business.of_client),
        await business.bob.call("GET", f"{home}/clients"),
    ]
    assert {problem(each) for each in refused} == {(403, "role-missing")}
    lines = [each for each in await business.story.told(AuthAuditRecorded) if isinstance(each, AuthAuditRecorded)]
    (line,) = (each for each in lines if each.action == "auth.organization.renamed")
    assert (line.details["via"], str(line.organization_id)) == (business.agency, business.client)


async def test_who_is_a_member_as_well_is_what_they_are_as_one(story: Story, business: Business) -> None:
    member = await business.member(business.bob)
    await business.sent({"role": "editor", "member_id": member})
    assert (await business.carol.invite(business.client, business.bob.email, "analyst")).status_code == 201
    assert (await story.accept(business.bob)).status_code == 200
    assert await business.acts(business.bob) == ("analyst", "analyst")
    assert (await story.verifier.verify(business.bob.tokens["access_token"])).agency_id is None
    listed = (await business.bob.call("GET", "/v1/organizations")).json()["items"]
    assert sorted(each["role"] for each in listed) == ["agent", "analyst"]


async def test_only_owners_of_the_client_let_agencies_in_and_prove_anew_who_they_are(
    story: Story, business: Business, forward: Forward
) -> None:
    admin = await story.member(business.carol, business.client, "admin@client.test", "admin")
    asked = (await business.ask()).json()["id"]
    path = f"{business.of_client}/{asked}/acceptance"
    assert problem(await admin.call("POST", path)) == (403, "role-missing")
    assert (await admin.call("GET", business.of_client)).status_code == 200
    assert problem(await business.ask(by=business.bob)) == (403, "role-missing")
    await forward(3600)
    await business.carol.refresh(business.client)
    assert problem(await business.carol.call("POST", path)) == (403, "step-up-needed")


async def test_an_end_is_near_and_the_other_side_exists(business: Business) -> None:
    for days in (-1, 0, 800):
        assert problem(await business.ask(ends_at=business.until(days))) == (422, "end-not-acceptable")
    nobody = "019bc1a2-7f00-7000-8000-000000000001"
    assert problem(await business.ask(client_id=nobody)) == (404, "other-organization-not-found")
    assert problem(await business.ask(client_id=business.agency)) == (404, "other-organization-not-found")


async def test_two_have_one_delegation_at_a_time(business: Business) -> None:
    answers = await asyncio.gather(business.ask(), business.offer(), business.ask())
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    made = next(answer.json()["id"] for answer in answers if answer.status_code == 201)
    assert (await business.carol.call("DELETE", f"{business.of_client}/{made}")).status_code == 204
    assert (await business.carol.call("DELETE", f"{business.of_client}/{made}")).status_code == 204
    assert (await business.offer()).status_code == 201


async def test_accepting_while_it_is_withdrawn_is_one_or_the_other(business: Business) -> None:
    asked = (await business.ask()).json()["id"]
    accepted, _ = await asyncio.gather(
        business.carol.call("POST", f"{business.of_client}/{asked}/acceptance"),
        business.ada.call("DELETE", f"{business.of_agency}/{asked}"),
    )
    assert accepted.status_code in (200, 410)
    (shown,) = (await business.ada.call("GET", business.of_agency)).json()["items"]
    assert shown["state"] == "ended"


async def test_sending_while_it_is_ended_leaves_nobody_in(business: Business) -> None:
    member = await business.member(business.bob)
    delegation_id = await business.granted()
    await asyncio.gather(
        business.send(delegation_id, {"role": "editor", "member_id": member}),
        business.carol.call("DELETE", f"{business.of_client}/{delegation_id}"),
    )
    assert await business.acts(business.bob) == (None, None)


async def test_strangers_neither_see_nor_touch_what_two_others_agreed(story: Story, business: Business) -> None:
    delegation_id = await business.granted()
    eve = await story.person("eve@evil.test")
    theirs = await eve.create("Evil")
    for side in ("delegations", "clients"):
        path = f"/v1/organizations/{theirs}/{side}"
        assert (await eve.call("GET", path)).json()["items"] == []
        assert problem(await eve.call("DELETE", f"{path}/{delegation_id}")) == (404, "delegation-not-found")
        accepted = await eve.call("POST", f"{path}/{delegation_id}/acceptance")
        assert problem(accepted) == (404, "delegation-not-found")
    answer = await eve.call("GET", f"/v1/organizations/{theirs}/clients/{delegation_id}/assignments")
    assert problem(answer) == (404, "delegation-not-found")
    wrong_side = await business.carol.call("GET", f"/v1/organizations/{business.client}/clients")
    assert wrong_side.json()["items"] == [], "a client is nobody's agency"
    assert await story.count("delegations", UUID(theirs)) == 0
    for organization_id in (business.agency, business.client):
        assert await story.count("delegations", UUID(organization_id)) == 1
    with pytest.raises(asyncpg.PostgresError):
        await story.count("delegations")


async def test_whom_it_sends_is_the_agencys_own_affair(story: Story, business: Business) -> None:
    member = await business.member(business.bob)
    await business.sent({"role": "editor", "member_id": member})
    assert await story.count("delegation_assignments", UUID(business.client)) == 0
    assert await story.count("delegation_assignments", UUID(business.agency)) == 1


async def test_ending_voids_the_tokens_of_all_who_were_sent_in_one_step(story: Story, business: Business) -> None:
    await story.grant(business.agency, seats=None)
    for at in range(4):
        await story.member(business.ada, business.agency, f"agent{at}@agency.test", "agent")
    delegation_id = await business.sent({"role": "editor"})
    since = len(await story.told(SessionsRevoked))
    assert (await business.carol.call("DELETE", f"{business.of_client}/{delegation_id}")).status_code == 204
    told = [each for each in await story.told(SessionsRevoked) if isinstance(each, SessionsRevoked)][since:]
    assert len({each.user_id for each in told}) == len(told) == 6
    rows = await story.admin("SELECT FROM revocations WHERE user_id = ANY ($1)", [each.user_id for each in told])
    assert len(rows) >= 6

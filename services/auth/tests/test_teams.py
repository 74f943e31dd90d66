"""Named groups of members."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from contracts.auth import TeamCreated, TeamDeleted, TeamMembersChanged, TeamRenamed

from .story import Person, Story, problem


class Teams:
    """The teams of one organization, and its people."""

    def __init__(self, owner: Person, organization_id: str) -> None:
        self.owner, self.id = owner, organization_id
        self.path = f"/v1/organizations/{organization_id}/teams"

    async def create(self, name: str = "Night shift", by: Person | None = None, **more: Any) -> httpx.Response:
        return await (by or self.owner).call("POST", self.path, json={"name": name}, **more)

    async def created(self, name: str = "Night shift") -> str:
        answer = await self.create(name)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def rename(self, team_id: str, name: str, tag: str = '"v1"') -> httpx.Response:
        return await self.owner.call(
            "PATCH", f"{self.path}/{team_id}", json={"name": name}, headers={"if-match": tag}
        )

    async def change(self, team_id: str, by: Person | None = None, **body: list[str]) -> httpx.Response:
        return await (by or self.owner).call("PATCH", f"{self.path}/{team_id}/members", json=body)

    async def members(self, team_id: str) -> set[str]:
        answer = await self.owner.call("GET", f"{self.path}/{team_id}/members")
        assert answer.status_code == 200, answer.text
        return {each["member_id"] for each in answer.json()["items"]}

    async def ids(self) -> dict[str, str]:
        """The memberships by name."""
        return {mail.partition("@")[0]: each["id"] for mail, each in (await self.owner.members(self.id)).items()}


@pytest.fixture
async def teams(story: Story) -> Teams:
    ada = await story.person("ada@team.test")
    return Teams(ada, await ada.create())


async def test_a_team_is_created_renamed_and_deleted_and_others_hear_of_it(story: Story, teams: Teams) -> None:
    answer = await teams.create("  Night shift ")
    assert (answer.status_code, answer.headers["etag"]) == (201, '"v1"')
    team_id = answer.json()["id"]
    assert (answer.json()["name"], answer.json()["members"]) == ("Night shift", 0)
    renamed = await teams.rename(team_id, "Day shift")
    assert (renamed.status_code, renamed.headers["etag"]) == (200, '"v2"')
    assert problem(await teams.rename(team_id, "Other")) == (412, "version-mismatch")
    assert (await teams.rename(team_id, "Day shift", '"v2"')).headers["etag"] == '"v2"', "the same changes nothing"
    assert (await teams.owner.call("DELETE", f"{teams.path}/{team_id}")).status_code == 204
    assert problem(await teams.owner.call("GET", f"{teams.path}/{team_id}")) == (404, "team-not-found")
    told = await story.told(TeamCreated, TeamRenamed, TeamDeleted)
    assert [(type(each), each.version, str(each.organization_id)) for each in told] == [
        (TeamCreated, 1, teams.id),
        (TeamRenamed, 2, teams.id),
        (TeamDeleted, 3, teams.id),
    ]


async def test_a_name_is_one_teams_however_it_is_written(teams: Teams) -> None:
    first = await teams.created("Night shift")
    assert problem(await teams.create("NIGHT  SHIFT")) == (409, "team-name-taken")
    second = await teams.created("Other")
    assert problem(await teams.rename(second, "night shift")) == (409, "team-name-taken")
    assert (await teams.rename(first, "NIGHT SHIFT")).status_code == 200
    answers = await asyncio.gather(*(teams.create("Rush") for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 5]


async def test_the_same_creation_sent_twice_happens_once(teams: Teams) -> None:
    answers = await asyncio.gather(*(teams.create(headers={"idempotency-key": "once"}) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_members_come_in_and_go_out_many_at_a_time_all_or_none(story: Story, teams: Teams) -> None:
    await story.member(teams.owner, teams.id, "bob@team.test", "agent")
    await story.member(teams.owner, teams.id, "carol@team.test", "agent")
    ids, team_id = await teams.ids(), await teams.created()
    first = await teams.change(team_id, add=[ids["ada"], ids["bob"]])
    assert (first.status_code, first.json()["members"], first.headers["etag"]) == (200, 2, '"v2"')
    again = await teams.change(team_id, add=[ids["ada"], ids["bob"]])
    assert again.headers["etag"] == '"v2"', "doing it again changes nothing"
    swapped = await teams.change(team_id, add=[ids["carol"]], remove=[ids["ada"]])
    assert (swapped.json()["members"], swapped.headers["etag"]) == (2, '"v3"')
    assert await teams.members(team_id) == {ids["bob"], ids["carol"]}
    stranger = "019bc1a2-7f00-7000-8000-000000000001"
    assert problem(await teams.change(team_id, add=[ids["ada"], stranger])) == (409, "not-all-members")
    assert await teams.members(team_id) == {ids["bob"], ids["carol"]}
    one, two = await story.told(TeamMembersChanged)
    assert isinstance(one, TeamMembersChanged)
    assert isinstance(two, TeamMembersChanged)
    assert (len(one.added), len(one.removed), one.version) == (2, 0, 2)
    assert ([str(each) for each in two.removed], two.version) == ([teams.owner.user_id], 3)
    too_many = await teams.change(team_id, remove=[stranger] * 101)
    assert problem(too_many) == (422, "invalid")


async def test_who_leaves_the_organization_leaves_its_teams(story: Story, teams: Teams) -> None:
    bob = await story.member(teams.owner, teams.id, "bob@team.test", "agent")
    ids, team_id = await teams.ids(), await teams.created()
    await teams.change(team_id, add=[ids["bob"]])
    assert (await bob.call("DELETE", f"/v1/organizations/{teams.id}/members/me")).status_code == 204
    assert await teams.members(team_id) == set()


async def test_changes_at_once_all_take_place(story: Story, teams: Teams) -> None:
    await story.grant(teams.id, seats=None)
    for at in range(5):
        await story.member(teams.owner, teams.id, f"agent{at}@team.test", "agent")
    ids, team_id = await teams.ids(), await teams.created()
    agents = [ids[f"agent{at}"] for at in range(5)]
    answers = await asyncio.gather(*(teams.change(team_id, add=[each, agents[0]]) for each in agents))
    assert {answer.status_code for answer in answers} == {200}
    assert await teams.members(team_id) == set(agents)
    versions = [each.version for each in await story.told(TeamMembersChanged)]
    assert sorted(versions) == list(range(2, 2 + len(versions)))


async def test_who_does_not_manage_reads_and_who_visits_does_not(story: Story, teams: Teams) -> None:
    team_id = await teams.created()
    agent = await story.member(teams.owner, teams.id, "agent@team.test", "agent")
    client = await story.member(teams.owner, teams.id, "client@team.test", "client")
    assert [each["id"] for each in (await agent.call("GET", teams.path)).json()["items"]] == [team_id]
    assert problem(await teams.create("Other", agent)) == (403, "role-missing")
    assert problem(await teams.change(team_id, agent, add=[])) == (403, "role-missing")
    assert problem(await client.call("GET", teams.path)) == (403, "role-missing")


async def test_another_organizations_teams_and_members_are_out_of_reach(story: Story, teams: Teams) -> None:
    eve = await story.person("eve@team.test")
    theirs = Teams(eve, await eve.create("Theirs"))
    team_id, foreign = await teams.created(), await theirs.created()
    assert problem(await theirs.owner.call("GET", f"{theirs.path}/{team_id}")) == (404, "team-not-found")
    assert problem(await theirs.change(team_id, add=[])) == (404, "team-not-found")
    assert problem(await theirs.owner.call("GET", teams.path)) == (404, "organization-not-found")
    ids = await teams.ids()
    assert problem(await theirs.change(foreign, add=[ids["ada"]])) == (409, "not-all-members")
    with pytest.raises(asyncpg.PostgresError):
        await story.count("teams")
    assert await story.count("teams", UUID(teams.id)) == 1


async def test_teams_come_in_pages(teams: Teams) -> None:
    made = [await teams.created(f"Team {at}") for at in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await teams.owner.call("GET", f"{teams.path}?limit=2{cursor}")).json()
        seen += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == made

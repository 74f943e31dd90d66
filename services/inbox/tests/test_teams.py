"""Teams of auth's own conversations, and people who follow them."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any
from uuid import UUID

from contracts.auth import TeamCreated, TeamDeleted, TeamMembersChanged, TeamRenamed
from kit.ids import new_id

from .hearing import NOW, added, removed
from .house import House
from .test_conversations import pages, spoken
from .test_states import change


def created(organization_id: UUID, team_id: UUID | None = None) -> TeamCreated:
    return TeamCreated(organization_id=organization_id, time=NOW, team_id=team_id or new_id())


def joined(
    team: TeamCreated, version: int = 2, *, add: Sequence[UUID] = (), remove: Sequence[UUID] = ()
) -> TeamMembersChanged:
    return TeamMembersChanged(
        organization_id=team.organization_id,
        time=NOW,
        team_id=team.team_id,
        version=version,
        added=list(add),
        removed=list(remove),
    )


def deleted(team: TeamCreated, version: int = 9) -> TeamDeleted:
    return TeamDeleted(organization_id=team.organization_id, time=NOW, team_id=team.team_id, version=version)


def renamed(team: TeamCreated, version: int = 3) -> TeamRenamed:
    return TeamRenamed(organization_id=team.organization_id, time=NOW, team_id=team.team_id, version=version)


async def in_team(house: House, team: TeamCreated) -> list[UUID]:
    rows = await house.rows(
        "SELECT user_id FROM team_members WHERE team_id = $1 AND present ORDER BY user_id", team.team_id
    )
    return [row["user_id"] for row in rows]


async def test_a_conversation_belongs_to_a_team_until_that_is_gone(house: House) -> None:
    one, other = await spoken(house, 2)
    team, elsewhere = created(house.organization_id), created(new_id())
    await house.hear(team, elsewhere)
    answer = await change(house, one, team_id=str(team.team_id))
    assert (answer.status_code, answer.json()["team_id"]) == (200, str(team.team_id))
    assert (await change(house, other, team_id=str(elsewhere.team_id))).status_code == 422
    assert [each["id"] for each in await pages(house, f"/v1/conversations?team={team.team_id}")] == [one["id"]]
    assert [each["id"] for each in await pages(house, "/v1/conversations?team=none")] == [other["id"]]
    before = len(await house.told())
    gone = deleted(team)
    await house.hear(gone, gone)
    await house.hear(gone, generation=1)
    assert (await house.get(f"/v1/conversations/{one['id']}"))["team_id"] is None
    assert len(await house.told()) - before == 1
    await house.hear(renamed(team, 20))
    assert (await change(house, one, team_id=str(team.team_id))).status_code == 422


async def test_who_is_in_a_team_comes_out_the_same_in_any_order(house: House) -> None:
    for order in permutations(range(3)):
        team, stays, goes = created(house.organization_id), new_id(), new_id()
        story = (
            joined(team, 2, add=[stays, goes]),
            joined(team, 3, remove=[goes, stays]),
            joined(team, 4, add=[stays]),
        )
        await house.hear(*(story[at] for at in order))
        await house.hear(team, *story, generation=1)
        assert await in_team(house, team) == [stays], order


async def test_who_leaves_the_organization_leaves_its_teams(house: House) -> None:
    team, member, colleague = created(house.organization_id), added(house.organization_id), new_id()
    await house.hear(team, member, joined(team, add=[member.user_id, colleague]))
    await house.hear(removed(member))
    assert await in_team(house, team) == [colleague]


async def test_people_follow_a_conversation_until_they_leave(house: House) -> None:
    (conversation,) = await spoken(house, 1)
    path = f"/v1/conversations/{conversation['id']}/participants"
    member = added(house.organization_id)
    await house.hear(member)
    for _ in range(2):
        answer = await house.ask("PUT", f"{path}/{member.user_id}")
        assert (answer.status_code, _who(answer.json())) == (200, [str(member.user_id)])
    version = (await house.get(f"/v1/conversations/{conversation['id']}"))["version"]
    assert version == conversation["version"] + 1
    found = await pages(house, f"/v1/conversations?participant_id={member.user_id}")
    assert [each["id"] for each in found] == [conversation["id"]]
    stranger = await house.ask("PUT", f"{path}/{new_id()}")
    assert (stranger.status_code, stranger.json()["type"]) == (422, "urn:rostrum:problem:participant-not-a-member")
    for method in ("GET", "PUT", "DELETE"):
        where = path if method == "GET" else f"{path}/{member.user_id}"
        assert (await house.ask(method, where, by=new_id())).status_code == 404, method
    await house.hear(removed(member))
    assert _who(await house.get(path)) == []
    assert (await house.ask("DELETE", f"{path}/{member.user_id}")).status_code == 204


async def test_no_more_than_fifty_follow(house: House) -> None:
    (conversation,) = await spoken(house, 1)
    path = f"/v1/conversations/{conversation['id']}/participants"
    await house.rows(
        """
        INSERT INTO conversation_participants (conversation_id, organization_id, user_id)
        SELECT $1, $2, gen_random_uuid() FROM generate_series(1, 50)
        """,
        UUID(conversation["id"]),
        house.organization_id,
    )
    answer = await house.ask("PUT", f"{path}/{await house.member()}")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:rostrum:problem:too-many-participants")
    assert len(_who(await house.get(path))) == 50


def _who(answer: Any) -> list[str]:
    return [each["user_id"] for each in answer["items"]]

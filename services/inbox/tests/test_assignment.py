"""Conversations that nobody has are given to those who are there and have room, in order, and never beyond it."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.inbox import ConversationChanged
from inbox.assignment.model import HEAD_START, Agent, Policy, Queue, Waiting, distributed, queues
from inbox.assignment.repository import GivingRepository
from kit.http.peer import token_of
from kit.ids import new_id
from kit.seal.sealer import Sealer

from .conftest import MASTER
from .hearing import added, changed, removed
from .house import House
from .test_conversations import spoken
from .test_members import assign, holder
from .test_states import change
from .test_teams import created, deleted, joined

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
IDS = [UUID(int=n) for n in range(1, 9)]


def queue(strategy: Any, capacity: int | None = None, **more: Any) -> Queue:
    return Queue(IDS[0], Policy("channel", IDS[0], strategy, capacity, online_only=False, **more), None)


def waiting(minutes: list[int], priority: int = 0) -> list[Waiting]:
    return [
        Waiting(UUID(int=100 + at), IDS[0], priority, NOW + timedelta(minutes=each))
        for at, each in enumerate(minutes)
    ]


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=6),
    st.integers(0, 40),
    st.integers(1, 6),
    st.sampled_from(["round_robin", "least_busy"]),
)
def test_nobody_is_given_more_than_they_take_and_nothing_waits_while_somebody_can(
    loads: list[int], many: int, capacity: int, strategy: str
) -> None:
    agents = [Agent(IDS[at], open=load) for at, load in enumerate(loads)]
    given_ = distributed(waiting(list(range(many))), agents, {IDS[0]: queue(strategy, capacity)}, 0, 1000)
    got = Counter(each.user_id for each in given_)
    assert all(agent.open + got[agent.user_id] <= max(capacity, agent.open) for agent in agents)
    assert len(given_) == min(many, sum(max(0, capacity - load) for load in loads))
    assert [each.conversation_id.int - 100 for each in given_] == list(range(len(given_)))


@given(st.integers(1, 7), st.integers(0, 60))
def test_a_round_is_even(people: int, many: int) -> None:
    given_ = distributed(
        waiting(list(range(many))), [Agent(each) for each in IDS[:people]], {IDS[0]: queue("round_robin")}, 0, 1000
    )
    got = Counter(each.user_id for each in given_)
    shares = [got[each] for each in IDS[:people]]
    assert max(shares) - min(shares) <= 1
    assert [each.turn for each in given_] == list(range(1, many + 1))


@given(st.lists(st.integers(0, 9), min_size=2, max_size=7), st.integers(0, 60))
def test_the_least_busy_are_filled_up_evenly(loads: list[int], many: int) -> None:
    agents = [Agent(IDS[at], open=load) for at, load in enumerate(loads)]
    given_ = distributed(waiting(list(range(many))), agents, {IDS[0]: queue("least_busy")}, 0, 1000)
    got = Counter(each.user_id for each in given_)
    highest = max((agent.open + got[agent.user_id] for agent in agents if got[agent.user_id]), default=0)
    assert all(agent.open + got[agent.user_id] >= highest - 1 for agent in agents)


def test_what_is_urgent_goes_first_and_what_is_not_does_not_wait_for_ever() -> None:
    one = Agent(IDS[0])
    late = replace(waiting([119], priority=4)[0], id=UUID(int=1))
    early = replace(waiting([0])[0], id=UUID(int=2))
    by_id = {IDS[0]: queue("round_robin", 1)}
    assert distributed([early, late], [one], by_id, 0, 10)[0].conversation_id == late.id
    much_later = replace(late, queued_at=early.queued_at + 4 * HEAD_START + timedelta(seconds=1))
    assert distributed([early, much_later], [one], by_id, 0, 10)[0].conversation_id == early.id


def test_who_nobody_can_help_holds_up_nobody_else() -> None:
    team, other = IDS[1], IDS[2]
    by_id = {
        each: Queue(each, Policy("team", each, "round_robin", 5, online_only=False), each) for each in (team, other)
    }
    stuck = [replace(each, queue_id=other) for each in waiting(list(range(50)))]
    able = Waiting(UUID(int=999), team, 0, NOW + timedelta(hours=3))
    agent = Agent(IDS[0], teams=frozenset({team}))
    assert [each.conversation_id for each in distributed([*stuck, able], [agent], by_id, 0, 10)] == [able.id]


def test_what_holds_is_the_teams_then_the_channels_then_that_of_all() -> None:
    of_all = Policy("organization", IDS[0], "least_busy", team_id=IDS[5])
    of_channel, of_team = Policy("channel", IDS[1], "manual"), Policy("team", IDS[3], "round_robin")
    found = {each.id: each for each in queues([of_all, of_channel, of_team], [IDS[1], IDS[2]], [IDS[3], IDS[4]])}
    assert set(found) == {IDS[2], IDS[3], IDS[4]}, "what is manual gives nothing out"
    assert (found[IDS[3]].policy, found[IDS[4]].policy, found[IDS[2]].policy) == (of_team, of_all, of_all)
    assert (found[IDS[3]].team_id, found[IDS[4]].team_id, found[IDS[2]].team_id) == (IDS[3], IDS[4], IDS[5])


# Through the doors


async def policy(house: House, scope: str = "organization", scope_id: UUID | str | None = None, **more: Any) -> None:
    body = {"strategy": "round_robin", "online_only": False} | more
    answer = await house.ask("PUT", f"/v1/assignment-policies/{scope}/{scope_id or house.organization_id}", json=body)
    assert answer.status_code == 200, answer.text


async def give(house: House, workers: int = 1) -> None:
    """Let workers give out until nothing is left to do."""

    async def work() -> None:
        while await house.parts.giving.run():
            pass

    await asyncio.gather(*(work() for _ in range(workers)))


async def has(house: House) -> Counter[str | None]:
    found = (await house.get("/v1/conversations?limit=100&state=open"))["items"]
    return Counter(each["assignee_id"] for each in found)


async def connected(house: House, *users: UUID) -> None:
    """A gateway says who is connected."""
    told = [{"organization_id": str(house.organization_id), "user_id": str(each)} for each in users]
    token = token_of("gateway", Sealer.from_text(MASTER))
    headers = {"authorization": f"Bearer {token}"}
    answer = await house.client.post("/internal/presence", json={"people": told}, headers=headers)
    assert answer.status_code == 200, answer.text


async def test_ten_at_once_and_two_workers_never_exceed_anybodys_capacity(house: House) -> None:
    members = [await house.member() for _ in range(3)]
    await policy(house, capacity=2)
    await house.connected()

    async def people() -> None:
        for each in range(10):
            await house.say(str(each), person=f"1650555{each:04d}")

    async def steadily() -> None:
        for _ in range(40):
            await house.parts.giving.run()
            await asyncio.sleep(0)

    async with house.working(2, outside=False):
        await asyncio.gather(people(), steadily(), steadily())
    await house.reduce()
    await give(house, workers=2)
    assert await has(house) == {None: 4} | {str(each): 2 for each in members}
    left = (await house.get("/v1/conversations?limit=100&assignee=none"))["items"]
    oldest = min(left, key=lambda each: each["created_at"])
    busy = (await house.get(f"/v1/conversations?assignee={members[1]}"))["items"][0]
    await change(house, busy, state="resolved")
    await give(house, workers=2)
    assert await holder(house, oldest) == str(members[1]), "capacity that frees goes to who has waited longest"
    told = [each for each in await house.told() if isinstance(each, ConversationChanged) and each.assignee_id]
    assert len({(each.subject_id, each.version) for each in told}) == len(told)


async def test_a_worker_that_dies_has_given_nothing(house: House) -> None:
    await spoken(house, 4)
    await house.member()
    await policy(house)

    class Dies(Exception):
        pass

    async def turn_and_die() -> None:
        async with house.database.transaction() as tx:
            claimed = await GivingRepository(tx).claim()
            assert claimed is not None
            await tx.bind(claimed[0])
            await house.parts.giving.turn(tx, claimed[1])
            raise Dies

    with pytest.raises(Dies):
        await turn_and_die()
    assert await has(house) == {None: 4}
    await give(house)
    assert None not in await has(house)


async def test_only_who_is_connected_and_not_busy_is_given_anything(house: House) -> None:
    await spoken(house, 2)
    here, away = await house.member(), await house.member()
    await policy(house, online_only=True)
    await give(house)
    assert await has(house) == {None: 2}
    await connected(house, here)
    await give(house)
    assert await has(house) == {str(here): 2}
    presence = {each["user_id"]: each["presence"] for each in (await house.get("/v1/agents"))["items"]}
    assert presence == {str(here): "online", str(away): "offline"}
    await house.forward(46)
    await house.say(person="16505550009")
    await house.reduce()
    await give(house)
    assert (await has(house))[None] == 1
    token = house.issuer.token(house.database.clock.now(), house.organization_id, "agent", sub=str(here))
    said = await house.client.put(
        "/v1/agents/me", json={"availability": "busy"}, headers={"authorization": f"Bearer {token}"}
    )
    assert said.json()["presence"] == "offline"
    await connected(house, here)
    await give(house)
    assert (await has(house))[None] == 1
    (shown,) = [each for each in (await house.get("/v1/agents"))["items"] if each["user_id"] == str(here)]
    assert (shown["presence"], shown["open_conversations"]) == ("busy", 2)
    await connected(house, away)
    await give(house)
    assert (await has(house))[str(away)] == 1


async def test_who_is_gone_for_longer_than_the_grace_gives_theirs_to_others(house: House) -> None:
    one, _ = await spoken(house, 2)
    first, second = await house.member(), await house.member()
    await policy(house, online_only=True, release_after=120)
    await connected(house, first)
    await give(house)
    assert await has(house) == {str(first): 2}
    await house.forward(60)
    await connected(house, second)
    await give(house)
    assert await has(house) == {str(first): 2}, "their grace is not over"
    await house.forward(45 + 120)
    await connected(house, second)
    before = (await house.get(f"/v1/conversations/{one['id']}"))["version"]
    await give(house, workers=2)
    assert await has(house) == {str(second): 2}
    assert (await house.get(f"/v1/conversations/{one['id']}"))["version"] == before + 2
    assert not await house.parts.giving.run(), "there is nothing to do, and nobody looks again and again"


async def test_who_leaves_or_loses_the_role_is_followed_by_others(house: House) -> None:
    await spoken(house, 4)
    members = [added(house.organization_id) for _ in range(3)]
    await policy(house)
    await house.hear(*members[:2])
    await give(house)
    assert await has(house) == {str(each.user_id): 2 for each in members[:2]}
    await house.hear(members[2], removed(members[0]), changed(members[1], "editor"))
    await give(house)
    assert await has(house) == {str(members[2].user_id): 4}


async def test_a_teams_conversations_go_to_its_people_alone(house: House) -> None:
    one, two, three = await spoken(house, 3)
    team, member, other = created(house.organization_id), added(house.organization_id), added(house.organization_id)
    await house.hear(team, member, other, joined(team, add=[member.user_id]))
    for each in (one, two):
        await change(house, each, team_id=str(team.team_id))
    await policy(house, "team", team.team_id, capacity=1)
    await give(house)
    assert await has(house) == {str(member.user_id): 1, None: 2}, "for the others no policy gives anything"
    await house.hear(joined(team, 3, add=[other.user_id]))
    await give(house)
    assert await has(house) == {str(member.user_id): 1, str(other.user_id): 1, None: 1}
    assert await holder(house, three) is None
    await house.hear(deleted(team))
    answer = await house.ask("PUT", f"/v1/assignment-policies/team/{team.team_id}", json={"strategy": "manual"})
    assert answer.status_code == 404


async def test_what_people_take_is_not_refused_but_counts(house: House) -> None:
    one, two, _ = await spoken(house, 3)
    member = await house.member()
    for each in (one, two):
        assert (await assign(house, each, member)).status_code == 200
    await policy(house, capacity=2)
    await give(house)
    assert await has(house) == {str(member): 2, None: 1}
    more = await house.ask("PATCH", f"/v1/agents/{member}", json={"capacity": 3})
    assert more.json()["capacity"] == 3
    await give(house)
    assert await has(house) == {str(member): 3}


async def test_what_is_reopened_is_its_old_agents_and_what_is_muted_nobodys(house: House) -> None:
    one, two = await spoken(house, 2)
    await change(house, two, muted=True)
    member = await house.member()
    await policy(house, capacity=1)
    await give(house)
    assert (await holder(house, one), await holder(house, two)) == (str(member), None)
    await change(house, one, state="resolved")
    colleague = await house.member()
    person = "16505550001" if one["contact_name"] == "Person 1" else "16505550000"
    await house.say("Once more", person=person)
    await house.reduce()
    await give(house)
    assert await holder(house, one) == str(member) != str(colleague)


async def test_organizations_have_their_turn_one_after_the_other(house: House) -> None:
    """Another organization's policies and people touch nothing of ours."""
    await spoken(house, 2)
    member = await house.member()
    other = new_id()
    await policy(house)
    body = {"strategy": "round_robin", "online_only": False}
    answer = await house.ask("PUT", f"/v1/assignment-policies/organization/{other}", json=body, by=other)
    assert answer.status_code == 200
    foreign = added(other)
    await house.hear(foreign)
    await give(house, workers=2)
    assert await has(house) == {str(member): 2}
    assert [each["user_id"] for each in (await house.get("/v1/agents", by=other))["items"]] == [str(foreign.user_id)]
    for method, path, wanted in (
        ("PUT", f"/v1/assignment-policies/organization/{house.organization_id}", body),
        ("DELETE", f"/v1/assignment-policies/organization/{house.organization_id}", None),
        ("PATCH", f"/v1/agents/{member}", {"capacity": 1}),
    ):
        assert (await house.ask(method, path, by=other, json=wanted)).status_code == 404, path
    assert len((await house.get("/v1/assignment-policies", by=other))["items"]) == 1


async def test_what_is_wrong_with_a_policy_is_said(house: House) -> None:
    await house.connected()
    team = created(house.organization_id)
    await house.hear(team)
    everywhere = f"/v1/assignment-policies/organization/{house.organization_id}"
    wrong: list[tuple[str, Mapping[str, Any], int]] = [
        (everywhere, {"strategy": "lottery"}, 422),
        (everywhere, {"strategy": "manual", "capacity": 0}, 422),
        (everywhere, {"strategy": "manual", "release_after": 5}, 422),
        (everywhere, {"strategy": "manual", "team_id": str(new_id())}, 422),
        (f"/v1/assignment-policies/team/{team.team_id}", {"strategy": "manual", "team_id": str(team.team_id)}, 422),
        (f"/v1/assignment-policies/team/{new_id()}", {"strategy": "manual"}, 404),
        (f"/v1/assignment-policies/channel/{new_id()}", {"strategy": "manual"}, 404),
        (f"/v1/assignment-policies/organization/{new_id()}", {"strategy": "manual"}, 404),
        (f"/v1/assignment-policies/world/{new_id()}", {"strategy": "manual"}, 422),
    ]
    for path, body, status in wrong:
        assert (await house.ask("PUT", path, json=body)).status_code == status, (path, body)
    assert (await house.ask("DELETE", everywhere)).status_code == 404
    assert (await house.ask("PUT", everywhere, json={"strategy": "manual"}, role="agent")).status_code == 403
    assert (await house.ask("PUT", "/v1/agents/me", json={"availability": "busy"})).status_code == 404


async def test_only_a_gateway_says_who_is_connected(house: House) -> None:
    body: dict[str, Any] = {"people": []}
    for shown in ({}, {"authorization": "Bearer gateway.x"}, house.headers()):
        assert (await house.client.post("/internal/presence", json=body, headers=shown)).status_code == 401
    stranger = new_id()
    await connected(house, stranger, stranger)
    assert await house.count("SELECT count(*) FROM agents") == 0, "who does not answer here is nobody's business"

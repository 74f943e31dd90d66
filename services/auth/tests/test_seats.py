"""A member takes a seat in the transaction that makes them one."""

import asyncio
from uuid import UUID

import httpx
import pytest

from contracts.auth import InvitationAccepted, MemberAdded

from .story import Person, Story, problem


async def invited(story: Story, owner: Person, organization_id: str, *names: str) -> list[tuple[Person, str]]:
    """People with an invitation each, and the token of its link."""
    people = [await story.person(f"{name}@seat.test") for name in names]
    for person in people:
        assert (await owner.invite(organization_id, person.email)).status_code == 201
    await story.deliver()
    return [(person, story.postbox.token(person.email)) for person in people]


async def accept(person: Person, token: str) -> httpx.Response:
    return await person.call("POST", "/v1/invitations/accept", json={"token": token})


async def test_fifty_acceptances_of_one_invitation_make_one_member(story: Story) -> None:
    ada = await story.person("ada@seat.test")
    organization_id = await ada.create()
    ((bob, token),) = await invited(story, ada, organization_id, "bob")
    answers = await asyncio.gather(*(accept(bob, token) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["member_id"] for answer in answers}) == 1
    assert len(await ada.members(organization_id)) == 2
    assert len(await story.told(InvitationAccepted)) == 1
    assert len(await story.told(MemberAdded)) == 2


async def test_of_ten_who_accept_at_once_three_get_the_three_seats(story: Story) -> None:
    ada = await story.person("ada@seat.test")
    organization_id = await ada.create()
    await story.grant(organization_id, seats=4)
    several = await invited(story, ada, organization_id, *(f"member{at}" for at in range(10)))
    answers = await asyncio.gather(*(accept(*each) for each in several))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [409] * 7
    assert {problem(answer) for answer in answers if answer.status_code == 409} == {(409, "no-seat-left")}
    assert len(await ada.members(organization_id)) == 4
    left_out = [each for each, answer in zip(several, answers, strict=True) if answer.status_code == 409]
    await story.grant(organization_id, version=2, seats=None)
    assert [(await accept(*each)).status_code for each in left_out] == [200] * 7, "no invitation was used up"


async def test_until_billing_has_spoken_an_organization_has_three_seats(story: Story) -> None:
    ada = await story.person("ada@seat.test")
    organization_id = await ada.create()
    bob, carol, dave = await invited(story, ada, organization_id, "bob", "carol", "dave")
    assert (await accept(*bob)).status_code == 200
    assert (await accept(*carol)).status_code == 200
    answer = await accept(*dave)
    assert problem(answer) == (409, "no-seat-left")
    assert (answer.json()["seats"], answer.json()["taken"]) == (3, 3)


async def test_who_leaves_frees_a_seat_and_who_was_there_keeps_theirs(story: Story) -> None:
    ada = await story.person("ada@seat.test")
    organization_id = await ada.create()
    bob, carol = await invited(story, ada, organization_id, "bob", "carol")
    await accept(*bob)
    await story.grant(organization_id, seats=1)
    assert problem(await accept(*carol)) == (409, "no-seat-left")
    assert len(await ada.members(organization_id)) == 2, "a smaller plan sends nobody away"
    await story.grant(organization_id, version=2, seats=2)
    assert (await bob[0].call("DELETE", f"/v1/organizations/{organization_id}/members/me")).status_code == 204
    assert (await accept(*carol)).status_code == 200


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
async def test_an_older_snapshot_after_a_newer_one_changes_nothing(story: Story, order: tuple[int, int]) -> None:
    ada, bob = await story.person("ada@seat.test"), await story.person("bob@seat.test")
    mine, theirs = await ada.create(), await bob.create()
    seats = {1: 1, 2: 2}
    for version in order:
        await story.grant(mine, version=version, seats=seats[version])
    await story.grant(theirs, seats=1)
    carol, dave = await invited(story, ada, mine, "carol", "dave")
    ((erin, token),) = await invited(story, bob, theirs, "erin")
    assert (await accept(*carol)).status_code == 200
    assert problem(await accept(*dave)) == (409, "no-seat-left")
    assert problem(await accept(erin, token)) == (409, "no-seat-left"), "each organization has its own"
    assert await story.count("quota_limits", UUID(theirs)) == 1

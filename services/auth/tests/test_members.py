import asyncio
from itertools import product
from uuid import UUID

import pytest

from auth.members.errors import NotAllowed
from auth.members.model import Member
from auth.members.permissions import Role, manages
from contracts.auth import MemberRemoved, MemberRoleChanged, SessionsRevoked
from contracts.names import ROLES
from kit.clock import SystemClock
from kit.ids import new_id

from .story import Person, Story, problem


async def change(person: Person, organization_id: str, member_id: str, role: str) -> tuple[int, str]:
    path = f"/v1/organizations/{organization_id}/members/{member_id}"
    answer = await person.call("PATCH", path, json={"role": role})
    return problem(answer) if answer.status_code >= 400 else (answer.status_code, answer.json()["role"])


async def remove(person: Person, organization_id: str, member_id: str) -> int:
    answer = await person.call("DELETE", f"/v1/organizations/{organization_id}/members/{member_id}")
    return answer.status_code


def member(role: Role) -> Member:
    return Member(new_id(), new_id(), role, 1, SystemClock().now(), None, "someone@example.com")


def test_nobody_gives_or_takes_a_role_above_their_own() -> None:
    for by, has, gets in product(Role, Role, Role):
        if by is Role.OWNER or (by is Role.ADMIN and Role.OWNER not in (has, gets)):
            assert member(has).promoted(gets, manages(by)).role is gets
        else:
            with pytest.raises(NotAllowed):
                member(has).promoted(gets, manages(by))


def test_every_role_stands_in_the_contract() -> None:
    assert set(Role) == set(ROLES)


def test_everyone_may_leave_and_only_managers_remove_others() -> None:
    for by, role in product(Role, Role):
        someone = member(role)
        someone.check_removal(someone.user_id, manages(role))
        if role in manages(by):
            someone.check_removal(new_id(), manages(by))
        else:
            with pytest.raises(NotAllowed):
                someone.check_removal(new_id(), manages(by))


async def test_a_changed_role_takes_effect_at_once_without_signing_anyone_out(story: Story) -> None:
    ada = await story.person("ada@example.com")
    organization_id = await ada.create()
    bob = await story.member(ada, organization_id, "bob@example.com", "editor")
    await bob.refresh(organization_id)
    member_id = (await ada.members(organization_id))["bob@example.com"]["id"]
    assert await change(ada, organization_id, member_id, "analyst") == (200, "analyst")
    assert (await bob.refresh()).json()["role"] == "analyst"
    changed, revoked = await story.told(MemberRoleChanged, SessionsRevoked)
    assert isinstance(changed, MemberRoleChanged)
    assert isinstance(revoked, SessionsRevoked)
    assert (changed.role, changed.version, str(changed.organization_id)) == ("analyst", 2, organization_id)
    assert (str(revoked.user_id), revoked.session_id, revoked.epoch) == (bob.user_id, None, 1)
    assert revoked.organization_id is None, "what ends is the person's, in every organization"
    caller = await story.verifier.verify(bob.tokens["access_token"])
    assert caller.epoch == 1
    assert await change(ada, organization_id, member_id, "analyst") == (200, "analyst")
    assert len(await story.told(MemberRoleChanged)) == 1, "the same role again changes nothing"


async def test_a_removed_member_is_out_at_once_and_stays_signed_in_elsewhere(story: Story) -> None:
    ada = await story.person("ada@example.com")
    organization_id = await ada.create()
    bob = await story.member(ada, organization_id, "bob@example.com", "admin")
    own = await bob.create("Bob's")
    await bob.refresh(organization_id)
    member_id = (await ada.members(organization_id))["bob@example.com"]["id"]
    assert await remove(ada, organization_id, member_id) == 204
    answer = await bob.call("GET", f"/v1/organizations/{organization_id}")
    assert problem(answer) == (404, "organization-not-found")
    assert (await bob.refresh()).json()["organization_id"] is None
    assert (await bob.refresh(own)).json()["role"] == "owner"
    removed, revoked = await story.told(MemberRemoved, SessionsRevoked)
    assert isinstance(removed, MemberRemoved)
    assert isinstance(revoked, SessionsRevoked)
    assert (str(removed.member_id), removed.version, revoked.epoch) == (member_id, 2, 1)
    assert await remove(ada, organization_id, member_id) == 404


async def test_the_last_owner_can_neither_leave_nor_step_down(story: Story) -> None:
    ada = await story.person("ada@example.com")
    organization_id = await ada.create()
    await story.member(ada, organization_id, "bob@example.com", "admin")
    own = (await ada.members(organization_id))["ada@example.com"]["id"]
    assert await remove(ada, organization_id, own) == 409
    assert await change(ada, organization_id, own, "admin") == (409, "last-owner")
    other = (await ada.members(organization_id))["bob@example.com"]["id"]
    assert await change(ada, organization_id, other, "owner") == (200, "owner")
    assert await remove(ada, organization_id, own) == 204


@pytest.mark.parametrize("turn", range(5))
async def test_of_two_owners_who_remove_each_other_at_once_one_remains(turn: int, story: Story) -> None:
    ada = await story.person("ada@example.com")
    organization_id = await ada.create()
    bob = await story.member(ada, organization_id, "bob@example.com", "owner")
    members = await ada.members(organization_id)
    strokes = [
        remove(ada, organization_id, members["bob@example.com"]["id"]),
        remove(bob, organization_id, members["ada@example.com"]["id"]),
    ]
    outcomes = await asyncio.gather(*(strokes if turn % 2 else reversed(strokes)))
    assert sorted(outcomes) == [204, 404]
    assert await story.count("members", UUID(organization_id)) == 1


async def test_of_many_owners_who_leave_at_once_one_remains(story: Story) -> None:
    ada = await story.person("ada@example.com")
    organization_id = await ada.create()
    await story.grant(organization_id, seats=None)
    owners = [ada, *[await story.member(ada, organization_id, f"o{at}@example.com", "owner") for at in range(3)]]
    members = await ada.members(organization_id)
    outcomes = await asyncio.gather(*(remove(owner, organization_id, members[owner.email]["id"]) for owner in owners))
    assert sorted(outcomes) == [204, 204, 204, 409]


async def test_who_does_not_manage_is_refused_and_who_only_visits_sees_no_members(story: Story) -> None:
    ada = await story.person("ada@example.com")
    organization_id = await ada.create()
    editor = await story.member(ada, organization_id, "editor@example.com", "editor")
    client = await story.member(ada, organization_id, "client@example.com", "client")
    members = await editor.members(organization_id)
    assert await change(editor, organization_id, members["client@example.com"]["id"], "analyst") == (
        403,
        "role-missing",
    )
    assert await remove(editor, organization_id, members["ada@example.com"]["id"]) == 403
    answer = await client.call("GET", f"/v1/organizations/{organization_id}/members")
    assert problem(answer) == (403, "role-missing")
    assert problem(await editor.invite(organization_id, "x@example.com")) == (403, "role-missing")
    assert await remove(client, organization_id, members["client@example.com"]["id"]) == 204, "all may leave"


async def test_an_administrator_touches_no_owner_and_makes_none(story: Story) -> None:
    ada = await story.person("ada@example.com")
    organization_id = await ada.create()
    bob = await story.member(ada, organization_id, "bob@example.com", "admin")
    members = await bob.members(organization_id)
    refused = (403, "role-missing")
    assert await change(bob, organization_id, members["bob@example.com"]["id"], "owner") == refused
    assert await change(bob, organization_id, members["ada@example.com"]["id"], "editor") == refused
    assert await remove(bob, organization_id, members["ada@example.com"]["id"]) == 403
    assert problem(await bob.invite(organization_id, "eve@example.com", "owner")) == refused
    assert (await bob.invite(organization_id, "eve@example.com", "admin")).status_code == 201


async def test_a_demoted_administrator_has_no_power_left_even_with_the_old_token(story: Story) -> None:
    """Auth asks its own rows who somebody is now, not the token."""
    ada = await story.person("ada@example.com")
    organization_id = await ada.create()
    bob = await story.member(ada, organization_id, "bob@example.com", "admin")
    await bob.refresh(organization_id)
    members = await ada.members(organization_id)
    await change(ada, organization_id, members["bob@example.com"]["id"], "editor")
    assert (await story.verifier.verify(bob.tokens["access_token"])).role == "admin"
    assert problem(await bob.invite(organization_id, "x@example.com")) == (403, "role-missing")


async def test_members_come_in_pages(story: Story) -> None:
    ada = await story.person("ada@example.com")
    organization_id = await ada.create()
    await story.member(ada, organization_id, "bob@example.com", "editor")
    await story.member(ada, organization_id, "carl@example.com", "editor")
    path = f"/v1/organizations/{organization_id}/members?limit=2"
    first = (await ada.call("GET", path)).json()
    rest = (await ada.call("GET", f"{path}&cursor={first['next_cursor']}")).json()
    assert [each["email"] for each in first["items"] + rest["items"]] == [
        "ada@example.com",
        "bob@example.com",
        "carl@example.com",
    ]
    assert rest["next_cursor"] is None
    assert problem(await ada.call("GET", f"/v1/organizations/{organization_id}/members?limit=101")) == (
        422,
        "invalid",
    )

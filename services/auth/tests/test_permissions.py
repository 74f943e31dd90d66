"""The matrix as it is published, and who counts as what in an organization."""

from dataclasses import replace
from uuid import UUID

import pytest

from auth.members.acting import Acting, acting, insist
from auth.members.errors import NotAllowed
from auth.members.permissions import BELOW_OWNER, EVERY_ROLE, NONE, Role, manages
from auth.organizations.errors import OrganizationNotFound
from auth.sign_ins.errors import AccountSuspended
from contracts.names import ROLES
from contracts.permissions import PERMISSIONS, ROLE_MEANINGS, allows
from kit.http.caller import MemberCaller
from kit.ids import new_id

from .story import Person, Story


async def test_the_matrix_is_published_for_everybody(story: Story) -> None:
    answer = await story.http.get("/v1/roles")
    assert answer.headers["cache-control"].startswith("public")
    told = answer.json()
    assert [(each["name"], each["says"]) for each in told["roles"]] == list(ROLE_MEANINGS.items())
    assert {each["name"]: set(each["roles"]) for each in told["permissions"]} == {
        name: permission.roles for name, permission in PERMISSIONS.items()
    }
    for each in told["roles"]:
        assert set(each["permissions"]) == {name for name in PERMISSIONS if allows(name, each["name"])}


def test_who_manages_whom_follows_from_the_matrix() -> None:
    assert {role: manages(role) for role in Role} == {
        role: {Role.OWNER: EVERY_ROLE, Role.ADMIN: BELOW_OWNER}.get(role, NONE) for role in Role
    }
    assert {manages(role, delegated=True) for role in Role} == {NONE}


def test_a_role_or_permission_that_is_not_known_allows_nothing() -> None:
    assert not any(allows(name, role) for name in PERMISSIONS for role in ("emperor", "", None))
    with pytest.raises(KeyError):
        allows("posts.burn", "owner")
    assert all(allows(name, "owner") for name in PERMISSIONS)
    assert set(ROLES) == {role.value for role in Role}


async def as_seen(story: Story, organization_id: str, caller: MemberCaller) -> Acting:
    async with story.database.transaction(UUID(organization_id)) as tx:
        return await acting(tx, caller)


def caller(person: Person, organization_id: str, role: str = "owner") -> MemberCaller:
    session_id = UUID(str(person.tokens["session_id"]))
    return MemberCaller(UUID(person.user_id), session_id, UUID(organization_id), role, 0)


async def test_of_a_person_the_rows_are_asked_and_of_a_key_its_token(story: Story) -> None:
    ada = await story.person("ada@role.test")
    organization_id = await ada.create()
    bob = await story.member(ada, organization_id, "bob@role.test", "analyst")
    assert (await as_seen(story, organization_id, caller(bob, organization_id, "owner"))).role is Role.ANALYST
    key = MemberCaller(new_id(), new_id(), UUID(organization_id), "editor", 0, kind="key")
    assert (await as_seen(story, organization_id, key)).role is Role.EDITOR
    async with story.database.transaction(UUID(organization_id)) as tx:
        with pytest.raises(NotAllowed):
            await insist(tx, key, "members.manage")


@pytest.mark.parametrize("kind", ["key", "client"])
async def test_a_program_is_nothing_in_another_organization(story: Story, kind: str) -> None:
    ada = await story.person("ada@role.test")
    ours, theirs = await ada.create("Ours"), await ada.create("Theirs")
    program = MemberCaller(new_id(), new_id(), UUID(ours), "admin", 0, kind=kind)  # type: ignore[arg-type] # drawn
    with pytest.raises(OrganizationNotFound):
        await as_seen(story, theirs, program)
    person = caller(ada, ours)
    assert (await as_seen(story, theirs, person)).role is Role.OWNER, "a person is what they are, wherever they are"
    narrowed = replace(person, client_id=new_id())
    with pytest.raises(OrganizationNotFound):
        await as_seen(story, theirs, narrowed)


async def test_who_is_suspended_is_nobody_anywhere(story: Story) -> None:
    ada = await story.person("ada@role.test")
    organization_id = await ada.create()
    await story.admin("UPDATE users SET suspended_at = now() WHERE id = $1", UUID(ada.user_id))
    with pytest.raises(AccountSuspended):
        await as_seen(story, organization_id, caller(ada, organization_id))

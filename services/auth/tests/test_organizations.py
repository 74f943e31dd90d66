import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from contracts.auth import MemberAdded, OrganizationCreated, OrganizationRenamed
from kit.ids import new_id

from .story import Person, Story, problem


async def rename(person: Person, organization_id: str, name: str, tag: str | None) -> Any:
    headers = {} if tag is None else {"if-match": tag}
    return await person.call("PATCH", f"/v1/organizations/{organization_id}", json={"name": name}, headers=headers)


async def test_who_creates_an_organization_is_its_owner_and_the_others_hear_of_both(story: Story) -> None:
    ada = await story.person("ada@example.com")
    answer = await ada.call("POST", "/v1/organizations", json={"name": "  Acme  "})
    assert (answer.status_code, answer.headers["etag"]) == (201, '"v1"')
    body = answer.json()
    assert (body["name"], body["role"], body["version"]) == ("Acme", "owner", 1)
    created, added = await story.told(OrganizationCreated, MemberAdded)
    assert isinstance(created, OrganizationCreated)
    assert isinstance(added, MemberAdded)
    assert str(created.organization_id) == str(added.organization_id) == body["id"]
    assert (str(created.created_by), str(added.user_id), added.role) == (ada.user_id, ada.user_id, "owner")


async def test_the_same_creation_sent_twice_happens_once(story: Story) -> None:
    ada, bob = await story.person("ada@example.com"), await story.person("bob@example.com")

    async def create(person: Person, name: str = "Acme") -> Any:
        return await person.call("POST", "/v1/organizations", json={"name": name}, headers={"idempotency-key": "k1"})

    answers = await asyncio.gather(*(create(ada) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert problem(await create(ada, "Other")) == (422, "idempotency-key-reused")
    assert (await create(bob)).json()["id"] != answers[0].json()["id"], "a key belongs to one person"
    assert len(await story.told(OrganizationCreated)) == 2


async def test_renaming_needs_the_version_one_has_read(story: Story) -> None:
    ada = await story.person("ada@example.com")
    organization_id = await ada.create("Acme")
    assert problem(await rename(ada, organization_id, "Other", None)) == (428, "if-match-required")
    assert problem(await rename(ada, organization_id, "Other", '"v7"')) == (412, "version-mismatch")
    done = await rename(ada, organization_id, "Other", '"v1"')
    assert (done.status_code, done.headers["etag"], done.json()["name"]) == (200, '"v2"', "Other")
    again = await rename(ada, organization_id, "Other", '"v2"')
    assert again.headers["etag"] == '"v2"', "the same name again changes nothing"
    (told,) = await story.told(OrganizationRenamed)
    assert (str(told.organization_id), told.version) == (organization_id, 2)


async def test_of_two_who_rename_at_once_one_is_told_to_read_again(story: Story) -> None:
    ada = await story.person("ada@example.com")
    organization_id = await ada.create("Acme")
    answers = await asyncio.gather(*(rename(ada, organization_id, f"Name {at}", '"v1"') for at in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 5]


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "two\nlines", 7, None])
async def test_a_name_is_one_line_of_up_to_200_characters(name: object, story: Story) -> None:
    ada = await story.person("ada@example.com")
    answer = await ada.call("POST", "/v1/organizations", json={"name": name})
    assert problem(answer) == (422, "invalid")
    assert answer.json()["errors"][0]["pointer"] == "#/name"


async def test_i_see_my_organizations_in_pages_and_nobody_elses(story: Story) -> None:
    ada, bob = await story.person("ada@example.com"), await story.person("bob@example.com")
    mine = [await ada.create(f"Mine {at}") for at in range(5)]
    await bob.create("Theirs")
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await ada.call("GET", f"/v1/organizations?limit=2{cursor}")).json()
        seen += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == mine
    assert problem(await ada.call("GET", "/v1/organizations?cursor=bm9wZQ")) == (422, "bad-cursor")


async def test_a_foreign_organization_looks_like_none_through_every_door(story: Story) -> None:
    """The owner of one organization knocks at the doors of another's, with its real ids."""
    ada, bob = await story.person("ada@example.com"), await story.person("bob@example.com")
    ours, theirs = await ada.create("Ours"), await bob.create("Theirs")
    member = (await bob.members(theirs))["bob@example.com"]["id"]
    invitation = (await bob.invite(theirs, "carl@example.com")).json()["id"]
    await ada.refresh(ours)
    path = f"/v1/organizations/{theirs}"
    knocks = [
        await ada.call("GET", path),
        await rename(ada, theirs, "Taken", '"v1"'),
        await ada.call("GET", f"{path}/members"),
        await ada.call("PATCH", f"{path}/members/{member}", json={"role": "client"}),
        await ada.call("DELETE", f"{path}/members/{member}"),
        await ada.call("GET", f"{path}/invitations"),
        await ada.invite(theirs, "eve@example.com"),
        await ada.call("DELETE", f"{path}/invitations/{invitation}"),
        await ada.call("POST", f"{path}/invitations/{invitation}/mails"),
        await ada.call("GET", f"/v1/organizations/{new_id()}"),
    ]
    assert {problem(answer) for answer in knocks} == {(404, "organization-not-found")}
    crossed = [
        await ada.call("PATCH", f"/v1/organizations/{ours}/members/{member}", json={"role": "client"}),
        await ada.call("DELETE", f"/v1/organizations/{ours}/members/{member}"),
        await ada.call("DELETE", f"/v1/organizations/{ours}/invitations/{invitation}"),
    ]
    assert [problem(answer)[1] for answer in crossed] == ["member-not-found"] * 2 + ["invitation-not-found"]
    assert (await bob.members(theirs))["bob@example.com"]["role"] == "owner"


@pytest.mark.parametrize("table", ["organizations", "members", "invitations"])
async def test_a_forgotten_where_shows_only_our_own_rows(table: str, story: Story) -> None:
    ids = []
    for name in ("ada", "bob"):
        person = await story.person(f"{name}@example.com")
        ids.append(UUID(await person.create(name)))
        await person.invite(str(ids[-1]), "carl@example.com")
    for organization_id in ids:
        assert await story.count(table, organization_id) == 1
    async with story.database.transaction(ids[0]) as tx:
        assert await tx.execute(f"UPDATE {table} SET version = version + 1") == 1
    with pytest.raises(asyncpg.PostgresError):
        await story.count(table)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with story.database.transaction(ids[0]) as tx:
            await tx.execute("INSERT INTO organizations (id, name) VALUES ($1, 'x')", new_id())

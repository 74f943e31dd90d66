"""Mail addresses at rest: nowhere in clear, found by a keyed hash, forgotten with a key."""

import asyncio
from collections.abc import Iterator
from uuid import UUID

import asyncpg
import pytest

from auth import migrations
from auth.accounts.address import SealedAddress
from kit.db.migrate import BadMigration, Migration, all_of, migrate
from kit.db.provision import provision
from kit.ids import new_id
from kit.seal import SealBroken
from kit.testing.databases import Databases

from .story import Person, Story, problem, text_of

ADA, BOB, CAROL = "Ada.Countess-41@Lovelace-House.test", "bob.builder-52@site.test", "carol.carter-63@cart.test"


async def shred(story: Story, subject: str, organization_id: str | None = None) -> None:
    owner = UUID(organization_id) if organization_id else None
    async with story.database.transaction(*([owner] if owner else [])) as tx:
        await story.keyring.shred(tx, owner, subject)


async def keys(story: Story) -> list[str]:
    """The subjects that have a key, beside the platform and its secrets."""
    rows = await story.admin("SELECT subject FROM seal_keys WHERE subject ~ '^(user|invitation):' ORDER BY subject")
    return [row["subject"] for row in rows]


async def listed(person: Person, organization_id: str, what: str) -> list[str | None]:
    answer = await person.call("GET", f"/v1/organizations/{organization_id}/{what}")
    assert answer.status_code == 200, answer.text
    return [each["email"] for each in answer.json()["items"]]


def traces(address: str) -> Iterator[bytes]:
    """What would tell of an address, also in hexadecimal digits."""
    for part in (address, address.partition("@")[0], address.partition("@")[2]):
        yield part.casefold().encode()
        yield part.casefold().encode().hex().encode()
        yield part.encode().hex().encode()


async def test_nothing_of_an_address_lies_in_clear_in_any_column(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    await story.sign_up(ADA)
    await story.sign_in(ADA, "not-the-password-17")
    organization_id = await ada.create("Acme")
    await ada.invite(organization_id, BOB, headers={"idempotency-key": "once"})
    await story.accept(bob)
    await ada.invite(organization_id, CAROL)
    await story.deliver()
    body = {"items": [{"category": "invitations", "wanted": False}]}
    await bob.call("PUT", "/v1/mail-preferences", json=body, headers={"if-match": '"v0"'})

    tables = await story.admin("SELECT table_name FROM information_schema.tables WHERE table_schema = 'auth'")
    scanned = {row["table_name"]: await story.admin(f'SELECT * FROM "{row["table_name"]}"') for row in tables}

    wanted = {trace for address in (ADA, BOB, CAROL) for trace in traces(address)}
    for table, rows in scanned.items():
        for column, value in (cell for row in rows for cell in row.items()):
            held = value.lower() if isinstance(value, bytes) else str(value).casefold().encode()
            assert not [trace for trace in wanted if trace in held], f"{table}.{column}"
    for filled in ("identities", "invitations", "outgoing_mails", "mail_suppressions", "throttles", "outbox"):
        assert scanned[filled], f"{filled} was looked at with something in it"


async def test_what_is_shown_is_as_it_was_typed(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    organization_id = await ada.create()
    invited = await ada.invite(organization_id, "Bob.Builder-52@Site.TEST")
    assert invited.json()["email"] == "Bob.Builder-52@site.test"
    assert await listed(ada, organization_id, "invitations") == ["Bob.Builder-52@site.test"]
    await story.accept(bob)
    assert await listed(bob, organization_id, "members") == ["Ada.Countess-41@lovelace-house.test", BOB]


async def test_sign_ups_at_once_of_a_new_and_of_a_known_address_make_no_key_of_anybody(
    story: Story,
) -> None:
    """The same is done for both, and nothing stays of those who lost."""
    await story.person(ADA)
    before = await keys(story)
    answers = await asyncio.gather(*(story.sign_up(BOB.upper() if at % 2 else BOB) for at in range(200)))
    answers += await asyncio.gather(*(story.sign_up(ADA) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    assert await story.count("users") == await story.count("identities") == 1
    assert await keys(story) == before


async def test_an_address_is_put_under_the_persons_own_key_once_it_is_proven(story: Story) -> None:
    """Whoever types a stranger's address does not put it under a key of theirs."""
    sealed_by = """
        SELECT k.subject FROM {} AS i JOIN seal_keys AS k ON k.id = encode(substr(i.sealed, 2, 16), 'hex')::uuid
    """
    await story.sign_up(ADA)
    assert [row["subject"] for row in await story.admin(sealed_by.format("challenges"))] == [""]
    await story.deliver()
    user_id = (await story.verify(story.postbox.token(ADA))).json()["user_id"]
    assert [row["subject"] for row in await story.admin(sealed_by.format("identities"))] == [f"user:{user_id}"]


async def test_who_was_forgotten_has_no_address_in_lists_and_all_of_them_work(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    organization_id = await ada.create()
    await ada.invite(organization_id, BOB)
    await story.accept(bob)
    invited = (await ada.invite(organization_id, CAROL)).json()["id"]
    members = await ada.members(organization_id)

    await shred(story, f"user:{bob.user_id}")
    await shred(story, f"invitation:{invited}", organization_id)

    shown = [ADA.replace("Lovelace-House", "lovelace-house"), None]
    assert await listed(ada, organization_id, "members") == shown
    assert await listed(ada, organization_id, "invitations") == [BOB, None]
    path = f"/v1/organizations/{organization_id}/members/{members[BOB]['id']}"
    changed = await ada.call("PATCH", path, json={"role": "analyst"})
    assert (changed.status_code, changed.json()["email"], changed.json()["role"]) == (200, None, "analyst")
    await bob.refresh()
    me = await bob.call("GET", "/v1/me")
    assert (me.status_code, me.json()["email"]) == (200, None)
    assert (await bob.call("GET", "/v1/mail-preferences")).status_code == 200
    assert (await ada.call("DELETE", path)).status_code == 204


async def test_who_was_forgotten_is_not_mailed(story: Story) -> None:
    """What waits for them is withdrawn, and what is asked for is answered as for everybody."""
    ada, bob = await story.person(ADA), await story.person(BOB)
    organization_id = await ada.create()
    invited = (await ada.invite(organization_id, CAROL)).json()["id"]
    await shred(story, f"user:{bob.user_id}")
    await shred(story, f"invitation:{invited}", organization_id)
    before = len(story.postbox.taken)
    assert (await story.sign_up(BOB)).status_code == 202
    await story.deliver()
    assert len(story.postbox.taken) == before
    rows = await story.admin("SELECT status FROM outgoing_mails ORDER BY id DESC LIMIT 2")
    assert [row["status"] for row in rows] == ["withdrawn", "withdrawn"]


async def test_an_invitation_by_somebody_who_was_forgotten_names_nobody(story: Story) -> None:
    ada = await story.person(ADA)
    await ada.invite(await ada.create("Acme"), CAROL)
    await shred(story, f"user:{ada.user_id}")
    await story.deliver()
    assert "Somebody invites you to join Acme" in text_of(story.postbox.to(CAROL)[-1])


async def test_an_address_is_found_in_the_invitations_of_ones_own_organization_only(story: Story) -> None:
    """One hash in all organizations, so that a person who asks can be forgotten in each of them."""
    ada, bob = await story.person(ADA), await story.person(BOB)
    ours, theirs, nobodys = await ada.create(), await bob.create(), await bob.create()
    for person, organization_id in ((ada, ours), (bob, theirs)):
        assert (await person.invite(organization_id, CAROL)).status_code == 201
    rows = await story.admin("SELECT organization_id::text AS id, email_blind FROM invitations")
    assert {row["id"] for row in rows} == {ours, theirs}
    (blind,) = {row["email_blind"] for row in rows}

    async def found_by(*organizations: str) -> set[str]:
        async with story.database.transaction(*(UUID(each) for each in organizations)) as tx:
            rows = await tx.fetch("SELECT organization_id FROM invitations WHERE email_blind = $1", blind)
        return {str(row["organization_id"]) for row in rows}

    assert await found_by(ours) == {ours}
    assert await found_by(nobodys) == await found_by(str(new_id())) == set()


async def test_an_address_does_not_open_in_another_row_nor_for_another_organization(story: Story) -> None:
    ada = await story.person(ADA)
    organization_id = await ada.create()
    invited = UUID((await ada.invite(organization_id, CAROL)).json()["id"])
    addresses = story.parts.members.addresses
    (identity,) = await story.admin("SELECT sealed FROM identities")
    with pytest.raises(SealBroken):
        await addresses.open([SealedAddress(new_id(), identity["sealed"])])
    (row,) = await story.admin("SELECT email_sealed FROM invitations")
    with pytest.raises(SealBroken):
        await addresses.open_invited(new_id(), [SealedAddress(invited, row["email_sealed"])])
    assert await addresses.open_invited(UUID(organization_id), [SealedAddress(invited, row["email_sealed"])]) == [
        CAROL
    ]


async def test_an_invitation_that_is_refused_makes_no_key(story: Story) -> None:
    ada, bob = await story.person(ADA), await story.person(BOB)
    organization_id = await ada.create()
    once = {"idempotency-key": "once"}
    assert (await ada.invite(organization_id, CAROL, headers=once)).status_code == 201
    before = await keys(story)
    assert problem(await ada.invite(organization_id, CAROL)) == (409, "already-invited")
    assert problem(await ada.invite(organization_id, ADA)) == (409, "already-member")
    assert problem(await bob.invite(organization_id, "x@example.com")) == (404, "organization-not-found")
    again = await ada.invite(organization_id, CAROL, headers=once)
    assert (again.status_code, again.json()["email"]) == (201, CAROL)
    assert await keys(story) == before


async def test_a_rotated_key_changes_nothing_for_anybody(story: Story) -> None:
    ada = await story.person(ADA)
    organization_id = await ada.create()
    await story.sign_up(BOB)
    await ada.invite(organization_id, CAROL)
    await story.keyring.rotate(None)
    await story.keyring.rotate(UUID(organization_id))
    assert (await story.sign_in(ADA)).status_code == 201
    assert problem(await ada.invite(organization_id, CAROL)) == (409, "already-invited")
    await story.deliver()
    assert (await story.verify(story.postbox.token(BOB))).status_code == 200
    assert len(story.postbox.to(CAROL)) == 1


ACCOUNT = """
    INSERT INTO auth.users (id, password_hash) VALUES (gen_random_uuid(), '');
    INSERT INTO auth.identities (id, user_id, kind, value, display)
    SELECT gen_random_uuid(), id, 'email', 'ada@example.com', 'ada@example.com' FROM auth.users
"""
INVITATION = """
    INSERT INTO auth.users (id, password_hash) VALUES (gen_random_uuid(), '');
    INSERT INTO auth.organizations (id, name) VALUES (gen_random_uuid(), 'Acme');
    INSERT INTO auth.invitations (id, organization_id, email_value, email, role, invited_by, expires_at)
    SELECT gen_random_uuid(), o.id, 'ada@example.com', 'ada@example.com', 'editor', u.id, now()
    FROM auth.users AS u, auth.organizations AS o
"""


@pytest.mark.parametrize("rows", [ACCOUNT, INVITATION], ids=["accounts", "invitations"])
async def test_addresses_that_lie_in_clear_are_not_lost_by_the_migration(rows: str, databases: Databases) -> None:
    """Also those of an organization, which the owner of the table does not see."""
    place = await databases.empty()
    await provision(place.admin_url, {"auth": place.password}, role_prefix=place.role_prefix)
    files, roles = all_of("auth", migrations), place.roles("auth")
    await migrate(place.admin_url, roles, [each for each in files if not _seals(each)])
    connection = await asyncpg.connect(place.admin_url)
    try:
        await connection.execute(f"SET search_path = auth, kit; {rows}")
        with pytest.raises(BadMigration, match=r"0007.*nothing was changed.*make clean-data"):
            await migrate(place.admin_url, roles, files)
        held = "SELECT value FROM auth.identities UNION ALL SELECT email_value FROM auth.invitations"
        assert await connection.fetchval(held) == "ada@example.com"
        forced = "SELECT relforcerowsecurity FROM pg_class WHERE oid = 'auth.invitations'::regclass"
        assert await connection.fetchval(forced)
        await connection.execute("TRUNCATE auth.users, auth.organizations CASCADE")
        assert [each.number for each in await migrate(place.admin_url, roles, files)][:1] == [7]
        assert await connection.fetchval(forced)
    finally:
        await connection.close()


def _seals(migration: Migration) -> bool:
    return migration.origin == "auth" and migration.number >= 7

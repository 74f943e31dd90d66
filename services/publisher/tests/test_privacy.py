"""A user is handed over, and forgotten: every table that the data map names, every column."""

from collections.abc import AsyncIterator
from itertools import count

import asyncpg
import orjson
import pytest

from contracts.publisher import AccountDisconnected
from kit.db.database import Database
from kit.db.migrate import BadMigration, Migration, all_of, migrate
from kit.db.provision import provision
from kit.ids import new_id
from kit.privacy.answering import LEASE
from kit.privacy.person import Person
from kit.testing.databases import Databases, TestDatabase
from kit.testing.handing_over import by_table
from kit.testing.mortal import Died, Mortal
from publisher import migrations

from .lives import ACCOUNTS, MAP, NAMING, Asking, Life, decide, live, photograph, rows
from .story import Story

NUMBERS = count(1)


@pytest.fixture
async def database(place: TestDatabase) -> AsyncIterator[Database]:
    opened = await Mortal.open(place.url("publisher"), name="publisher test", pool_size=8, acquire_within=20)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
def asking(story: Story) -> Asking:
    return Asking(story)


def user() -> Person:
    return Person("user", new_id())


def about_users() -> set[str]:
    """Tables that the data map says lead to users."""
    return {name for name, table in MAP.tables.items() if any(subject == "user" for subject, _ in table.leads)}


async def two_users_in_two_organizations(story: Story) -> tuple[list[Life], list[Life]]:
    """Ada's and Bob's lives; each has decided on a post of the other in each organization, and Ada on one of hers."""
    ada, bob, places = user(), user(), (new_id(), new_id())
    hers = [await live(story, ada, organization_id, next(NUMBERS)) for organization_id in places]
    his = [await live(story, bob, organization_id, next(NUMBERS)) for organization_id in places]
    pairs = list(zip(hers, his, strict=True))
    await decide(story, *pairs, *((his, hers) for hers, his in pairs), (hers[0], hers[0]))
    return hers, his


def in_hexadecimal(text: str) -> str:
    return text.encode().hex()


def test_every_table_that_leads_to_a_user_has_a_holding(story: Story) -> None:
    held = {name for holding in story.made.holdings.holdings for name in holding.tables}
    assert held == about_users()


async def test_all_that_is_kept_of_a_user_is_handed_over_and_nothing_of_others(story: Story, asking: Asking) -> None:
    hers, his = await two_users_in_two_organizations(story)
    ada = hers[0].user
    export_id = await asking.export(ada)
    await asking.work()
    lines = await asking.lines(ada, export_id)
    found = by_table(lines)
    assert not about_users() - found.keys()
    (answer,) = await asking.handed_over(export_id)
    assert (answer.attempt, answer.version, answer.organization_id) == (1, 1, None)
    assert answer.pieces == len(asking.collected.pieces)
    assert {name: rows for name, rows in answer.rows.items() if rows} == {name: len(found[name]) for name in found}
    accounts = {each["id"]: each for each in found["connected_accounts"]}
    assert accounts.keys() == {account for life in hers for account in (life.account, life.page)}
    for life in hers:
        name, handle = life.markers
        shown = accounts[life.account]
        assert (shown["name"], shown["external_id"]) == (name, f"urn:li:person:{handle}")
        assert (shown["platform"], shown["kind"], "openid" in shown["scopes"]) == ("linkedin", "member", True)
    posts = {each["id"]: each for each in found["posts"]}
    assert {life.draft for life in hers} | {life.waiting for life in hers} < posts.keys()
    assert posts[hers[0].draft]["text"].startswith("words of ")
    deliveries = found["deliveries"]
    assert {each["text"] for each in deliveries if each["post_id"] == hers[0].draft} == {
        posts[hers[0].draft]["text"].replace("words", "others")
    }
    assert sorted(each["post_id"] in posts for each in deliveries if each["resolved_by_them"]) == [False, False, True]
    assert len({each["id"] for each in deliveries}) == len(deliveries)
    assert [each["used_at"] is None for each in found["connections"]].count(True) == len(hers)
    assert len(found["idempotency_keys"]) == len(hers)
    whole = orjson.dumps(lines).decode()
    tokens = (await story.linkedin.http.get("/linkedin/control/tokens")).json()
    secrets = {each[name] for each in tokens for name in ("access_token", "refresh_token") if each[name]}
    assert secrets
    for foreign in secrets | {marker for life in his for marker in life.markers}:
        assert foreign not in whole, foreign
    assert str(his[0].user.id) not in whole


@pytest.mark.parametrize("way", ["erase", "anonymise"])
async def test_after_an_erasure_nothing_leads_to_the_user_and_others_are_as_before(
    story: Story, asking: Asking, way: str
) -> None:
    hers, his = await two_users_in_two_organizations(story)
    ada, organizations = hers[0].user, [life.organization_id for life in hers]
    before, handles = await photograph(story), await handles_of(story, hers)
    for name in about_users():
        assert any(str(ada.id) in row for row in before[name]) or name.startswith("deliver"), (
            f"let a life fill {name}"
        )
    erasure_id = await asking.erasure(ada, way)
    await asking.work()
    after = await photograph(story)

    assert await asking.rows_of(ada, *organizations) == {}
    for name, found in after.items():
        for row in found:
            assert name in NAMING or str(ada.id) not in row, name
            for marker in (each for life in hers for each in life.markers):
                assert marker not in row, name
                assert in_hexadecimal(marker) not in row, name
    for name in before.keys() - NAMING - {"processed_messages", "deliveries", "media", "posts"}:
        for row in before[name] - after[name]:
            assert any(handle in row for handle in handles), f"something of another is gone from {name}"
    for sql in (
        "SELECT id, text, status, publish_at, created_by FROM posts WHERE created_by IS NOT NULL",
        "SELECT id, text, status, external_id, resolved_by FROM deliveries WHERE resolved_by IS NOT NULL",
    ):
        assert {row[-1] for row in await rows(story, sql)} == {his[0].user.id}

    (answer,) = await asking.erased(erasure_id)
    assert (answer.outcome, answer.kept, answer.organization_id) == ("done", {}, None)
    kept = dict.fromkeys(("handovers", "post_imports", "publishing_stops", "recurrences"), 2)
    assert answer.anonymised == {"connected_accounts": 4, "deliveries": 3, "media": 2, "posts": 7} | kept
    assert answer.removed["connections"] == 6
    assert answer.removed["idempotency_keys"] == 2
    assert answer.removed == {
        name: sum((before[name] - after[name]).values()) for name in answer.removed if answer.removed[name]
    }
    assert sorted(answer.keys) == sorted(f"{life.organization_id}/account:{life.account}" for life in hers)


async def handles_of(story: Story, lives: list[Life]) -> set[str]:
    """By what a row of theirs is known: their ids, and those of what belongs to them alone."""
    user_id = lives[0].user.id
    own = "SELECT id, tokens_id FROM connected_accounts WHERE connected_by = $1"
    found = {str(each) for row in await rows(story, own, user_id) for each in row}
    found |= {str(row["id"]) for row in await rows(story, "SELECT id FROM connections WHERE user_id = $1", user_id)}
    effects = "SELECT id FROM ledger_entries WHERE subject_id = ANY ($1::uuid[])"
    found |= {str(row["id"]) for row in await rows(story, effects, list(found))}
    return found | {str(user_id)}


async def test_what_is_shown_names_nobody_and_its_version_rises(story: Story, asking: Asking) -> None:
    hers, his = await two_users_in_two_organizations(story)
    life, colleague = hers[0], his[0].client
    page = (await colleague.get(f"{ACCOUNTS}/{life.page}")).json()
    posts = {each["id"]: each for each in (await colleague.get("/v1/posts?limit=100")).json()["items"]}
    assert page["connected_by"] == posts[life.draft]["created_by"] == str(life.user.id)
    told = len(await story.told_of(life.organization_id))
    await asking.erasure(life.user)
    await asking.work()

    now = (await colleague.get(f"{ACCOUNTS}/{life.page}")).json()
    assert now == page | {"connected_by": None, "version": page["version"] + 1, "changed_at": now["changed_at"]}
    assert (await colleague.get(f"{ACCOUNTS}/{life.account}")).status_code == 404
    still = {each["id"]: each for each in (await colleague.get("/v1/posts?limit=100")).json()["items"]}
    assert still.keys() == posts.keys()
    changed = [each for each in posts if still[each] != posts[each]]
    assert {posts[each]["created_by"] for each in changed} == {str(life.user.id), str(his[0].user.id)}
    for each in changed:
        assert still[each]["version"] > posts[each]["version"]
        assert still[each]["text"] == posts[each]["text"]
        assert {one["resolved_by"] for one in still[each]["deliveries"]} <= {None, str(his[0].user.id)}
    assert {still[each]["created_by"] for each in changed} == {None, str(his[0].user.id)}
    (waiting,) = still[life.waiting]["deliveries"]
    assert waiting["status"] == "scheduled"
    assert waiting["reason"].startswith("The account was forgotten")
    events = (await story.told_of(life.organization_id))[told:]
    assert [type(event) for event in events] == [AccountDisconnected]
    (event,) = events
    assert isinstance(event, AccountDisconnected)
    assert (str(event.account_id), event.waiting) == (life.account, 1)


async def test_an_account_that_was_forgotten_is_another_one_when_it_is_connected_again(
    story: Story, asking: Asking
) -> None:
    life = await live(story, user(), new_id(), next(NUMBERS))
    async with story.database.transaction(life.organization_id) as tx:  # as compliance does when all have answered
        await asking.erasure(life.user)
        await asking.work()
        await asking.keyring.shred(tx, life.organization_id, f"account:{life.account}")
    colleague = story.client(life.organization_id)
    again = await story.connect(colleague, "member", life.markers[1])
    assert again != life.account
    shown = (await colleague.get(f"{ACCOUNTS}/{again}")).json()
    assert (shown["name"], shown["health"]) == (life.markers[0], "connected")


async def test_an_account_that_a_colleague_connected_meanwhile_is_not_the_users_any_more(
    story: Story, asking: Asking
) -> None:
    life = await live(story, user(), new_id(), next(NUMBERS))
    colleague = story.client(life.organization_id)
    assert await story.connect(colleague, "member", life.markers[1]) == life.account
    await asking.erasure(life.user)
    await asking.work()
    assert (await colleague.get(f"{ACCOUNTS}/{life.account}")).json()["health"] == "connected"


async def test_a_disconnected_account_is_forgotten_like_any_other(story: Story, asking: Asking) -> None:
    life = await live(story, user(), new_id(), next(NUMBERS))
    assert (await life.client.delete(f"{ACCOUNTS}/{life.account}")).status_code == 200
    told = len(await story.told_of(life.organization_id))
    erasure_id = await asking.erasure(life.user)
    await asking.work()
    (answer,) = await asking.erased(erasure_id)
    assert answer.keys == [f"{life.organization_id}/account:{life.account}"]
    assert len(await story.told_of(life.organization_id)) == told
    assert not any(life.markers[0] in row for found in (await photograph(story)).values() for row in found)


async def test_a_consent_under_way_connects_nothing_once_the_user_was_forgotten(story: Story, asking: Asking) -> None:
    person, organization_id = user(), new_id()
    client = story.client(organization_id, sub=str(person.id))
    back = await story.consent(client)
    await asking.erasure(person)
    await asking.work()
    answer = await client.get(back)
    assert "problem=state-unknown" in answer.headers["location"]
    assert await rows(story, "SELECT FROM connected_accounts") == []


async def test_a_code_that_is_being_exchanged_is_waited_for(story: Story, asking: Asking) -> None:
    life = await live(story, user(), new_id(), next(NUMBERS))
    calling = """
        UPDATE ledger_entries SET status = $1, leased_until = now() + interval '1 hour'
        WHERE kind = 'publisher.code_exchange' AND status = $2
    """
    await rows(story, calling, "calling", "done")
    erasure_id = await asking.erasure(life.user)
    await asking.work()
    assert await asking.erased(erasure_id) == []
    await rows(story, calling, "done", "calling")
    await asking.through(erasure_id)
    assert await asking.rows_of(life.user, life.organization_id) == {}


@pytest.mark.parametrize("first", range(1, 5))
async def test_killed_at_any_step_it_goes_on_and_the_counts_are_right(
    story: Story, asking: Asking, database: Mortal, first: int
) -> None:
    """Each statement, commit and answer of a commit is once the last thing that the worker does, a quarter here."""
    died, step = True, first - 4
    while died:
        step += 4
        life = await live(story, user(), new_id(), next(NUMBERS))
        erasure_id = await asking.erasure(life.user)
        database.live_for(step)
        try:
            await asking.work()
            died = False
        except Died:
            pass
        database.live_for(None)
        await story.forward(seconds=LEASE.total_seconds() + 1)
        await asking.through(erasure_id)
        (answer,) = await asking.erased(erasure_id)
        assert answer.version == 1
        kept = dict.fromkeys(("handovers", "post_imports", "publishing_stops", "recurrences"), 1)
        assert answer.anonymised == {"connected_accounts": 2, "media": 1, "posts": 2} | kept
        assert answer.keys == [f"{life.organization_id}/account:{life.account}"]
        removed = {name: rows for name, rows in answer.removed.items() if rows}
        assert removed == {"connections": 3, "idempotency_keys": 1, "ledger_attempts": 2, "ledger_entries": 3}
        assert await asking.rows_of(life.user, life.organization_id) == {}
        told = [
            event for event in await story.told_of(life.organization_id) if isinstance(event, AccountDisconnected)
        ]
        assert len(told) == 1
    assert step > 30


async def test_killed_at_any_step_an_export_is_whole_in_the_attempt_that_is_told(
    story: Story, asking: Asking, database: Mortal
) -> None:
    life = await live(story, user(), new_id(), next(NUMBERS))
    died, step = True, 0
    while died:
        step += 1
        export_id = await asking.export(life.user)
        database.live_for(step)
        try:
            await asking.work()
            died = False
        except Died:
            pass
        database.live_for(None)
        await story.forward(seconds=LEASE.total_seconds() + 1)
        await asking.work()
        (answer,) = await asking.handed_over(export_id)
        found = by_table(await asking.lines(life.user, export_id, answer.attempt))
        assert {name: len(found[name]) for name in about_users()} == {
            "connected_accounts": 2,
            "connections": 3,
            "deliveries": 2,
            "delivery_steps": 1,
            "idempotency_keys": 1,
            "media": 1,
            "handovers": 1,
            "post_imports": 1,
            "posts": 2,
            "publishing_stops": 1,
            "recurrences": 1,
        }
    assert step > 20


async def test_more_than_a_batch_goes_step_by_step(story: Story, asking: Asking) -> None:
    life = await live(story, user(), new_id(), next(NUMBERS))
    await rows(
        story,
        """
        INSERT INTO posts (id, organization_id, text, status, created_by)
        SELECT gen_random_uuid(), $1, 'x', 'draft', $2 FROM generate_series(1, 2500)
        """,
        life.organization_id,
        life.user.id,
    )
    export_id, erasure_id = await asking.export(life.user), await asking.erasure(life.user)
    await asking.work()
    (handed_over,), (answer,) = await asking.handed_over(export_id), await asking.erased(erasure_id)
    assert handed_over.rows["posts"] == answer.anonymised["posts"] == 2502


async def test_people_whom_nobody_knows_here_are_answered_for(story: Story, asking: Asking) -> None:
    life = await live(story, user(), new_id(), next(NUMBERS))
    before = await photograph(story)
    for person in (user(), Person("contact", new_id(), life.organization_id)):
        export_id, erasure_id = await asking.export(person), await asking.erasure(person)
        await asking.work()
        (handed_over,), (answer,) = await asking.handed_over(export_id), await asking.erased(erasure_id)
        assert (handed_over.pieces, answer.outcome, answer.anonymised) == (0, "done", {})
        assert not any(answer.removed.values())
    after = await photograph(story)
    for name in before.keys() - NAMING - {"processed_messages", "seal_keys"}:
        assert after[name] == before[name], name


async def test_a_second_erasure_finds_nothing(story: Story, asking: Asking) -> None:
    life = await live(story, user(), new_id(), next(NUMBERS))
    await asking.erasure(life.user)
    await asking.work()
    again = await asking.erasure(life.user, "anonymise")
    await asking.work()
    (answer,) = await asking.erased(again)
    assert (answer.outcome, answer.anonymised, answer.keys) == ("done", {}, [])


async def test_nothing_but_who_decided_can_change_on_what_is_published(story: Story) -> None:
    life = await live(story, user(), new_id(), next(NUMBERS))
    await decide(story, (life, life))
    for change in (
        "resolved_by = NULL, text = 'other words'",
        "resolved_by = gen_random_uuid()",
        "external_id = 'x', resolved_by = NULL",
    ):
        with pytest.raises(asyncpg.RaiseError, match="does not change"):
            await rows(story, f"UPDATE deliveries SET {change} WHERE status = 'published'")


async def test_an_account_has_one_hash_in_each_organization_and_a_page_the_same_in_all(story: Story) -> None:
    """So that copies of the rows do not tell who is in two organizations."""
    ours, theirs = story.client(new_id()), story.client(new_id())
    for client in (ours, theirs):
        for what in ("member", "organization"):
            await story.connect(client, what)
    found = await rows(story, "SELECT kind, count(DISTINCT external_blind) FROM connected_accounts GROUP BY kind")
    assert {row["kind"]: row["count"] for row in found} == {"member": 2, "organization": 1}


async def test_a_name_does_not_open_in_another_row_nor_for_another_organization(story: Story) -> None:
    organization_id = new_id()
    await story.connect(story.client(organization_id), "member")
    (row,) = await rows(story, "SELECT id, name_sealed FROM connected_accounts")
    seal = story.made.accounts.seal
    assert await seal.open(organization_id, row["id"], {"name_sealed": row["name_sealed"]}) == ("Ann Example",)
    for organization, account, column in (
        (organization_id, new_id(), "name_sealed"),
        (organization_id, row["id"], "external_sealed"),
        (new_id(), row["id"], "name_sealed"),
    ):
        assert await seal.open(organization, account, {column: row["name_sealed"]}) == (None,)


async def test_a_list_of_accounts_opens_all_names_with_one_look_up(
    story: Story, asking: Asking, database: Mortal
) -> None:
    organization_id = new_id()
    client = story.client(organization_id)
    await story.grant(organization_id, connected_accounts=None, posts_per_month=None, storage_mb=None)
    steps = []
    for number in (1, 6):
        for _ in range(number):
            handle = f"p{next(NUMBERS)}"
            (
                await story.linkedin.http.post("/linkedin/control/people", json={"id": handle, "name": handle})
            ).raise_for_status()
            await story.connect(client, "member", handle)
        asking.keyring.evict(organization_id)
        database.live_for(None)
        assert len((await client.get(ACCOUNTS)).json()["items"]) >= number
        steps.append(database.steps)
    assert steps[0] == steps[1]


async def test_names_that_lie_in_clear_are_not_lost_by_the_migration(databases: Databases) -> None:
    """Also those of an organization, which the owner of the table does not see."""
    place = await databases.empty()
    await provision(place.admin_url, {"publisher": place.password}, role_prefix=place.role_prefix)
    files, roles = all_of("publisher", migrations), place.roles("publisher")
    await migrate(place.admin_url, roles, [each for each in files if not _seals(each)])
    connection = await asyncpg.connect(place.admin_url)
    try:
        await connection.execute(
            """
            SET search_path = publisher, kit;
            INSERT INTO connected_accounts
                (id, organization_id, platform, kind, external_id, name, scopes, state, connected_by, tokens_id)
            SELECT id, id, 'linkedin', 'member', 'urn:li:person:ann', 'Ann', '{}', 'connected', id, id
            FROM gen_random_uuid() AS id
            """
        )
        with pytest.raises(BadMigration, match=r"0005.*nothing was changed.*make clean-data"):
            await migrate(place.admin_url, roles, files)
        assert await connection.fetchval("SELECT name FROM publisher.connected_accounts") == "Ann"
        forced = "SELECT relforcerowsecurity FROM pg_class WHERE oid = 'publisher.connected_accounts'::regclass"
        assert await connection.fetchval(forced)
        await connection.execute("TRUNCATE publisher.connected_accounts CASCADE")
        assert [each.number for each in await migrate(place.admin_url, roles, files)][:1] == [5]
        assert await connection.fetchval(forced)
    finally:
        await connection.close()


def _seals(migration: Migration) -> bool:
    return migration.origin == "publisher" and migration.number >= 5

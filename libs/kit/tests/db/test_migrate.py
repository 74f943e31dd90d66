import asyncio
from dataclasses import replace

import asyncpg
import pytest

from kit.db.describe import describe
from kit.db.migrate import BadMigration, Migration, MigrationBusy, all_of, migrate
from kit.db.provision import provision
from kit.db.roles import ServiceRoles
from kit.db.tenancy import escapes, tenant_free
from kit.testing import sample
from kit.testing.databases import PREFIX, Databases, TestDatabase

ROLES = ServiceRoles("sample", PREFIX)


@pytest.fixture
async def blank(databases: Databases) -> TestDatabase:
    made = await databases.empty()
    await provision(made.admin_url, {"sample": "test"}, role_prefix=PREFIX)
    return made


async def test_databases_of_one_server_are_provisioned_at_once_though_they_share_their_roles(
    databases: Databases,
) -> None:
    made = [await databases.empty() for _ in range(4)]
    for _ in range(5):
        await asyncio.gather(*(provision(each.admin_url, {"sample": "test"}, role_prefix=PREFIX) for each in made))


async def test_each_file_is_applied_once_by_however_many_starts_at_once(blank: TestDatabase) -> None:
    files = all_of("sample", sample)
    applied = await asyncio.gather(*(migrate(blank.admin_url, ROLES, files) for _ in range(4)))
    assert sorted(len(each) for each in applied) == [0, 0, 0, len(files)]


async def test_a_changed_file_is_refused_by_name(blank: TestDatabase) -> None:
    files = all_of("sample", sample)
    await migrate(blank.admin_url, ROLES, files)
    files[-1] = replace(files[-1], sql=files[-1].sql + "-- changed")
    with pytest.raises(BadMigration, match=r"sample/0001_notes was changed"):
        await migrate(blank.admin_url, ROLES, files)


async def test_a_failing_file_leaves_nothing_of_itself(blank: TestDatabase) -> None:
    files = all_of("sample", sample)
    bad = Migration("sample", 2, "bad", "CREATE TABLE half (x int); SELECT 1/0;")
    with pytest.raises(BadMigration, match="sample/0002_bad"):
        await migrate(blank.admin_url, ROLES, [*files, bad])
    connection = await asyncpg.connect(blank.admin_url)
    assert await connection.fetchval("SELECT to_regclass('sample.half')") is None
    await connection.close()


async def test_a_locked_table_gives_up_in_words_and_a_concurrent_index_needs_no_transaction(
    blank: TestDatabase,
) -> None:
    files = all_of("sample", sample)
    await migrate(blank.admin_url, ROLES, files)
    index = Migration("sample", 2, "index", "-- no transaction\nCREATE INDEX CONCURRENTLY notes_text ON notes (text)")
    assert await migrate(blank.admin_url, ROLES, [*files, index]) == [index]


async def test_the_lock_is_polled_and_its_wait_is_bounded(blank: TestDatabase) -> None:
    holder = await asyncpg.connect(blank.admin_url)
    await migrate(blank.admin_url, ROLES, [])
    try:
        import hashlib

        key = int.from_bytes(hashlib.sha256(b"migrate sample").digest()[:8], signed=True)
        await holder.execute("SELECT pg_advisory_lock($1)", key)
        with pytest.raises(MigrationBusy):
            await migrate(blank.admin_url, ROLES, [], lock_within=0.4)
    finally:
        await holder.close()


async def test_a_backfill_sees_rows_only_through_an_explicit_policy(blank: TestDatabase) -> None:
    files = all_of("sample", sample)
    await migrate(blank.admin_url, ROLES, files)
    admin = await asyncpg.connect(blank.admin_url)
    await admin.execute("INSERT INTO sample.notes (id, organization_id) SELECT gen_random_uuid(), gen_random_uuid()")
    blind = Migration("sample", 2, "blind", "UPDATE notes SET text = 'filled'")
    seeing = Migration(
        "sample",
        3,
        "seeing",
        "CREATE POLICY backfill ON notes TO :owner USING (true); UPDATE notes SET text = 'filled'; "
        "DROP POLICY backfill ON notes",
    )
    await migrate(blank.admin_url, ROLES, [*files, blind])
    assert await admin.fetchval("SELECT text FROM sample.notes") == ""
    await migrate(blank.admin_url, ROLES, [*files, blind, seeing])
    assert await admin.fetchval("SELECT text FROM sample.notes") == "filled"
    await admin.close()


async def test_no_table_escapes_its_tenant_and_each_way_out_is_named(place: TestDatabase) -> None:
    connection = await asyncpg.connect(place.admin_url)
    free = tenant_free(sample)
    assert await escapes(connection, ROLES, free) == []
    await connection.execute(
        f"""
        SET search_path = sample;
        CREATE TABLE bare (x int);
        CREATE TABLE unforced (x int); ALTER TABLE unforced ENABLE ROW LEVEL SECURITY;
        CREATE TABLE unbound (x int); ALTER TABLE unbound ENABLE ROW LEVEL SECURITY;
        ALTER TABLE unbound FORCE ROW LEVEL SECURITY;
        CREATE TABLE stolen (x int); ALTER TABLE stolen OWNER TO "{ROLES.app}";
        CREATE FUNCTION anyone() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
        """
    )
    words = "\n".join(await escapes(connection, ROLES, {**free, "ghost": "is not there"}))
    for part in (
        "bare has no",
        "unforced does not force",
        "unbound has no policy",
        "stolen is owned",
        "ghost is listed",
    ):
        assert part in words
    await connection.close()


async def test_the_organizations_of_a_transaction_are_read_once_per_statement(place: TestDatabase) -> None:
    """Once per row, inserting rows of a hundred organizations takes ten times as long."""
    connection = await asyncpg.connect(place.url("sample"))
    await connection.execute("BEGIN; SET LOCAL app.orgs = '{}'")
    statements = (
        "INSERT INTO notes (id, organization_id) SELECT gen_random_uuid(), gen_random_uuid()",
        "UPDATE ledger_entries SET attempt = 1",
        "SELECT * FROM outgoing_mails",
        "SELECT * FROM seal_keys",
    )
    for statement in statements:
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN (VERBOSE) {statement}"))
        assert "InitPlan" in plan, plan
    await connection.close()


async def test_a_schema_is_described_without_the_names_of_this_installation(place: TestDatabase) -> None:
    connection = await asyncpg.connect(place.admin_url)
    text = await describe(connection, ROLES)
    await connection.close()
    assert "CREATE POLICY tenant ON notes FOR ALL TO sample_app" in text
    assert "-- owner: sample_loops" in text
    assert PREFIX not in text

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from contracts import decode
from contracts.auth import OrganizationCreated
from contracts.event import Event
from kit.db.database import CommitRefused, Database, DatabaseBusy, DatabaseUnavailable, Transaction
from kit.db.provision import move_clock
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.proxy import proxied

ADD = "INSERT INTO notes (id, organization_id, text) VALUES ($1, $2, $3)"


async def note(database: Database, organization: UUID, text: str = "") -> UUID:
    async with database.transaction(organization) as tx:
        note_id = new_id()
        await tx.execute(ADD, note_id, organization, text)
    return note_id


def fact(version: int = 1) -> OrganizationCreated:
    return OrganizationCreated(organization_id=new_id(), version=version, created_by=new_id())


async def test_a_transaction_sees_only_the_rows_of_its_organization_even_without_a_where(database: Database) -> None:
    ours, theirs = new_id(), new_id()
    await note(database, ours, "ours")
    await note(database, theirs, "theirs")
    async with database.transaction(ours) as tx:
        assert [row["text"] for row in await tx.fetch("SELECT text FROM notes")] == ["ours"]
        assert await tx.execute("UPDATE notes SET text = 'changed'") == 1
        assert await tx.execute("DELETE FROM notes WHERE text = 'theirs'") == 0
    async with database.transaction(theirs) as tx:
        assert [row["text"] for row in await tx.fetch("SELECT text FROM notes")] == ["theirs"]


async def test_a_row_of_another_organization_cannot_be_written(database: Database) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(new_id()) as tx:
            await tx.execute(ADD, new_id(), new_id(), "smuggled")


async def test_a_transaction_bound_to_several_organizations_sees_those_and_no_third(database: Database) -> None:
    first, second, third = new_id(), new_id(), new_id()
    for organization in (first, second, third):
        await note(database, organization)
    async with database.transaction(first, second) as tx:
        assert {row["organization_id"] for row in await tx.fetch("SELECT organization_id FROM notes")} == {
            first,
            second,
        }
        with pytest.raises(LookupError):
            _ = tx.organization_id


async def test_without_an_organization_tenant_tables_refuse_to_answer(database: Database) -> None:
    await note(database, new_id())
    with pytest.raises(asyncpg.PostgresError):
        async with database.transaction() as tx:
            await tx.fetch("SELECT * FROM notes")


async def test_the_binding_ends_with_the_transaction(database: Database) -> None:
    ours = new_id()
    for _ in range(8):
        await note(database, ours)
        with pytest.raises(asyncpg.PostgresError):
            async with database.transaction() as tx:
                await tx.fetch("SELECT * FROM notes")


async def test_another_services_role_can_read_neither_schema_nor_functions(place: TestDatabase) -> None:
    admin = await asyncpg.connect(place.admin_url)
    await admin.execute("CREATE SCHEMA other; CREATE TABLE other.secrets (x int)")
    await admin.close()
    stranger = await asyncpg.connect(place.url("sample"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await stranger.fetch("SELECT * FROM other.secrets")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await stranger.execute("CREATE TABLE public.mine (x int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await stranger.execute("UPDATE kit.clock SET ahead_by = '1 day'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await stranger.execute(f'SET ROLE "{place.roles("sample").owner}"')
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await stranger.execute("ALTER TABLE notes DISABLE ROW LEVEL SECURITY")
    finally:
        await stranger.close()


async def test_only_the_named_function_looks_across_tenants(database: Database) -> None:
    await note(database, new_id())
    await note(database, new_id())
    async with database.transaction(new_id()) as tx:
        assert await tx.fetchval("SELECT count(*) FROM notes") == 0
        assert await tx.fetchval("SELECT count_all_notes()") == 2


async def test_events_leave_with_the_commit_and_not_without(database: Database) -> None:
    woken: list[int] = []
    database.emitted = lambda: woken.append(1)
    organization = new_id()
    async with database.transaction(organization) as tx:
        await tx.emit(fact(), OrganizationCreated(version=2, created_by=new_id()))
    with pytest.raises(ZeroDivisionError):
        async with database.transaction(organization) as tx:
            await tx.emit(fact())
            raise ZeroDivisionError
    async with database.transaction() as tx:
        rows = await tx.fetch("SELECT id, type, organization_id, body FROM outbox ORDER BY id")
    assert len(rows) == 2
    assert len(woken) == 1
    second = decode(rows[1]["body"])
    assert second.organization_id == organization == rows[1]["organization_id"]
    assert (second.id, second.type, second.version) == (rows[1]["id"], rows[1]["type"], 2)


async def test_events_say_whom_they_are_for_before_they_leave(database: Database) -> None:
    async def addressed(tx: Transaction, facts: Sequence[Event]) -> Sequence[Event]:
        version: int = await tx.fetchval("SELECT 41")
        return [each.model_copy(update={"version": version + each.version}) for each in facts]

    database.addressed = addressed
    async with database.transaction() as tx:
        await tx.emit(fact())
    async with database.transaction() as tx:
        (row,) = await tx.fetch("SELECT body FROM outbox")
    assert decode(row["body"]).version == 42


async def test_transactions_begin_with_what_narrows_them(database: Database) -> None:
    told = ["SELECT set_config('app.shown', 'less', true)", ""]
    database.narrowed = lambda: told[0]
    async with database.transaction(new_id()) as one, database.snapshot(new_id()) as other:
        assert [await tx.fetchval("SELECT current_setting('app.shown')") for tx in (one, other)] == ["less"] * 2
    told.pop(0)
    async with database.transaction(new_id()) as tx:
        assert not await tx.fetchval("SELECT current_setting('app.shown', true)")


async def test_one_statement_inserts_the_row_and_its_event_under_row_level_security(database: Database) -> None:
    organization, note_id = new_id(), new_id()
    insert = """
        INSERT INTO notes (id, organization_id, text) SELECT $1, $2, $3 FROM tenant
        ON CONFLICT DO NOTHING RETURNING id, text
    """
    row = await database.insert_emitting(organization, insert, note_id, organization, "hot", event=fact())
    assert row is not None
    assert row["text"] == "hot"
    assert await database.insert_emitting(organization, insert, note_id, organization, "again", event=fact()) is None
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.insert_emitting(organization, insert, new_id(), new_id(), "smuggled", event=fact())
    async with database.transaction(organization) as tx:
        assert await tx.fetchval("SELECT count(*) FROM outbox") == 1
        assert await tx.fetchval("SELECT count(*) FROM notes") == 1


async def test_only_a_transaction_that_says_so_does_not_wait_for_the_disk(place: TestDatabase) -> None:
    await place.ask("sample", f'ALTER DATABASE "{place.name}" RESET synchronous_commit')
    database = await Database.open(place.url("sample"), name="test", pool_size=4, acquire_within=30)
    try:
        await it_waits_unless_told_otherwise(database)
    finally:
        await database.close()
        await place.ask("sample", f'ALTER DATABASE "{place.name}" SET synchronous_commit = off')


async def it_waits_unless_told_otherwise(database: Database) -> None:
    organization = new_id()
    async with database.transaction(organization, durable=False) as tx:
        await tx.execute(ADD, new_id(), organization, "perhaps")
        assert await tx.fetchval("SHOW synchronous_commit") == "off"
    for _ in range(database.use().size):
        async with database.transaction(organization) as tx:
            assert await tx.fetchval("SHOW synchronous_commit") == "on"
            assert await tx.fetchval("SELECT count(*) FROM notes") == 1


async def test_transactions_under_one_number_go_one_after_the_other(database: Database) -> None:
    """Also after one that was given up while it waited; those under another number wait for nobody."""
    order: list[str] = []

    async def second() -> None:
        async with database.transaction(alone=-7):
            order.append("second")

    async with database.transaction(alone=-7):
        waiting, given_up = asyncio.create_task(second()), asyncio.create_task(second())
        async with database.transaction(alone=8):
            order.append("another")
        await asyncio.sleep(0.1)
        given_up.cancel()
        await asyncio.wait([given_up])
        order.append("first")
    await waiting
    async with database.transaction(alone=-7):
        order.append("later")
    assert given_up.cancelled()
    assert order == ["another", "first", "second", "later"]


async def test_a_snapshot_sees_one_moment_and_writes_nothing(database: Database) -> None:
    organization = new_id()
    count = "SELECT count(*) FROM notes"
    async with database.snapshot(organization) as seen:
        assert await seen.fetchval(count) == 0
        async with database.transaction(organization) as tx:
            await tx.execute(ADD, new_id(), organization, "meanwhile")
        assert await seen.fetchval(count) == 0
    async with database.snapshot(organization) as seen:
        assert await seen.fetchval(count) == 1
    with pytest.raises(DatabaseUnavailable):
        async with database.snapshot(organization) as seen:
            await seen.execute(ADD, new_id(), organization, "never")


async def test_a_failed_transaction_cannot_look_committed(database: Database) -> None:
    with pytest.raises(CommitRefused):
        async with database.transaction(new_id()) as tx:
            with pytest.raises(asyncpg.PostgresError):
                await tx.execute("SELECT 1/0")


async def test_an_exhausted_pool_answers_busy_instead_of_waiting_for_ever(place: TestDatabase) -> None:
    small = await Database.open(place.url("sample"), name="small", pool_size=1, acquire_within=0.05)
    try:
        async with small.transaction():
            with pytest.raises(DatabaseBusy):
                await small.now()
            assert small.use().in_use == 1
        assert await small.now()
    finally:
        await small.close()


async def test_how_long_somebody_waits_for_a_connection_is_told_and_a_crowd_that_is_served_is_no_wait(
    place: TestDatabase,
) -> None:
    small = await Database.open(place.url("sample"), name="small", pool_size=1, acquire_within=30)
    try:
        async with small.transaction():
            crowd = [asyncio.create_task(small.now()) for _ in range(20)]
            await asyncio.sleep(0.2)
            use = small.use()
            assert (use.waiting, use.waited >= 0.1) == (20, True)
        await asyncio.gather(*crowd)
        assert (small.use().waiting, small.use().waited) == (0, 0.0)
    finally:
        await small.close()


async def test_a_lost_connection_is_transient_and_the_pool_recovers(place: TestDatabase) -> None:
    server = place.admin_url.rsplit("@", 1)[-1].split("/", 1)[0]
    host, _, port = server.partition(":")
    async with proxied(host, int(port or 5432)) as proxy:
        url = place.url("sample").replace(server, f"127.0.0.1:{proxy.listening_on}")
        database = await Database.open(url, name="cut", pool_size=2, acquire_within=30)
        with pytest.raises(DatabaseUnavailable):
            async with database.transaction(new_id()) as tx:
                proxy.cut()
                await tx.fetch("SELECT 1")
        assert await database.now()
        await database.close()


async def test_a_server_that_is_not_there_is_said_plainly() -> None:
    with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
        await Database.open("postgresql://nobody@127.0.0.1:1/none", name="sample")


async def test_a_cancelled_transaction_leaves_nothing_behind(database: Database) -> None:
    organization = new_id()
    inside = asyncio.Event()

    async def slow() -> None:
        async with database.transaction(organization) as tx:
            await tx.execute(ADD, new_id(), organization, "half")
            inside.set()
            await tx.execute("SELECT pg_sleep(10)")

    task = asyncio.create_task(slow())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.transaction(organization) as tx:
        assert await tx.fetchval("SELECT count(*) FROM notes") == 0


async def test_a_commit_that_was_cancelled_leaves_no_open_transaction_in_the_pool(place: TestDatabase) -> None:
    server = place.admin_url.rsplit("@", 1)[-1].split("/", 1)[0]
    host, _, port = server.partition(":")
    organization = new_id()
    async with proxied(host, int(port or 5432)) as proxy:
        url = place.url("sample").replace(server, f"127.0.0.1:{proxy.listening_on}")
        database = await Database.open(url, name="cancelled", pool_size=1, acquire_within=30)
        try:
            held = proxy.hold("to_server", b"COMMIT")

            async def add() -> None:
                async with database.transaction(organization) as tx:
                    await tx.execute(ADD, new_id(), organization, "perhaps")

            task = asyncio.create_task(add())
            await held.reached.wait()
            task.cancel()
            held.release()
            with pytest.raises(asyncio.CancelledError):
                await task
            for _ in range(3):
                await note(database, organization, "surely")
            async with database.transaction(organization) as tx:
                assert await tx.fetchval("SELECT count(*) FROM notes WHERE text = 'surely'") == 3
        finally:
            await database.close()


async def test_a_transaction_left_open_does_not_leak_into_the_next(place: TestDatabase) -> None:
    database = await Database.open(place.url("sample"), name="left open", pool_size=1, acquire_within=30)
    organization = new_id()
    try:
        async with database._connection() as connection:
            await connection.execute("BEGIN; SET LOCAL app.orgs = '{}'")
        insert = "INSERT INTO notes (id, organization_id) SELECT $1, $2 FROM tenant RETURNING id"
        await database.insert_emitting(organization, insert, new_id(), organization, event=fact())
    finally:
        await database.close()
    admin = await asyncpg.connect(place.admin_url)
    assert await admin.fetchval("SELECT count(*) FROM sample.notes") == 1, "it was never committed"
    await admin.close()


async def test_one_knob_moves_the_time_of_sql_and_of_processes(database: Database, place: TestDatabase) -> None:
    before = await database.now()
    await move_clock(place.admin_url, 3600)
    await database.clock.synchronise()
    assert timedelta(minutes=59) < database.clock.now() - before < timedelta(minutes=61)
    assert timedelta(minutes=59) < await database.now() - before < timedelta(minutes=61)
    await move_clock(place.admin_url, None)
    assert await database.now() - before < timedelta(minutes=1)


async def test_the_outbox_age_is_that_of_the_oldest_event(database: Database, place: TestDatabase) -> None:
    assert await database.outbox_age() == 0
    before = await database.now()
    async with database.transaction() as tx:
        await tx.emit(fact())
    await move_clock(place.admin_url, 90)
    age = await database.outbox_age()
    assert 90 <= age <= (await database.now() - before).total_seconds()

"""How lines come to their places: whatever arrives twice, late, at once, or is interrupted."""

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance import migrations
from compliance.audit.keys import LogKeys
from compliance.audit.model import Wanted
from compliance.audit.repository import page_query
from compliance.audit.sequencing import Sequencer
from kit.db.database import Database
from kit.db.tenancy import escapes, tenant_free
from kit.errors import TransientError
from kit.ids import new_id
from kit.seal import Keyring, LocalMasterKey
from kit.testing.programs import eventually
from kit.testing.proxy import Hold, Proxy, proxied

from .trail import MASTER, ORIGIN, Trail

WANTED = [
    Wanted(),
    Wanted(action="auth.member.removed"),
    Wanted(actor_id=UUID(int=9)),
    Wanted(target_id="x"),
]


async def leaves(trail: Trail) -> list[dict[str, object]]:
    rows = await trail.ask("SELECT leaf FROM audit_entries ORDER BY position")
    return [json.loads(row["leaf"]) for row in rows]


async def test_the_same_line_twice_is_one_entry(trail: Trail) -> None:
    """In one batch, delivered again, replayed from history before and after it came into the log."""
    organization_id = new_id()
    line = trail.line(organization_id)
    await trail.hear(line, line)
    await trail.hear(line)
    await trail.hear(line, generation=1)
    await trail.sequence()
    await trail.hear(line, generation=2)
    await trail.hear(line, trail.line(organization_id), generation=3)
    await trail.sequence()
    assert [said["sequence"] for said in await leaves(trail)] == [1, 2]
    assert (await trail.checked(organization_id)).count == 2


async def test_the_same_id_in_two_organizations_is_two_entries(trail: Trail) -> None:
    """An emitter at fault cannot bring the log to a stand."""
    line = trail.line(new_id())
    other = trail.line(new_id()).model_copy(update={"id": line.id})
    await trail.hear(line)
    await trail.sequence()
    await trail.hear(other, generation=1)
    await trail.sequence()
    assert len(await leaves(trail)) == 2


async def test_lines_keep_the_order_in_which_they_arrived_and_the_time_at_which_they_were_done(trail: Trail) -> None:
    organization_id = new_id()
    lines = trail.lines(organization_id, 5)
    late = [lines[index] for index in (3, 0, 4, 1, 2)]
    await trail.hear(*late)
    await trail.sequence()
    said = await leaves(trail)
    assert [each["id"] for each in said] == [str(line.id) for line in late]
    assert [each["sequence"] for each in said] == [1, 2, 3, 4, 5]


async def test_lines_of_all_services_and_of_none_stand_in_one_log(trail: Trail) -> None:
    ours, theirs = new_id(), new_id()
    lines = [
        trail.line(ours, "billing.plan.changed"),
        trail.line(theirs, "inbox.channel.connected"),
        trail.line(None, "auth.user.registered"),
        trail.line(ours, "publisher.post.changed"),
        trail.line(ours, "compliance.key.destroyed"),
        trail.line(None, "auth.session.started"),
    ]
    await trail.hear(*lines)
    assert await trail.sequence() == 6
    numbers = [(each["action"], each["sequence"]) for each in await leaves(trail)]
    assert numbers == [
        ("billing.plan.changed", 1),
        ("inbox.channel.connected", 1),
        ("auth.user.registered", 1),
        ("publisher.post.changed", 2),
        ("compliance.key.destroyed", 3),
        ("auth.session.started", 2),
    ]


async def test_what_was_hashed_is_stored_and_never_made_anew(trail: Trail) -> None:
    """Times with microseconds, sorted names, nothing but ASCII: the form is frozen by this very text."""
    line = trail.line(new_id(), role="editor", seats=3, last=False)
    await trail.hear(line)
    await trail.sequence()
    (row,) = await trail.ask("SELECT leaf FROM audit_entries")
    at = line.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert row["leaf"].decode() == (
        f'{{"action":"auth.member.removed","actor_id":"{line.actor_id}","actor_kind":"user","at":"{at}",'
        f'"details":{{"last":false,"role":"editor","seats":3}},"id":"{line.id}",'
        f'"organization":"{line.organization_id}","request_id":null,"sequence":1,'
        f'"target_id":"{line.target_id}","target_kind":"member","v":1}}'
    )


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(st.integers(0, 2), max_size=40), min_size=1, max_size=5))
async def test_in_whatever_batches_lines_come_every_organizations_trail_is_whole(
    trail: Trail, batches: list[list[int]]
) -> None:
    organizations = [new_id(), new_id(), new_id()]
    for batch in batches:
        await trail.hear(*(trail.line(organizations[index]) for index in batch))
        await trail.sequence()
    for index, organization_id in enumerate(organizations):
        found = await trail.checked(organization_id)
        assert (found.count, found.whole) == (sum(batch.count(index) for batch in batches), True)


async def test_many_sequencers_at_once_write_one_log(trail: Trail, database: Database) -> None:
    """Lines arrive meanwhile; whoever does not get the turn passes."""
    ours, theirs = new_id(), new_id()
    keyring = Keyring(database, LocalMasterKey.from_text(MASTER))
    workers = [Sequencer(database, LogKeys(database, keyring, ORIGIN), batch=7, gather=0) for _ in range(3)]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    for _ in range(6):
        await trail.hear(*trail.lines(ours, 20))
        await trail.hear(*trail.lines(theirs, 15))

    async def all_in() -> bool:
        return (await trail.checkpoint()).size == 210

    try:
        await eventually(all_in)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    assert [(await trail.checked(each)).count for each in (ours, theirs)] == [120, 90]


async def test_processes_that_start_together_make_one_key(trail: Trail, database: Database) -> None:
    others = [LogKeys(database, trail.keyring, ORIGIN) for _ in range(4)]
    await asyncio.gather(*(each.ensure() for each in others))
    assert len({(await each.signer()).id for each in others}) == 1
    assert [each.action for each in await trail.told()] == ["compliance.signing_key.created"]


@pytest.fixture
async def proxy(trail: Trail) -> AsyncIterator[Proxy]:
    parts = urlsplit(trail.place.url("compliance"))
    async with proxied(parts.hostname or "127.0.0.1", parts.port or 5432) as made:
        yield made


@pytest.fixture
async def doomed(trail: Trail, proxy: Proxy) -> AsyncIterator[Sequencer]:
    """A sequencer whose connection will be cut."""
    parts = urlsplit(trail.place.url("compliance"))
    url = f"postgresql://{parts.username}:{parts.password}@127.0.0.1:{proxy.listening_on}{parts.path}"
    database = await Database.open(url, name="doomed", pool_size=2, acquire_within=20)
    keys = LogKeys(database, Keyring(database, LocalMasterKey.from_text(MASTER)), ORIGIN)
    await keys.signer()
    try:
        yield Sequencer(database, keys)
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("step", "after"),
    [
        (b"INSERT INTO audit_entries", b""),
        (b"INSERT INTO audit_sequences", b""),
        (b"INSERT INTO audit_tiles", b""),
        (b"INSERT INTO audit_checkpoints", b""),
        (b"DELETE FROM audit_pending", b""),
        (b"COMMIT", b"INSERT INTO audit_entries"),
    ],
)
async def test_killed_before_any_step_the_log_is_whole_and_the_next_one_goes_on(
    trail: Trail, proxy: Proxy, doomed: Sequencer, step: bytes, after: bytes
) -> None:
    organization_id = new_id()
    await trail.record(organization_id, 3)
    await trail.hear(*trail.lines(organization_id, 5))
    await cut_off(proxy, doomed, proxy.hold("to_server", step, after_seeing=after))
    assert (await trail.checked(organization_id)).count == 3
    assert await trail.sequence() == 5
    assert (await trail.checked(organization_id)).count == 8


async def test_killed_after_the_commit_nothing_is_done_twice(trail: Trail, proxy: Proxy, doomed: Sequencer) -> None:
    organization_id = new_id()
    await trail.hear(*trail.lines(organization_id, 5))
    await cut_off(proxy, doomed, proxy.hold("to_client", b"COMMIT", after_seeing=b"INSERT INTO audit_checkpoints"))
    assert await trail.sequence() == 0
    assert (await trail.checked(organization_id)).count == 5


async def cut_off(proxy: Proxy, doomed: Sequencer, held: Hold) -> None:
    """Let it work up to that point, and break its connections there."""
    dying = asyncio.create_task(doomed.step())
    async with asyncio.timeout(30):
        await held.reached.wait()
    proxy.cut()
    held.release()
    with pytest.raises(TransientError):
        await dying


async def test_no_table_escapes_its_tenant_and_the_service_has_no_right_to_change_what_is_written(
    trail: Trail,
) -> None:
    connection = await asyncpg.connect(trail.place.admin_url)
    try:
        assert await escapes(connection, trail.place.roles("compliance"), tenant_free(migrations)) == []
    finally:
        await connection.close()
    await trail.record(new_id(), 3)
    for attempt in (
        "UPDATE audit_entries SET leaf = 'x'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
        "UPDATE audit_checkpoints SET root = root",
        "DELETE FROM audit_checkpoints",
        "DELETE FROM audit_tiles",
        "UPDATE audit_tiles SET number = 7",
        "UPDATE audit_tiles SET hashes = substr(hashes, 1, 32)",
        "UPDATE audit_tiles SET hashes = decode(repeat('00', 96), 'hex')",
        "DELETE FROM audit_sequences",
        "UPDATE audit_keys SET origin = 'x'",
        "DELETE FROM audit_keys",
    ):
        with pytest.raises(asyncpg.PostgresError):
            async with trail.database.transaction(new_id()) as tx:
                await tx.execute(attempt)
    for attempt in ("UPDATE audit_entries SET leaf = 'x'", "UPDATE audit_checkpoints SET size = 99"):
        with pytest.raises(asyncpg.RaiseError):
            await _as_superuser(trail, attempt)


async def _as_superuser(trail: Trail, sql: str) -> None:
    """With every right, but not minded to switch triggers off."""
    connection = await asyncpg.connect(trail.place.admin_url)
    try:
        await connection.execute(f"SET search_path = compliance, kit; {sql}")
    finally:
        await connection.close()


@pytest.mark.parametrize("asked", WANTED, ids=str)
async def test_every_list_is_read_from_an_index(trail: Trail, asked: Wanted) -> None:
    """Also deep into a large table: the keyset is a condition of the index."""
    organization_id = new_id()
    async with trail.database.transaction(organization_id) as tx:
        for knob in ("plan_cache_mode = force_generic_plan", "enable_seqscan = off", "enable_sort = off"):
            await tx.execute(f"SET LOCAL {knob}")
        sql, args = page_query(organization_id, asked, (trail.database.clock.now(), 9), 26)
        found = "\n".join(row[0] for row in await tx.fetch(f"EXPLAIN {sql}", *args))
    assert "Index Scan" in found, found
    assert "Sort" not in found, found
    assert "ROW(at, sequence) < ROW(" in found.partition("Index Cond")[2].partition("Filter")[0], found

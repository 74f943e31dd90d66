import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest

from kit.db.database import Database, Transaction
from kit.ids import new_id
from kit.seal import Keyring, KeyShredded, LocalMasterKey, SealBroken
from kit.seal.cache import KeyCache
from kit.seal.model import Owner
from kit.seal.repository import KeyRepository
from kit.seal.store import KeyRef
from kit.testing import sample
from kit.testing.databases import Databases, TestDatabase
from kit.testing.programs import eventually

OLD, NEW = "A" * 43, "E" * 43
PLACE = b"notes.text:1"


class CountingMaster(LocalMasterKey):
    """Counts what it is asked for."""

    unwrapped = 0

    async def unwrap(self, key_id: str, wrapped: bytes, context: bytes) -> bytes:
        self.unwrapped += 1
        await asyncio.sleep(0)
        return await super().unwrap(key_id, wrapped, context)


@pytest.fixture
async def place(databases: Databases) -> TestDatabase:
    return await databases.clone({"sample": sample})


@pytest.fixture
async def opened(place: TestDatabase) -> AsyncIterator[list[Database]]:
    """The service's database as two processes see it."""
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(2):
            database = await Database.open(place.url("sample"), name="seal test", pool_size=3, acquire_within=20)
            stack.push_async_callback(database.close)
            made.append(database)
        yield made


@pytest.fixture
def database(opened: list[Database]) -> Database:
    return opened[0]


def ring(database: Database, key: str = OLD, *older: str, cache: KeyCache | None = None) -> Keyring:
    return Keyring(database, LocalMasterKey.from_text(key, older), cache)


def subject() -> str:
    return f"contact:{new_id()}"


async def rows(place: TestDatabase) -> list[dict[str, Any]]:
    admin = await asyncpg.connect(place.admin_url)
    try:
        return [dict(row) for row in await admin.fetch("SELECT * FROM sample.seal_keys ORDER BY id")]
    finally:
        await admin.close()


@pytest.mark.parametrize("who", [None, subject()], ids=["all", "subject"])
@pytest.mark.parametrize("organization", [None, new_id()], ids=["platform", "organization"])
async def test_a_process_opens_what_another_has_sealed(
    opened: list[Database], organization: UUID | None, who: str | None
) -> None:
    writer, reader = (ring(each) for each in opened)
    sealed = await writer.seal(organization, b"secret", PLACE, subject=who)
    assert b"secret" not in sealed
    assert await reader.open(organization, sealed, PLACE) == b"secret"
    assert await writer.open(organization, sealed, PLACE) == b"secret"


async def test_neither_another_tenant_nor_another_place_nor_another_subject_opens_it(opened: list[Database]) -> None:
    ours, theirs, ada, bob = new_id(), new_id(), subject(), subject()
    first, second = (ring(each) for each in opened)
    sealed = await first.seal(ours, b"secret", PLACE, subject=ada)
    bobs = await first.seal(ours, b"other", PLACE, subject=bob)
    elsewhere = await first.seal(theirs, b"other", PLACE, subject=ada)
    for keyring in (first, second):
        for organization, text, where in (
            (theirs, sealed, PLACE),
            (None, sealed, PLACE),
            (ours, sealed, b"notes.text:2"),
            (ours, sealed[:1] + bobs[1:17] + sealed[17:], PLACE),
            (ours, sealed[:1] + elsewhere[1:17] + sealed[17:], PLACE),
            (ours, sealed[:1] + new_id().bytes + sealed[17:], PLACE),
            (ours, b"\x01" + sealed[1:], PLACE),
        ):
            with pytest.raises(SealBroken):
                await keyring.open(organization, text, where)
        assert await keyring.open(ours, sealed, PLACE) == b"secret"


async def test_a_tenant_cannot_see_anothers_keys_and_no_row_holds_a_key_in_clear(
    database: Database, place: TestDatabase
) -> None:
    ours, theirs = new_id(), new_id()
    keyring = ring(database)
    for organization in (ours, theirs, None):
        await keyring.seal(organization, b"secret", PLACE, subject=subject())
    async with database.transaction(ours) as tx:
        seen = {row["organization_id"] for row in await tx.fetch("SELECT organization_id FROM seal_keys")}
    assert seen == {ours, None}
    async with database.transaction() as tx:
        seen = {row["organization_id"] for row in await tx.fetch("SELECT organization_id FROM seal_keys")}
    assert seen == {None}
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(ours) as tx:
            await tx.execute(
                "INSERT INTO seal_keys (id, organization_id, shredded_at) VALUES ($1, $2, now())", new_id(), theirs
            )
    assert len(await rows(place)) == 6
    assert all(len(row["wrapped"]) == 12 + 32 + 16 for row in await rows(place))


async def test_many_first_uses_at_once_make_one_key(opened: list[Database], place: TestDatabase) -> None:
    organization, who = new_id(), subject()
    rings = [ring(opened[at % 2]) for at in range(6)]
    sealed = await asyncio.gather(
        *(each.seal(organization, b"secret", PLACE, subject=who) for each in rings for _ in range(5))
    )
    assert len({text[1:17] for text in sealed}) == 1
    assert len(await rows(place)) == 2
    assert await rings[0].open_many(organization, [(text, PLACE) for text in sealed]) == [b"secret"] * 30


async def test_many_that_wait_for_a_key_ask_once(opened: list[Database]) -> None:
    organization = new_id()
    sealed = await ring(opened[0]).seal_many(
        organization, [(b"%d" % at, PLACE) for at in range(20)], subject=subject()
    )
    master = CountingMaster.from_text(OLD)
    reader = Keyring(opened[1], master)
    found = await asyncio.gather(*(reader.open(organization, text, PLACE) for text in sealed))
    assert found == [b"%d" % at for at in range(20)]
    assert master.unwrapped == 1
    reader.evict(organization)
    await reader.open(organization, sealed[0], PLACE)
    assert master.unwrapped == 2


async def test_fields_of_many_subjects_open_together_however_small_the_cache(opened: list[Database]) -> None:
    organization = new_id()
    writer, reader = ring(opened[0]), ring(opened[1], cache=KeyCache(at_most=3))
    sealed = [await writer.seal(organization, b"%d" % at, PLACE, subject=subject()) for at in range(10)]
    assert await reader.open_many(organization, [(text, PLACE) for text in sealed]) == [
        b"%d" % at for at in range(10)
    ]
    assert await reader.open_many(organization, []) == []


async def test_a_shredded_subject_is_gone_everywhere_and_nobody_else_is(opened: list[Database]) -> None:
    organization, ada, bob = new_id(), subject(), subject()
    first, second = (ring(each) for each in opened)
    of_ada = await first.seal(organization, b"ada", PLACE, subject=ada)
    of_bob = await first.seal(organization, b"bob", PLACE, subject=bob)
    assert await second.open_many(organization, [(of_ada, PLACE), (of_bob, PLACE)]) == [b"ada", b"bob"]
    async with opened[0].transaction(organization) as tx:
        await first.shred(tx, organization, ada)
    assert await second.open(organization, of_ada, PLACE) == b"ada", "it has not looked yet"
    await second.forget_shredded()
    await first.forget_shredded()
    for keyring in (first, second, ring(opened[0])):
        with pytest.raises(KeyShredded):
            await keyring.open(organization, of_ada, PLACE)
        with pytest.raises(KeyShredded):
            await keyring.seal(organization, b"again", PLACE, subject=ada)
        assert await keyring.open_many(organization, [(of_ada, PLACE), (of_bob, PLACE)]) == [None, b"bob"]


async def test_a_loop_in_another_process_evicts_within_moments(opened: list[Database]) -> None:
    organization, ada = new_id(), subject()
    first, second = (ring(each) for each in opened)
    sealed = await first.seal(organization, b"ada", PLACE, subject=ada)
    assert await second.open(organization, sealed, PLACE) == b"ada"

    async def gone() -> bool:
        await second.forget_shredded()
        try:
            await second.open(organization, sealed, PLACE)
        except KeyShredded:
            return True
        return False

    assert not await gone()
    async with opened[0].transaction(organization) as tx:
        await first.shred(tx, organization, ada)
        assert not await gone(), "not committed"
    await eventually(gone)


async def test_a_shredding_that_is_rolled_back_never_happened(database: Database) -> None:
    organization, ada = new_id(), subject()
    keyring = ring(database)
    sealed = await keyring.seal(organization, b"ada", PLACE, subject=ada)
    with pytest.raises(ZeroDivisionError):
        async with database.transaction(organization) as tx:
            await keyring.shred(tx, organization, ada)
            raise ZeroDivisionError
    assert await keyring.open(organization, sealed, PLACE) == b"ada"


async def test_shredding_an_organization_takes_all_its_subjects_and_no_other_tenant(
    opened: list[Database], place: TestDatabase
) -> None:
    ours, theirs, ada, unseen = new_id(), new_id(), subject(), subject()
    first, second = (ring(each) for each in opened)
    sealed = [await first.seal(ours, b"1", PLACE, subject=ada), await first.seal(ours, b"2", PLACE)]
    others = await first.seal(theirs, b"3", PLACE, subject=ada)
    platform = await first.seal(None, b"4", PLACE)
    await second.open_many(ours, [(text, PLACE) for text in sealed])
    async with opened[0].transaction(ours) as tx:
        await first.shred(tx, ours, None)
    await second.forget_shredded()
    for keyring in (first, second):
        assert await keyring.open_many(ours, [(text, PLACE) for text in sealed]) == [None, None]
        for who in (None, ada, unseen):
            with pytest.raises(KeyShredded):
                await keyring.seal(ours, b"again", PLACE, subject=who)
        with pytest.raises(KeyShredded):
            await keyring.rotate(ours)
        assert await keyring.open(theirs, others, PLACE) == b"3"
        assert await keyring.open(None, platform, PLACE) == b"4"
    assert [row["wrapped"] for row in await rows(place) if row["organization_id"] == ours] == [None, None]


async def test_who_was_forgotten_before_anything_was_sealed_stays_forgotten(opened: list[Database]) -> None:
    organization, ada = new_id(), subject()
    async with opened[0].transaction(organization) as tx:
        await ring(opened[0]).shred(tx, organization, ada)
        await ring(opened[0]).shred(tx, organization, ada)
    with pytest.raises(KeyShredded):
        await ring(opened[1]).seal(organization, b"ada", PLACE, subject=ada)


async def test_the_platforms_own_key_cannot_be_shredded_but_a_subject_of_it_can(database: Database) -> None:
    keyring, ada = ring(database), subject()
    sealed = await keyring.seal(None, b"ada", PLACE, subject=ada)
    async with database.transaction() as tx:
        with pytest.raises(ValueError, match="platform"):
            await keyring.shred(tx, None, None)
        await keyring.shred(tx, None, ada)
    with pytest.raises(KeyShredded):
        await keyring.open(None, sealed, PLACE)


async def test_a_shredding_and_a_rotation_at_once_leave_no_key_alive(opened: list[Database]) -> None:
    first, second = (ring(each) for each in opened)
    for _ in range(5):
        organization = new_id()
        sealed = await first.seal(organization, b"1", PLACE)

        async def shred(organization: UUID = organization) -> None:
            async with opened[0].transaction(organization) as tx:
                await first.shred(tx, organization, None)

        await asyncio.gather(shred(), second.rotate(organization), return_exceptions=True)
        await asyncio.gather(first.forget_shredded(), second.forget_shredded())
        for keyring in (first, second):
            with pytest.raises(KeyShredded):
                await keyring.open(organization, sealed, PLACE)
            with pytest.raises(KeyShredded):
                await keyring.seal(organization, b"2", PLACE)


async def test_a_new_version_seals_and_the_old_one_still_opens(opened: list[Database], place: TestDatabase) -> None:
    organization, ada = new_id(), subject()
    first, second = (ring(each) for each in opened)
    old = [await first.seal(organization, b"1", PLACE), await first.seal(organization, b"2", PLACE, subject=ada)]
    await first.rotate(organization)
    new = await first.seal(organization, b"3", PLACE)
    assert new[1:17] != old[0][1:17]
    for keyring in (first, second):
        assert await keyring.open_many(organization, [(text, PLACE) for text in (*old, new)]) == [b"1", b"2", b"3"]
    assert (await second.seal(organization, b"4", PLACE))[1:17] == new[1:17]
    versions = [(row["version"], row["retired_at"] is None) for row in await rows(place) if not row["subject"]]
    assert sorted(versions) == [(1, False), (2, True)]


async def test_keys_are_wrapped_anew_while_fields_stay_as_they_are(opened: list[Database]) -> None:
    organizations = [None, new_id(), new_id()]
    writer = ring(opened[0])
    sealed = [(each, await writer.seal(each, b"secret", PLACE, subject=subject())) for each in organizations]
    both = ring(opened[1], NEW, OLD)
    assert await both.rewrap(at_most=1) == 3
    assert await both.rewrap() == 0
    for organization, text in sealed:
        assert await ring(opened[1], NEW).open(organization, text, PLACE) == b"secret"


async def test_a_secret_is_the_same_everywhere_and_for_ever_and_differs_by_purpose_and_tenant(
    opened: list[Database],
) -> None:
    ours, theirs = new_id(), new_id()
    first = ring(opened[0])
    found = {await first.secret(each, what) for each in (None, ours, theirs) for what in ("mail", "phones")}
    assert len(found) == 6
    secret = await first.secret(ours, "mail")
    await first.rotate(ours)
    await ring(opened[1], NEW, OLD).rewrap()
    assert await ring(opened[1], NEW).secret(ours, "mail") == secret
    assert len(secret) == 32


async def test_keys_are_found_while_every_transaction_is_in_the_middle_of_something_and_waits_for_one(
    place: TestDatabase,
) -> None:
    database = await Database.open(place.url("sample"), name="cold", pool_size=4, acquire_within=30)
    try:
        keys, all_in = ring(database), asyncio.Barrier(database.use().size)

        async def within(organization_id: UUID) -> bytes:
            async with database.transaction(organization_id):
                await all_in.wait()
                return await keys.seal(organization_id, b"value", PLACE, subject=subject())

        one = new_id()
        sealed = await asyncio.gather(*(within(each) for each in (one, one, new_id(), new_id())))
        assert [await keys.open(one, each, PLACE) for each in sealed[:2]] == [b"value", b"value"]
    finally:
        await database.close()


async def test_a_key_is_found_by_an_index_under_row_level_security_and_as_often_as_it_is_asked_for(
    database: Database,
) -> None:
    """Also when one plan is made for all values: an expression that might leak is read from no index."""
    organization, who = new_id(), subject()
    await ring(database).seal(organization, b"1", PLACE, subject=who)
    owners = (Owner(organization), Owner(organization, who), Owner(None, who))
    async with database.transaction(organization) as tx:
        await tx.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await tx.execute("SET LOCAL enable_seqscan = off")
        explained = Explained(tx)
        repository = KeyRepository(cast("Transaction", explained))
        await repository.current(owners)
        await repository.find([KeyRef(organization, new_id()), KeyRef(None, new_id())])
        for owner in owners:
            await repository.retire(owner)
            await repository.shred(owner, new_id())
    assert len(explained.plans) == 2 + 4 * len(owners)
    for plan in explained.plans:
        assert "Seq Scan on seal_keys" not in plan, plan
        assert "Index Cond" in plan or "Insert on seal_keys" in plan, plan


class Explained:
    """Tells how each statement would be carried out, and carries out none."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.plans: list[str] = []

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        rows = await self._tx.fetch(f"EXPLAIN {sql}", *args)
        self.plans.append("\n".join(row[0] for row in rows))
        return []

    async def fetchval(self, sql: str, *args: Any) -> None:
        await self.fetch(sql, *args)

    async def execute(self, sql: str, *args: Any) -> int:
        return len(await self.fetch(sql, *args))


async def test_who_asks_what_was_destroyed_reads_none_of_the_keys_that_were_not(
    database: Database, place: TestDatabase
) -> None:
    """Every process asks each second: among a million keys as well."""
    organization_id, gone = new_id(), subject()
    keyring = ring(database)
    await keyring.seal(organization_id, b"hello", PLACE, subject=gone)
    admin = await asyncpg.connect(place.admin_url)
    try:
        await admin.execute(
            """
            INSERT INTO sample.seal_keys (id, organization_id, subject, parent_id, wrapped)
            SELECT gen_random_uuid(), organization_id, 'contact:' || gen_random_uuid(), id, 'wrapped'
            FROM sample.seal_keys, generate_series(1, 5000) WHERE organization_id = $1 AND subject = ''
            """,
            organization_id,
        )
        for statistics in ("SELECT", "ANALYZE sample.seal_keys"):
            await admin.execute(statistics)
            async with database.transaction() as tx:
                for _ in range(2):
                    await KeyRepository(tx).shredded_within(30, 100)
                read = await tx.fetchval(
                    "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'seal_keys'"
                )
            assert read < 100, f"{read} rows after {statistics}"
    finally:
        await admin.close()
    async with database.transaction(organization_id) as tx:
        await keyring.shred(tx, organization_id, gone)
    async with database.transaction() as tx:
        assert await KeyRepository(tx).shredded_within(30, 100) == [Owner(organization_id, gone)]

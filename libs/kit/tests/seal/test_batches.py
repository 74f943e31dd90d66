"""Many new subjects with one key between them, of whom each can be forgotten."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.db.database import Database
from kit.ids import new_id
from kit.seal import KeyBatch, Keyring, KeyShredded, LocalMasterKey, SealBroken
from kit.seal.batches import MOST, member, member_id, members, new_root, root_id_of, root_of
from kit.seal.cache import KeyCache
from kit.seal.model import Key, Owner, key_id_of
from kit.testing import sample
from kit.testing.databases import Databases, TestDatabase

PLACE = b"people.name:1"


@pytest.fixture
async def place(databases: Databases) -> TestDatabase:
    return await databases.clone({"sample": sample})


@pytest.fixture
async def opened(place: TestDatabase) -> AsyncIterator[list[Database]]:
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(2):
            database = await Database.open(place.url("sample"), name="batch test", pool_size=3, acquire_within=20)
            stack.push_async_callback(database.close)
            made.append(database)
        yield made


def ring(database: Database, cache: KeyCache | None = None) -> Keyring:
    return Keyring(database, LocalMasterKey.from_text("A" * 43), cache)


async def rows(place: TestDatabase, organization: UUID) -> list[dict[str, Any]]:
    admin = await asyncpg.connect(place.admin_url)
    try:
        found = await admin.fetch("SELECT * FROM sample.seal_keys WHERE organization_id = $1", organization)
    finally:
        await admin.close()
    return [dict(row) for row in found]


def sealed_for(batch: KeyBatch) -> list[bytes]:
    return batch.seal(range(len(batch.ids)), [b"%d" % at for at in range(len(batch.ids))], PLACE)


def subject(contact_id: UUID) -> str:
    return f"contact:{contact_id}"


async def forget(database: Database, keyring: Keyring, organization: UUID, who: str | None) -> None:
    async with database.transaction(organization) as tx:
        await keyring.shred(tx, organization, who)


@given(st.integers(min_value=1, max_value=300) | st.just(MOST), st.binary(min_size=32, max_size=32))
def test_a_name_and_a_sealed_value_lead_to_the_same_root(count: int, plain: bytes) -> None:
    owner = new_root(new_id(), "contact", count)
    root = Key(root_id_of(owner) or new_id(), owner, plain)
    batch = KeyBatch.of(root)
    assert len(set(batch.ids)) == count == sum(1 for _ in members(root))
    assert list(batch.ids) == sorted(batch.ids)
    assert root_of(root.id) is None
    assert member(root, UUID(int=root.id.int | count + 1)) is None
    assert member(root, new_id()) is None
    for at in {0, count // 2, count - 1}:
        its_id = batch.ids[at]
        key = member(root, its_id)
        assert key is not None
        assert key.owner == Owner(owner.organization_id, subject(its_id))
        (sealed,) = batch.seal([at], [b"told"], PLACE)
        assert key_id_of(sealed) == its_id == member_id(key.owner)
        assert root_of(its_id) == root.id
        assert key.open(sealed, PLACE) == b"told"
        assert plain not in (key.plain, sealed)


@given(st.uuids(version=4) | st.builds(new_id))
def test_ids_of_others_belong_to_no_batch(key_id: UUID) -> None:
    assert root_of(key_id) is None
    assert member_id(Owner(None, subject(key_id))) is None
    assert member_id(Owner(None, "secret:" + "8" * 64)) is None


async def test_a_thousand_people_cost_one_row_and_open_in_another_process(
    opened: list[Database], place: TestDatabase
) -> None:
    organization = new_id()
    batch = await ring(opened[0]).batch(organization, "contact", 1000)
    sealed, reader = sealed_for(batch), ring(opened[1], KeyCache(at_most=3))
    assert await reader.open_many(organization, [(text, PLACE) for text in sealed]) == [
        b"%d" % at for at in range(1000)
    ]
    again = await reader.seal(organization, b"later", PLACE, subject=subject(batch.ids[7]))
    assert key_id_of(again) == batch.ids[7], "who is of a whole batch needs no other key"
    assert len(await rows(place, organization)) == 2
    for theirs, text, where in (
        (new_id(), sealed[0], PLACE),
        (organization, sealed[0], b"elsewhere"),
        (organization, sealed[0][:1] + sealed[1][1:17] + sealed[0][17:], PLACE),
        (organization, sealed[0][:1] + UUID(int=batch.root.id.int | 1001).bytes + sealed[0][17:], PLACE),
    ):
        for keyring in (reader, ring(opened[0])):
            with pytest.raises(SealBroken):
                await keyring.open(theirs, text, where)
    with pytest.raises(ValueError, match="batch"):
        await reader.batch(organization, "contact", MOST + 1)


async def test_one_is_forgotten_everywhere_and_the_others_are_not(
    opened: list[Database], place: TestDatabase
) -> None:
    organization = new_id()
    first, second = (ring(each) for each in opened)
    batch = await first.batch(organization, "contact", 20)
    sealed, ada = sealed_for(batch), subject(batch.ids[4])
    told = [(text, PLACE) for text in sealed]
    later = await second.seal(organization, b"later", PLACE, subject=ada)
    assert None not in await second.open_many(organization, told)
    await first.rotate(organization)
    await forget(opened[0], first, organization, ada)
    await forget(opened[0], first, organization, ada)
    for keyring in (first, second, ring(opened[1])):
        await keyring.forget_shredded()
        assert await keyring.open_many(organization, told) == [None if at == 4 else b"%d" % at for at in range(20)]
        assert await keyring.open_many(organization, [(later, PLACE)]) == [None]
        with pytest.raises(KeyShredded):
            await keyring.seal(organization, b"again", PLACE, subject=ada)
        bobs = await keyring.seal(organization, b"again", PLACE, subject=subject(batch.ids[5]))
        assert await second.open(organization, bobs, PLACE) == b"again"
    kept = await rows(place, organization)
    alive = {row["id"] for row in kept if row["wrapped"] is not None and row["subject"]}
    assert alive == set(batch.ids) - {batch.ids[4]}, "neither the root nor her key has bytes"
    assert {row["wrapped"] for row in kept if row["subject"] in (ada, batch.root.owner.subject)} == {None}


async def test_two_of_a_batch_who_are_forgotten_at_once_are_both(opened: list[Database]) -> None:
    organization = new_id()
    first, second = (ring(each) for each in opened)
    batch = await first.batch(organization, "contact", 30)
    sealed = sealed_for(batch)
    waiting: asyncio.Task[None]
    async with opened[0].transaction(organization) as tx:
        await first.shred(tx, organization, subject(batch.ids[0]))
        waiting = asyncio.create_task(forget(opened[1], second, organization, subject(batch.ids[1])))
        done, _ = await asyncio.wait({waiting}, timeout=0.2)
        assert not done
    await waiting
    found = await ring(opened[0]).open_many(organization, [(text, PLACE) for text in sealed])
    assert [at for at, each in enumerate(found) if each is None] == [0, 1]


async def test_forgetting_that_is_rolled_back_leaves_the_batch_whole(
    opened: list[Database], place: TestDatabase
) -> None:
    organization = new_id()
    keyring = ring(opened[0])
    batch = await keyring.batch(organization, "contact", 5)
    sealed, before = sealed_for(batch), await rows(place, organization)
    with pytest.raises(ZeroDivisionError):
        async with opened[0].transaction(organization) as tx:
            await keyring.shred(tx, organization, subject(batch.ids[0]))
            raise ZeroDivisionError
    assert await rows(place, organization) == before
    assert await keyring.open(organization, sealed[0], PLACE) == b"0"


@pytest.mark.parametrize("person_first", [True, False])
async def test_an_organization_and_one_of_its_people_who_are_forgotten_at_once_leave_no_key(
    opened: list[Database], place: TestDatabase, person_first: bool
) -> None:
    organization = new_id()
    first, second = (ring(each) for each in opened)
    batch = await first.batch(organization, "contact", 30)
    who = [subject(batch.ids[0]), None]
    order = who if person_first else who[::-1]
    async with opened[0].transaction(organization) as tx:
        await first.shred(tx, organization, order[0])
        waiting = asyncio.create_task(forget(opened[1], second, organization, order[1]))
        done, _ = await asyncio.wait({waiting}, timeout=0.2)
        assert not done
    await waiting
    assert {row["wrapped"] for row in await rows(place, organization)} == {None}
    found = await ring(opened[0]).open_many(organization, [(text, PLACE) for text in sealed_for(batch)])
    assert set(found) == {None}
    with pytest.raises(KeyShredded):
        await first.batch(organization, "contact", 1)


async def test_a_key_of_ones_own_from_before_goes_with_the_batchs(opened: list[Database]) -> None:
    organization = new_id()
    keyring = ring(opened[0])
    batch = await keyring.batch(organization, "contact", 3)
    await forget(opened[0], keyring, organization, subject(batch.ids[0]))
    await keyring.forget_shredded()
    own = await keyring.seal(organization, b"own", PLACE, subject=subject(batch.ids[1]))
    await forget(opened[0], keyring, organization, subject(batch.ids[1]))
    await keyring.forget_shredded()
    told = [(text, PLACE) for text in [own, *sealed_for(batch)]]
    assert await keyring.open_many(organization, told) == [None, None, None, b"2"]

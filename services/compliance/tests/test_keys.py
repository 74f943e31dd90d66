"""Keys of organizations and people: who gets them, and who no longer does."""

import asyncio
import base64
import itertools
from argparse import Namespace
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from rich.console import Console

from compliance import migrations
from kit.errors import TransientError
from kit.http.peer import PeerRefused, PeerUnavailable, token_of
from kit.ids import new_id
from kit.process import Loop, supervise
from kit.seal import KeptElsewhere, Keyring, KeyShredded, LocalMasterKey, SealBroken, Sealer, cli
from kit.seal.cache import KeyCache
from kit.seal.elsewhere import DEADLINE, Envelope
from kit.seal.model import Owner
from kit.seal.store import KeyRef
from kit.testing import sample
from kit.testing.databases import Databases, TestDatabase
from kit.testing.listening import listening
from kit.testing.programs import eventually
from kit.testing.proxy import proxied

from .keeping import PLACE, Keeping, contact, keeping
from .office import SECRETS

QUESTION = "0" * 32


@pytest.fixture
async def place(databases: Databases) -> TestDatabase:
    return await databases.clone({"compliance": migrations, "sample": sample})


@pytest.fixture
async def keys(place: TestDatabase) -> AsyncIterator[Keeping]:
    async with keeping(place) as made:
        yield made


async def opens(ring: Keyring, organization_id: UUID | None, sealed: bytes) -> bool:
    """Whether it still opens there."""
    try:
        await ring.open(organization_id, sealed, PLACE)
    except KeyShredded:
        return False
    return True


@pytest.mark.parametrize("who", [None, contact()], ids=["all", "subject"])
async def test_what_one_service_seals_another_opens_and_compliance_alone_keeps_the_key(
    keys: Keeping, who: str | None
) -> None:
    organization, inbox, publisher = new_id(), await keys.ring("inbox"), await keys.ring("publisher")
    sealed = await inbox.seal(organization, b"secret", PLACE, subject=who)
    assert await publisher.open(organization, sealed, PLACE) == b"secret"
    assert await keys.keyring.open(organization, sealed, PLACE) == b"secret"
    assert await inbox.secret(organization, "phones") == await publisher.secret(organization, "phones")
    assert await keys.rows("sample") == []
    assert {row["organization_id"] for row in await keys.rows()} == {organization}


async def test_a_person_of_no_organization_is_kept_by_compliance_the_platforms_own_keys_are_not(
    keys: Keeping,
) -> None:
    ring, user = await keys.ring(), f"user:{new_id()}"
    platform = await ring.seal(None, b"webhook", PLACE)
    secret = await ring.secret(None, "mail")
    assert await (await keys.ring()).open(None, platform, PLACE) == b"webhook"
    assert keys.exchanges == []
    sealed = await ring.seal(None, b"address", PLACE, subject=user)
    assert await (await keys.ring("auth")).open(None, sealed, PLACE) == b"address"
    assert [row["subject"] for row in await keys.rows()] == [user]
    await keys.stop()
    assert await (await keys.ring()).open(None, platform, PLACE) == b"webhook"
    assert await (await keys.ring()).secret(None, "mail") == secret


async def test_ids_may_come_from_a_row(keys: Keeping) -> None:
    ring, database = await keys.ring(), await keys.own_database()
    async with database.transaction() as tx:
        organization = await tx.fetchval("SELECT gen_random_uuid()")
    sealed = await ring.seal(organization, b"1", PLACE, subject=contact())
    assert await (await keys.ring()).open(organization, sealed, PLACE) == b"1"
    assert await ring.open(UUID(str(organization)), sealed, PLACE) == b"1"


async def test_no_key_crosses_the_wire_in_clear_nor_any_log(keys: Keeping, capfd: pytest.CaptureFixture[str]) -> None:
    organization, who, ring = new_id(), contact(), await keys.ring()
    sealed = await ring.seal(organization, b"secret", PLACE, subject=who)
    assert await (await keys.ring()).open(organization, sealed, PLACE) == b"secret"
    await ring.secret(organization, "phones")
    owners = [Owner(organization), Owner(organization, who)]
    found = (await keys.keyring.own.current(owners)).values()
    plain = [key.plain for key in found if key is not None]
    assert len(plain) == 2
    told = b"".join(each.asked + each.answered for each in keys.exchanges) + "".join(capfd.readouterr()).encode()
    assert str(organization).encode() in told
    for key in plain:
        assert not any(form in told for form in (key, base64.b64encode(key)[:-1], key.hex().encode()))


async def test_an_answer_opens_for_who_asked_and_for_that_question_alone(keys: Keeping) -> None:
    owner, key = Owner(new_id()), None
    key = (await keys.keyring.own.current([owner]))[owner]
    assert key is not None
    ours = Sealer.from_text(SECRETS["inbox"])
    sealed = Envelope.of(ours, QUESTION).seal(key)
    assert Envelope.of(ours, QUESTION).open(key.id, owner, sealed) == key
    for envelope, key_id, whose in (
        (Envelope.of(ours, "1" * 32), key.id, owner),
        (Envelope.of(Sealer.from_text(SECRETS["auth"]), QUESTION), key.id, owner),
        (Envelope.of(ours, QUESTION), new_id(), owner),
        (Envelope.of(ours, QUESTION), key.id, Owner(new_id())),
    ):
        with pytest.raises(SealBroken):
            envelope.open(key_id, whose, sealed)


async def test_who_shows_no_token_of_ours_gets_nothing(keys: Keeping) -> None:
    inbox, publisher = (Sealer.from_text(SECRETS[name]) for name in ("inbox", "publisher"))
    body = {"question": QUESTION, "wanted": [{"organization_id": str(new_id()), "subject": ""}]}
    foreign = ("", token_of("inbox", publisher), token_of("billing", inbox), "inbox.", token_of("inbox", inbox)[:-1])
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{keys.port}", trust_env=False) as client:
        for token in foreign:
            headers = {"authorization": f"Bearer {token}"} if token else {}
            for method, path in (("POST", "current"), ("POST", "find"), ("GET", "destroyed?within=90")):
                answer = await client.request(
                    method, f"/internal/keys/{path}", json=body if method == "POST" else None, headers=headers
                )
                assert answer.status_code == 401, answer.text
    with pytest.raises(PeerRefused):
        await keys.store("inbox", SECRETS["auth"]).current([Owner(new_id())])
    assert await keys.rows() == []


async def test_another_tenants_key_is_not_found_under_the_wrong_organization(keys: Keeping) -> None:
    ours, theirs, ada = new_id(), new_id(), contact()
    ring, store = await keys.ring(), keys.store()
    sealed = await ring.seal(ours, b"secret", PLACE, subject=ada)
    key_id = UUID(bytes=sealed[1:17])
    assert await store.find([KeyRef(theirs, key_id), KeyRef(None, key_id)]) == {}
    assert set(await store.find([KeyRef(ours, key_id), KeyRef(theirs, new_id())])) == {KeyRef(ours, key_id)}
    for organization in (theirs, None):
        with pytest.raises(SealBroken):
            await (await keys.ring()).open(organization, sealed, PLACE)
        with pytest.raises(SealBroken):
            await ring.open(organization, sealed, PLACE)
    both = await store.current([Owner(ours, ada), Owner(theirs, ada)])
    assert len({key.plain for key in both.values() if key is not None}) == 2


async def test_compliances_own_keys_are_given_to_nobody(keys: Keeping) -> None:
    store = keys.store()
    own = await keys.keyring.seal(None, b"ours", PLACE)
    await keys.keyring.secret(None, "log")
    assert await store.find([KeyRef(None, UUID(bytes=own[1:17]))]) == {}
    for subject in ("", f"secret:{'0' * 64}"):
        with pytest.raises(PeerRefused) as refused:
            await store.current([Owner(None, subject)])
        assert refused.value.status == 422


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("current", {"question": QUESTION, "wanted": []}),
        ("current", {"question": QUESTION, "wanted": [{"organization_id": str(new_id()), "subject": ""}] * 1001}),
        ("current", {"question": QUESTION, "wanted": [{"organization_id": str(new_id()), "subject": "ada@x.y"}]}),
        ("current", {"question": QUESTION, "wanted": [{"organization_id": str(new_id()), "subject": "contact:1\n"}]}),
        ("current", {"question": "short", "wanted": [{"organization_id": str(new_id()), "subject": ""}]}),
        ("find", {"question": QUESTION, "wanted": [{"organization_id": str(new_id()), "id": str(new_id())}] * 1001}),
        ("find", {"question": QUESTION, "wanted": [{"organization_id": "x", "id": str(new_id())}]}),
        ("destroyed?within=0", None),
        ("destroyed?within=601", None),
        ("destroyed?within=nan", None),
    ],
)
async def test_what_is_asked_is_bounded(keys: Keeping, path: str, body: Any) -> None:
    peer = keys.peer("inbox")
    with pytest.raises(PeerRefused) as refused:
        await peer.ask("GET" if body is None else "POST", f"/internal/keys/{path}", body and orjson.dumps(body))
    assert refused.value.status == 422


async def test_the_same_owner_asked_for_by_many_at_once_has_one_key(keys: Keeping) -> None:
    organization, who = new_id(), contact()
    rings = [await keys.ring(name) for name in ("inbox", "publisher")]
    sealed = await asyncio.gather(
        *(ring.seal(organization, b"secret", PLACE, subject=who) for ring in rings for _ in range(25))
    )
    assert len({text[1:17] for text in sealed}) == 1
    assert keys.asked("current") == 2
    assert [row["subject"] for row in await keys.rows()] == ["", who]


async def test_different_owners_asked_for_at_once_are_asked_for_together_and_tenants_do_not_mix(
    keys: Keeping,
) -> None:
    ring = await keys.ring()
    whose = [(new_id(), contact()) for _ in range(20)]
    sealed = await asyncio.gather(*(ring.seal(each, b"1", PLACE, subject=who) for each, who in whose))
    assert keys.asked("current") <= 2
    other = await keys.ring()
    found = await asyncio.gather(
        *(other.open(each, text, PLACE) for (each, _), text in zip(whose, sealed, strict=True))
    )
    assert found == [b"1"] * 20
    assert keys.asked("find") <= 2
    assert {(row["organization_id"], row["subject"]) for row in await keys.rows() if row["subject"]} == set(whose)


async def test_a_key_in_memory_asks_nobody(keys: Keeping) -> None:
    organization, who, ring = new_id(), contact(), await keys.ring()
    for _ in range(3):
        sealed = await ring.seal(organization, b"secret", PLACE, subject=who)
        assert await ring.open(organization, sealed, PLACE) == b"secret"
        await ring.secret(organization, "phones")
    assert [each.path for each in keys.exchanges] == ["/internal/keys/current"] * 2


async def test_many_subjects_are_prepared_with_one_question(keys: Keeping) -> None:
    organization, ring = new_id(), await keys.ring()
    people = [contact() for _ in range(300)]
    await keys.shred(organization, people[7])
    assert await ring.prepare(organization, people) == {people[7]}
    assert keys.asked("current") == 1
    for who in people[:7]:
        await ring.seal(organization, b"name", PLACE, subject=who)
    assert await ring.prepare(organization, people[8:]) == frozenset()
    assert keys.asked("current") == 1
    assert len(await keys.rows()) == 301
    assert await ring.prepare(organization, []) == frozenset()


async def test_two_that_prepare_the_same_many_in_another_order_do_not_block_each_other(keys: Keeping) -> None:
    organization, rings = new_id(), [await keys.ring() for _ in range(4)]
    people = [contact() for _ in range(200)]
    orders = (people, people[::-1], people[100:] + people[:100], people[::3])
    await asyncio.gather(*(ring.prepare(organization, some) for ring, some in zip(rings, orders, strict=True)))
    assert len(await keys.rows()) == 201


@pytest.mark.parametrize("what", ["subject", "organization", "person"])
async def test_a_destroyed_key_opens_nowhere_after_the_next_question_and_seals_nothing_again(
    keys: Keeping, what: str
) -> None:
    organization = None if what == "person" else new_id()
    ada = f"user:{new_id()}" if what == "person" else contact()
    rings = [await keys.ring("inbox"), await keys.ring("publisher"), keys.keyring]
    sealed = await rings[0].seal(organization, b"ada", PLACE, subject=ada)
    for ring in rings:
        assert await ring.open(organization, sealed, PLACE) == b"ada"
    await keys.shred(organization, None if what == "organization" else ada)
    for ring in rings:
        await ring.forget_shredded()
    for ring in (*rings, await keys.ring("auth")):
        assert not await opens(ring, organization, sealed)
        for who in (ada, *([None, contact()] if what == "organization" else [])):
            with pytest.raises(KeyShredded):
                await ring.seal(organization, b"again", PLACE, subject=who)
    assert all(row["wrapped"] is None for row in await keys.rows() if row["subject"] == ada)


async def test_processes_that_ask_every_second_forget_by_themselves(keys: Keeping) -> None:
    """The promise is five seconds; what a busy machine of tests adds to them is its own."""
    organization, ada = new_id(), contact()
    rings = [await keys.ring("inbox"), await keys.ring("publisher"), keys.keyring]
    sealed = await rings[0].seal(organization, b"ada", PLACE, subject=ada)
    for ring in rings:
        assert await ring.open(organization, sealed, PLACE) == b"ada"
    stop = asyncio.Event()
    loops = [Loop(f"forget {at}", ring.forget_shredded, every=1.0) for at, ring in enumerate(rings)]
    running = asyncio.create_task(supervise(loops, stop))
    try:
        await keys.shred(organization, ada)

        async def nowhere() -> bool:
            return not any([await opens(ring, organization, sealed) for ring in rings])

        await eventually(nowhere)
    finally:
        stop.set()
        await running


async def test_a_key_destroyed_while_it_is_on_its_way_is_forgotten_all_the_same(keys: Keeping) -> None:
    organization, ada = new_id(), contact()
    sealed = await (await keys.ring()).seal(organization, b"ada", PLACE, subject=ada)
    async with proxied("127.0.0.1", keys.port) as proxy:
        ring = await keys.ring(port=proxy.listening_on)
        held = proxy.hold("to_client", b"sealed")
        asking = asyncio.create_task(ring.open(organization, sealed, PLACE))
        await held.reached.wait()
        await keys.shred(organization, ada)
        held.release()
        assert await asking == b"ada", "it was read before"
        await ring.forget_shredded()
        assert not await opens(ring, organization, sealed)
        with pytest.raises(KeyShredded):
            await ring.seal(organization, b"again", PLACE, subject=ada)


async def test_while_compliance_is_away_known_people_are_sealed_for_and_new_ones_wait(keys: Keeping) -> None:
    organization, ada, ring = new_id(), contact(), await keys.ring()
    sealed = await ring.seal(organization, b"ada", PLACE, subject=ada)
    await keys.stop()
    assert await ring.open(organization, await ring.seal(organization, b"on", PLACE, subject=ada), PLACE) == b"on"
    with pytest.raises(PeerUnavailable):
        await ring.seal(organization, b"new", PLACE, subject=contact())
    with pytest.raises(PeerUnavailable):
        await (await keys.ring()).open(organization, sealed, PLACE)
    await ring.forget_shredded()
    assert await opens(ring, organization, sealed), "nobody said that it is to be forgotten"
    await keys.start()

    async def back() -> bool:
        try:
            await ring.seal(organization, b"new", PLACE, subject=contact())
        except TransientError:
            return False
        return True

    await eventually(back)


async def test_keys_leave_memory_in_the_end_although_nobody_can_be_asked(keys: Keeping) -> None:
    organization, ada, clock = new_id(), contact(), itertools.count()
    ring = await keys.ring(cache=KeyCache(keep_for=300, now=lambda: float(next(clock) * 100)))
    sealed = await ring.seal(organization, b"ada", PLACE, subject=ada)
    await keys.stop()
    with pytest.raises(PeerUnavailable):
        for _ in range(5):
            await ring.open(organization, sealed, PLACE)


async def test_who_could_not_ask_for_a_while_asks_for_all_that_time(keys: Keeping) -> None:
    organization, ada, clock = new_id(), contact(), [1000.0]
    ring = await keys.ring(cache=KeyCache(now=lambda: clock[0]))
    sealed = await ring.seal(organization, b"ada", PLACE, subject=ada)
    await ring.forget_shredded()
    await keys.stop()
    await keys.shred(organization, ada)
    clock[0] += 200
    await ring.forget_shredded()
    assert await opens(ring, organization, sealed)
    await keys.start()

    async def asked_again() -> bool:
        await ring.forget_shredded()
        return keys.asked("destroyed") == 2

    await eventually(asked_again)
    assert not await opens(ring, organization, sealed)
    clock[0] += 1_000_000
    await ring.forget_shredded()
    asked = [each.query for each in keys.exchanges if each.path.endswith("destroyed")]
    assert asked == ["within=90.000", "within=290.000", "within=390.000"], "no key is kept for longer"


async def test_a_silent_compliance_holds_nobody_up_whose_key_is_known(keys: Keeping) -> None:
    organization, ada, arrived, cache = new_id(), contact(), asyncio.Event(), KeyCache()
    sealed = await (await keys.ring(cache=cache)).seal(organization, b"ada", PLACE, subject=ada)

    async def never(_reader: Any, _writer: Any) -> None:
        arrived.set()
        await asyncio.Event().wait()

    async with listening(never) as port:
        ring = await keys.ring(cache=cache, port=port, deadline=DEADLINE)
        asking = [asyncio.create_task(ring.seal(organization, b"new", PLACE, subject=contact())) for _ in range(3)]
        await arrived.wait()
        for _ in range(10):
            assert await ring.open(organization, sealed, PLACE) == b"ada"
            await ring.seal(organization, b"more", PLACE, subject=ada)
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert [type(each) for each in found] == [PeerUnavailable] * 3


async def test_who_stops_waiting_takes_the_key_from_nobody(keys: Keeping) -> None:
    organization, who = new_id(), contact()
    async with proxied("127.0.0.1", keys.port) as proxy:
        ring = await keys.ring(port=proxy.listening_on)
        held = proxy.hold("to_client", b"sealed")
        first, second = (asyncio.create_task(ring.seal(organization, b"1", PLACE, subject=who)) for _ in range(2))
        await held.reached.wait()
        first.cancel()
        held.release()
        assert await keys.keyring.open(organization, await second, PLACE) == b"1"
    assert keys.asked("current") == 1


async def test_a_key_is_fetched_in_a_transaction_although_there_is_no_second_connection(place: TestDatabase) -> None:
    async with keeping(place, pool_size=1) as keys:
        ring, organization = await keys.ring(pool_size=1), new_id()
        database = await keys.own_database(pool_size=1)
        async with database.transaction(organization):
            sealed = await ring.seal(organization, b"1", PLACE, subject=contact())
            await ring.seal(None, b"2", PLACE)
        async with keys.database.transaction(organization):
            assert await (await keys.ring()).open(organization, sealed, PLACE) == b"1"
            assert await keys.keyring.open(organization, sealed, PLACE) == b"1"


async def test_of_a_destroyed_organization_one_word_is_told_however_many_people_it_had(keys: Keeping) -> None:
    organization, ring = new_id(), await keys.ring()
    people = [contact() for _ in range(50)]
    await ring.prepare(organization, people)
    await keys.shred(organization, None)
    store = keys.store()
    assert await store.destroyed_within(60) == [Owner(organization)]
    await ring.forget_shredded()
    assert await ring.prepare(organization, people) == set(people)
    assert all(row["wrapped"] is None for row in await keys.rows())


async def test_when_too_many_were_destroyed_to_name_them_every_key_is_forgotten(keys: Keeping) -> None:
    organization, ring = new_id(), await keys.ring()
    sealed = await ring.seal(organization, b"1", PLACE)
    async with keys.database.transaction(organization) as tx:
        await tx.execute(
            """
            INSERT INTO seal_keys (id, organization_id, subject, shredded_at)
            SELECT gen_random_uuid(), $1, 'contact:' || gen_random_uuid(), kit_now() FROM generate_series(1, 10001)
            """,
            organization,
        )
    assert await keys.store().destroyed_within(60) is None
    await ring.forget_shredded()
    assert await ring.open(organization, sealed, PLACE) == b"1"
    assert keys.asked("find") == 1


async def test_a_service_neither_destroys_nor_rotates_what_compliance_keeps(keys: Keeping) -> None:
    ring, organization = await keys.ring(), new_id()
    sealed = await ring.seal(organization, b"1", PLACE)
    database = await keys.own_database()
    async with database.transaction(organization) as tx:
        for subject in (None, contact()):
            with pytest.raises(KeptElsewhere):
                await ring.shred(tx, organization, subject)
    with pytest.raises(SystemExit, match="compliance"):
        await cli.run(Namespace(step="rotate", organization=organization), ring, Console())
    await ring.rotate(None)
    await keys.keyring.rotate(organization)
    fresh = await keys.ring()
    assert (await fresh.seal(organization, b"2", PLACE))[1:17] != sealed[1:17]
    assert await fresh.open(organization, sealed, PLACE) == b"1"


async def test_a_key_that_compliance_does_not_know_is_broken_even_when_the_service_once_made_it(
    keys: Keeping,
) -> None:
    alone = Keyring(await keys.own_database(), LocalMasterKey.from_text("E" * 43))
    organization, ring = new_id(), await keys.ring()
    for whose, who in ((organization, None), (organization, contact()), (None, f"user:{new_id()}")):
        sealed = await alone.seal(whose, b"old", PLACE, subject=who)
        with pytest.raises(SealBroken):
            await ring.open(whose, sealed, PLACE)


async def test_an_answer_that_leaves_an_owner_out_is_not_taken_for_a_destroyed_key(keys: Keeping) -> None:
    organization = new_id()

    async def answer(body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async with listening(partial(answer, b'{"keys":[]}')) as port:
        with pytest.raises(SealBroken):
            await (await keys.ring(port=port)).seal(organization, b"1", PLACE)

"""What ends a kept answer: facts over the broker, changes through any gateway; and what comes too late is dead."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from contracts import encode
from contracts.auth import MemberRoleChanged, OrganizationRenamed
from contracts.event import Event
from contracts.example import example
from contracts.inbox import ChannelHealthChanged, MessageSent
from gateway.cache.policy import KEPT, Kept, Policy
from gateway.events.facts import fact_of

from .conftest import WITHIN, until
from .keeping import CHANNELS, MESSAGES, ONE, OURS, TALK, THEIRS, Reader, ending, serving
from .real_time import listening, platform

CASES = [(row, event) for row in KEPT for event in row.until]


def told(event: type[Event], organization: Any = OURS, **fields: Any) -> Event:
    """An event of an organization."""
    return example(event).model_copy(update={"id": uuid4(), "organization_id": UUID(str(organization)), **fields})


async def heard(door: Any, *events: Event) -> None:
    """As the feed does when these arrive."""
    await ending(door).heard([fact for event in events if (fact := fact_of(event)) is not None])


def address(row: Kept) -> str:
    """A path of a row."""
    path = row.path.replace("{organization_id}", OURS).replace("{conversation_id}", TALK)
    return path.replace("{channel_id}", ONE)


@pytest.mark.parametrize(
    ("row", "event"), CASES, ids=lambda each: getattr(each, "name", getattr(each, "__name__", ""))
)
async def test_each_event_of_a_row_ends_its_answers_and_no_others(house: Any, row: Kept, event: type[Event]) -> None:
    async with serving(house) as (service, door):
        ours, theirs = Reader(door), Reader(door, THEIRS)
        other = address(row).replace(OURS, THEIRS)
        await ours.read(address(row))
        await theirs.read(other)
        service.content = b'"two"'
        await heard(door, told(event, THEIRS, **({row.of: UUID(TALK)} if row.of else {})))
        assert (await ours.read(address(row))).body == b'"one"'
        assert (await theirs.read(other)).body == b'"two"'
        await heard(door, told(event, **({row.of: uuid4()} if row.of else {})))
        named = row.of in event.model_fields
        assert (await ours.read(address(row))).body == (b'"one"' if named else b'"two"')
        await heard(door, told(event, **({row.of: UUID(TALK)} if row.of else {})))
        answer = await ours.read(address(row))
        assert answer.body == b'"two"'


async def test_a_fact_over_the_broker_ends_answers_in_every_gateway(
    house: Any, broker_url: str, redis_url: str, namespace: str
) -> None:
    async with (
        platform(broker_url, redis_url, namespace) as world,
        world.feeding(),
        serving(house, gateways=2, now=lambda: 1000.0) as (service, first, second),
    ):
        reader = Reader(first)
        for path in (CHANNELS, MESSAGES):
            service.content = b'"one"'
            for door in (first, second):
                assert (await reader.at(door).read(path)).body == b'"one"'
                assert (await reader.at(door).read(path))["age"] == "0"
            service.content = b'"two"'
            await world.say(told(ChannelHealthChanged), told(MessageSent, conversation_id=UUID(TALK)))
            await until_other(reader, path)
            for door in (first, second):
                assert (await reader.at(door).read(path)).body == b'"two"'


async def until_other(reader: Reader, path: str) -> None:
    async with asyncio.timeout(WITHIN):
        while (await reader.read(path)).body == b'"one"':  # noqa: ASYNC110 - the event is on its way
            await asyncio.sleep(0.02)


async def test_whoever_reads_on_hearing_of_a_fact_reads_what_is_now(
    house: Any, broker_url: str, redis_url: str, namespace: str
) -> None:
    """The browser is told after the answers have ended, never before."""
    async with (
        platform(broker_url, redis_url, namespace) as world,
        world.feeding(),
        serving(house) as (service, door),
    ):
        path = f"/v1/organizations/{OURS}"
        reader = Reader(door, role="editor")
        async with listening(door, UUID(OURS)) as stream:
            await stream.some(1)
            for version in range(2, 12):
                await reader.read(path)
                service.content = orjson.dumps(version)
                await world.say(told(OrganizationRenamed, version=version))
                await stream.some(1)
                assert (await reader.read(path)).json() == version


async def test_an_answer_from_before_a_fact_is_dead_when_it_comes_after_it(house: Any) -> None:
    """Asked, then changed and heard, then answered: whoever waited gets it, and nobody else ever does."""
    async with serving(house, gateways=2) as (service, door, other):
        service.proceed.clear()
        slow = asyncio.create_task(Reader(door).read())
        await service.until_asked(1)
        service.content = b'"two"'
        await heard(door, told(ChannelHealthChanged))
        late = asyncio.create_task(Reader(door).read())
        await service.until_asked(2)  # it did not wait for the answer from before
        service.proceed.set()
        assert ((await slow).body, (await late).body) == (b'"one"', b'"two"')
        for each in (door, other):
            assert (await Reader(each).read()).body == b'"two"'


async def test_the_same_with_the_old_answer_coming_last(house: Any) -> None:
    async with serving(house, gateways=2) as (service, door, other):
        service.proceed.clear()
        slow = asyncio.create_task(Reader(door).read())
        await service.until_asked(1)
        service.content = b'"two"'
        await heard(door, told(ChannelHealthChanged))
        held, service.proceed = service.proceed, asyncio.Event()
        service.proceed.set()
        assert (await Reader(other).read()).body == b'"two"'
        held.set()
        assert (await slow).body == b'"one"'
        for each in (door, other):
            assert (await Reader(each).read()).body == b'"two"'


@pytest.mark.parametrize(
    ("read", "change", "method"),
    [
        (CHANNELS, CHANNELS, "POST"),
        (CHANNELS, f"{CHANNELS}/{ONE}", "DELETE"),
        (MESSAGES, MESSAGES, "POST"),
        ("/v1/conversations", f"/v1/conversations/{TALK}/read", "POST"),
        (f"/v1/conversations/{TALK}", f"/v1/conversations/{TALK}", "PATCH"),
        (MESSAGES, f"/v1/conversations/{TALK.upper()}", "PATCH"),
        (MESSAGES, "/v1/conversations/nonsense", "PUT"),
        (f"/v1/organizations/{OURS}", f"/v1/organizations/{OURS}", "PATCH"),
        (f"/v1/organizations/{OURS}/members", f"/v1/organizations/{OURS}/members/{ONE}", "PATCH"),
    ],
)
async def test_whoever_changes_something_reads_it_again_through_any_gateway(
    house: Any, read: str, change: str, method: str
) -> None:
    """No event has come; the change alone ends what it may have altered."""
    async with serving(house, gateways=2) as (service, door, other):
        reader = Reader(door)
        for each in (door, other):
            await reader.at(each).read(read)
        await reader.change(change, b'"two"', method)
        assert service.content == b'"two"'
        for each in (other, door):
            assert (await reader.at(each).read(read)).body == b'"two"'


async def test_a_change_in_another_organization_than_the_tokens_is_one_too(house: Any) -> None:
    async with serving(house) as (_, door):
        path = f"/v1/organizations/{THEIRS}"
        reader = Reader(door, OURS)
        await reader.read(path)
        await reader.change("/v1/organizations/{" + THEIRS.upper() + "}", method="PATCH")
        assert (await reader.read(path)).body == b'"two"'
        await door.ask(path, token=door.issuer.token(), method="PATCH", body=b'"three"')
        assert (await reader.read(path)).body == b'"three"'


async def test_a_change_spares_what_it_cannot_have_altered(house: Any) -> None:
    async with serving(house) as (service, door):
        reader, others = Reader(door), Reader(door, THEIRS)
        kept = (CHANNELS, f"/v1/organizations/{OURS}", f"/v1/conversations/{uuid4()}/messages")
        for path in kept:
            await reader.read(path)
        await others.read(MESSAGES)
        asked = service.reads
        await reader.change(MESSAGES)
        for path in kept:
            await reader.read(path)
        await others.read(MESSAGES)
        assert service.reads == asked


@pytest.mark.parametrize("how", ["breaks off", "leaves"])
async def test_a_change_of_which_nobody_knows_the_outcome_counts_as_made(house: Any, how: str) -> None:
    async with serving(house) as (service, door):
        reader = Reader(door)
        await reader.read()
        if how == "breaks off":
            service.raw = b"nonsense\r\n\r\n"
            assert (await reader.change()).status == 502
            service.raw = None
        else:
            service.proceed.clear()
            async with door.client() as client:
                head = f"POST {CHANNELS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {reader.token}\r\n"
                await client.send(head.encode() + b'content-length: 5\r\n\r\n"two"')
                await service.until_asked(2)
            await until(lambda: b'"outcome":"client-gone"' in flushed(door))
            service.proceed.set()
        assert (await reader.read()).body == b'"two"'


def flushed(door: Any) -> bytes:
    door.parts.log.flush()
    return bytes(door.log.getvalue())


async def test_an_event_that_this_version_cannot_read_ends_all_of_its_organization(
    house: Any, broker_url: str, redis_url: str, namespace: str
) -> None:
    async with (
        platform(broker_url, redis_url, namespace) as world,
        world.feeding(),
        serving(house) as (service, door),
    ):
        reader = Reader(door)
        paths = (CHANNELS, MESSAGES, f"/v1/organizations/{OURS}")
        for path in paths:
            await reader.read(path)
        service.content = b'"two"'
        newer = orjson.loads(encode(told(OrganizationRenamed))) | {"type": "auth.organization.praised.v1"}
        await world.say(orjson.dumps(newer), kind=OrganizationRenamed.type)
        for path in paths:
            await until_other(reader, path)


def test_a_row_can_only_be_ended_by_what_comes_and_says_which() -> None:
    row = Kept("x", "/v1/x/{conversation_id}", "role", (MemberRoleChanged,), of="conversation_id")
    with pytest.raises(ValueError, match="which"):
        Policy([row])
    internal = type("Internal", (OrganizationRenamed,), {"browsers": None, "__module__": __name__})
    with pytest.raises(ValueError, match="does not come"):
        Policy([Kept("x", "/v1/x", "role", (internal,))])

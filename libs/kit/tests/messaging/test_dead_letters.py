import argparse
import io
from uuid import UUID, uuid4

import pytest
from rich.console import Console

from contracts.auth import MemberAdded
from contracts.event import encode
from kit.db.database import Database, Transaction
from kit.errors import Conflict
from kit.messaging import cli
from kit.messaging.dead_letters import DeadLetterNotFound, DeadLetters, DeadLetterSettled
from kit.messaging.errors import PublishRefused
from kit.messaging.subscription import Subscription
from kit.messaging.wire import Message

from .conftest import ADDED, Bus
from .handlers import added, message, notes, on_member_added, told
from .test_consumer import consuming, letters, settled


class Refusing:
    """A handler that refuses everything until it is repaired."""

    repaired = False

    async def on_member_added(self, event: MemberAdded, tx: Transaction) -> None:
        if not self.repaired:
            raise Conflict("Not [bold]now[/].\x1b[31m")
        await on_member_added(event, tx)


async def buried(bus: Bus, database: Database, count: int = 1) -> tuple[list[MemberAdded], list[UUID]]:
    """So many events that became dead letters, and the ids of these."""
    events = [added() for _ in range(count)]
    async with consuming(bus, database, Subscription(MemberAdded, one=Refusing().on_member_added)):
        await bus.broker.publish([message(bus.topology, event) for event in events])
        await settled(database, count)
    rows = {row["message_id"]: row["id"] for row in await letters(database)}
    return events, [rows[event.id] for event in events]


async def test_a_replayed_letter_is_applied_once_even_when_it_is_replayed_twice(bus: Bus, database: Database) -> None:
    """The second replay stands for a process that died between the broker's confirm and its commit."""
    (event,), (letter,) = await buried(bus, database)
    dead = DeadLetters(database, bus.broker)
    async with consuming(bus, database, Subscription(MemberAdded, one=on_member_added)):
        await dead.replay(letter, by="ada")
        async with database.transaction() as tx:
            await tx.execute("UPDATE dead_letters SET state = 'dead'")
        await dead.replay(letter, by="ada")
        await settled(database, 2)
        await bus.broker.publish([message(bus.topology, last := added())])
        await settled(database, 3)
    applied = await notes(database, event.organization, last.organization)
    assert applied[event.member_id] == (1, "editor")
    found, _ = await dead.show(letter)
    assert (found.state, found.settled_by) == ("replayed", "ada")


async def test_a_letter_that_fails_again_is_a_new_letter(bus: Bus, database: Database) -> None:
    _, (letter,) = await buried(bus, database)
    async with consuming(bus, database, Subscription(MemberAdded, one=Refusing().on_member_added)):
        await DeadLetters(database, bus.broker).replay(letter, by="ada")
        await settled(database, 2)
    assert [(row["generation"], row["state"]) for row in await letters(database)] == [(0, "replayed"), (1, "dead")]


async def test_a_letter_is_settled_once(bus: Bus, database: Database) -> None:
    _, (letter,) = await buried(bus, database)
    dead = DeadLetters(database, bus.broker)
    await dead.discard(letter, by="ada")
    with pytest.raises(DeadLetterSettled, match="discarded"):
        await dead.replay(letter, by="ada")
    with pytest.raises(DeadLetterNotFound):
        await dead.replay(uuid4(), by="ada")
    assert await bus.depth(bus.queue(ADDED)) == 0


async def test_a_letter_whose_queue_is_gone_stays_dead(bus: Bus, database: Database) -> None:
    _, (letter,) = await buried(bus, database)
    async with database.transaction() as tx:
        await tx.execute("UPDATE dead_letters SET queue = queue || '/gone'")
    dead = DeadLetters(database, bus.broker)
    with pytest.raises(PublishRefused, match="no queue"):
        await dead.replay(letter, by="ada")
    found, _ = await dead.show(letter)
    assert found.state == "dead"


async def test_letters_are_listed_newest_first_page_by_page(bus: Bus, database: Database) -> None:
    await buried(bus, database, 7)
    dead = DeadLetters(database, bus.broker)
    first = await dead.page(limit=5)
    second = await dead.page(limit=5, before=first[-1].id)
    ids = [letter.id for letter in first + second]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 7
    assert await dead.page(queue="elsewhere") == []
    assert len([letter async for letter in dead.all_dead(bus.queue(ADDED))]) == 7
    assert await dead.count() == {(bus.queue(ADDED),): 7}


async def command(bus: Bus, database: Database, *words: str) -> tuple[int, str]:
    """Run a command as an operator would type it; its status and what it printed."""
    parser = argparse.ArgumentParser()
    cli.add_commands(parser.add_subparsers(dest="command"))
    out = io.StringIO()
    subscriptions = [Subscription(MemberAdded, one=on_member_added)]
    console = Console(file=out, width=200)
    parts = cli.Parts(database, bus.broker, bus.topology, "sample", subscriptions, console)
    return await cli.run(parser.parse_args(words), parts), out.getvalue()


async def test_an_operator_lists_shows_replays_and_discards(bus: Bus, database: Database) -> None:
    events, ids = await buried(bus, database, 3)
    status, out = await command(bus, database, "dead-letters", "list")
    assert status == 0
    assert all(str(letter) in out for letter in ids)
    assert "Not [bold]now[/]." in out
    assert "\x1b" not in out

    status, out = await command(bus, database, "dead-letters", "show", str(ids[0]))
    assert str(events[0].member_id) not in out
    _, out = await command(bus, database, "dead-letters", "show", str(ids[0]), "--body")
    assert str(events[0].member_id) in out

    status, out = await command(bus, database, "dead-letters", "discard", str(ids[0]), str(uuid4()), "--by", "ada")
    assert status == 1
    assert "1 discarded, 1 not" in out
    status, out = await command(bus, database, "dead-letters", "replay", "--queue", f"sample/{ADDED}")
    assert status == 0
    assert "2 sent again, 0 not" in out
    assert {UUID(each.message_id) for each in await bus.take(bus.queue(ADDED), 2)} == {e.id for e in events[1:]}
    assert (await command(bus, database, "dead-letters", "replay"))[0] == 0


async def test_an_operator_replays_the_history(bus: Bus, database: Database) -> None:
    event = added()
    await bus.broker.publish(told(bus.topology, event))
    await bus.take(bus.queue(ADDED))
    status, out = await command(bus, database, "replay", "--since", "2026-01-01T00:00:00Z", "--generation", "5")
    assert status == 0
    assert "1 sent as generation 5" in out
    (again,) = await bus.take(bus.queue(ADDED))
    assert (again.body, again.headers["generation"]) == (encode(event), 5)
    status, out = await command(bus, database, "replay", "--since", "2026-01-01T00:00:00Z", "--type", "a.b.c.v1")
    assert status == 1
    assert "does not subscribe" in out


async def test_an_undecodable_letter_is_shown_as_it_is(bus: Bus, database: Database) -> None:
    async with consuming(bus, database, Subscription(MemberAdded, one=on_member_added)):
        await bus.broker.publish([Message(bus.topology.events, ADDED, b"\xff\x1b[31m")])
        await settled(database, 1)
    (letter,) = await letters(database)
    status, out = await command(bus, database, "dead-letters", "show", str(letter["id"]), "--body")
    assert status == 0
    assert "\x1b" not in out

"""The operator's commands of every service: `dead-letters list|show|replay|discard` and `replay --since …`."""

import argparse
import getpass
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kit.db.database import Database
from kit.errors import DomainError, TransientError
from kit.messaging.broker import Broker
from kit.messaging.dead_letters import DeadLetters
from kit.messaging.replay import Progress, Replay
from kit.messaging.subscription import Subscription
from kit.messaging.topology import Topology

COMMANDS: Final = frozenset({"dead-letters", "replay"})


@dataclass(frozen=True, slots=True)
class Parts:
    """What the commands work with; `consumer` is the service's name in its queues."""

    database: Database
    broker: Broker
    topology: Topology
    consumer: str
    subscriptions: Sequence[Subscription[Any]]
    console: Console


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `dead-letters` and `replay` to a service's command line."""
    letters = commands.add_parser("dead-letters", help="messages that could not be applied")
    actions = letters.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="newest first, without their bodies")
    listing.add_argument("--state", choices=("dead", "replayed", "discarded"), default="dead")
    listing.add_argument("--queue")
    listing.add_argument("--before", type=UUID, metavar="ID", help="continue after this one")
    listing.add_argument("--limit", type=int, default=50)
    show = actions.add_parser("show", help="one of them")
    show.add_argument("id", type=UUID)
    show.add_argument("--body", action="store_true", help="the message too; it may hold a customer's data")
    for name, what in (("replay", "send to its queue again"), ("discard", "give up")):
        settle = actions.add_parser(name, help=what)
        settle.add_argument("ids", type=UUID, nargs="*", metavar="id")
        settle.add_argument("--queue", help="all dead letters of this queue")
        settle.add_argument("--by", default=getpass.getuser(), help="who decides (default: %(default)s)")
    replay = commands.add_parser("replay", help="send past events to this service's queues again")
    replay.add_argument("--since", type=_time, required=True, metavar="TIME", help="such as 2026-01-01T00:00:00Z")
    replay.add_argument("--type", action="append", default=[], dest="types", help="only this type; repeatable")
    replay.add_argument("--organization", type=UUID)
    replay.add_argument("--generation", type=int, help="that of an interrupted replay, to finish it")


async def run(arguments: argparse.Namespace, parts: Parts) -> int:
    """Carry out one of the commands and return the exit status."""
    commands: dict[tuple[str, str | None], Callable[[argparse.Namespace, Parts], Awaitable[int]]] = {
        ("dead-letters", "list"): _list,
        ("dead-letters", "show"): _show,
        ("dead-letters", "replay"): _settle,
        ("dead-letters", "discard"): _settle,
        ("replay", None): _replay,
    }
    command = commands[arguments.command, getattr(arguments, "action", None)]
    try:
        return await command(arguments, parts)
    except (DomainError, TransientError, ValueError) as trouble:
        parts.console.print(_plain(f"{type(trouble).__name__}: {trouble}"), style="red")
        return 1


async def _list(arguments: argparse.Namespace, parts: Parts) -> int:
    letters = await DeadLetters(parts.database, parts.broker).page(
        state=arguments.state,
        queue=_full_name(arguments.queue, parts),
        before=arguments.before,
        limit=arguments.limit,
    )
    table = Table("id", "dead at", "queue", "reason", "attempts", "error", title=f"{len(letters)} dead letters")
    for letter in letters:
        table.add_row(
            str(letter.id),
            f"{letter.dead_at:%Y-%m-%d %H:%M:%S}",
            parts.topology.label(letter.queue),
            letter.reason,
            str(letter.attempts),
            _plain(letter.error.partition("\n")[0][:80]),
        )
    parts.console.print(table)
    return 0


async def _show(arguments: argparse.Namespace, parts: Parts) -> int:
    letter, body = await DeadLetters(parts.database, parts.broker).show(arguments.id)
    table = Table(show_header=False)
    for name, value in asdict(letter).items():
        table.add_row(name, _plain("" if value is None else str(value)))
    table.add_row("body", _plain(_pretty(body) if arguments.body else f"{len(body)} bytes, shown with --body"))
    parts.console.print(table)
    return 0


async def _settle(arguments: argparse.Namespace, parts: Parts) -> int:
    letters = DeadLetters(parts.database, parts.broker)
    act = letters.replay if arguments.action == "replay" else letters.discard
    ids: list[UUID] = list(arguments.ids)
    if arguments.queue:
        ids += [letter.id async for letter in letters.all_dead(_full_name(arguments.queue, parts))]
    if not ids:
        parts.console.print("Nothing to do: give ids, or a --queue that has dead letters.")
        return 0
    failed = 0
    for letter_id in ids:
        try:
            await act(letter_id, by=arguments.by)
        except (DomainError, TransientError) as trouble:
            failed += 1
            parts.console.print(_plain(f"{letter_id} {type(trouble).__name__}: {trouble}"), style="red")
    done = "sent again" if arguments.action == "replay" else "discarded"
    parts.console.print(f"{len(ids) - failed} {done}, {failed} not.")
    return 1 if failed else 0


async def _replay(arguments: argparse.Namespace, parts: Parts) -> int:
    def report(progress: Progress) -> None:
        status.update(f"{progress.read} read, {progress.forwarded} sent, at {progress.at or 'the start'}")

    replay = Replay(parts.broker, parts.topology, parts.consumer, parts.subscriptions)
    with parts.console.status("looking for the start") as status:
        progress = await replay.run(
            arguments.since,
            clock=parts.database.clock,
            types=arguments.types,
            organization_id=arguments.organization,
            generation=arguments.generation,
            report=report,
        )
    parts.console.print(
        f"{progress.read} events read, {progress.forwarded} sent as generation {progress.generation}, "
        f"{progress.unreadable} unreadable."
    )
    return 0


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.utcoffset() is None:
        raise argparse.ArgumentTypeError("a time needs its zone, such as 2026-01-01T00:00:00Z")
    return time


def _full_name(queue: str | None, parts: Parts) -> str | None:
    """A queue may be given with or without the namespace."""
    if queue is None or queue.startswith(f"{parts.topology.namespace}/"):
        return queue
    return f"{parts.topology.namespace}/{queue}"


def _plain(text: str) -> Text:
    """Text from outside, without markup and without anything that would steer a terminal."""
    return Text("".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text))


def _pretty(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body.decode(errors="replace")

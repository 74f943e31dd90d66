"""The desk on the command line: `intake list|show|replay|discard`."""

import argparse
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Final
from uuid import UUID

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kit.errors import DomainError, TransientError
from kit.intake.desk import Choice, Desk
from kit.seal import SealBroken

COMMAND: Final = "intake"


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Let the parser of a service know these commands."""
    actions = commands.add_parser(COMMAND, help="what came in by webhook").add_subparsers(
        dest="action", required=True
    )
    listing = actions.add_parser("list", help="items in one state, newest first, and deliveries nobody could read")
    states = ("quarantined", "pending", "applied", "duplicate", "discarded", "unreadable")
    listing.add_argument("--state", choices=states, default="quarantined")
    listing.add_argument("--source")
    listing.add_argument("--reason")
    listing.add_argument("--before", type=UUID, metavar="ID", help="continue after this one")
    listing.add_argument("--limit", type=int, default=50)
    show = actions.add_parser("show", help="one item or delivery")
    show.add_argument("id", type=UUID)
    show.add_argument(
        "--payload", action="store_true", help="what was received too; it holds people's words and numbers"
    )
    for name, what in (("replay", "apply again"), ("discard", "give up")):
        settle = actions.add_parser(name, help=what)
        settle.add_argument("ids", type=UUID, nargs="*", metavar="id")
        settle.add_argument("--source", help="with --reason: all that this source was refused for it")
        settle.add_argument("--reason")
        settle.add_argument("--since", type=_time, metavar="TIME", help="such as 2026-01-01T00:00:00Z")


async def run(chosen: argparse.Namespace, desk: Desk, console: Console) -> int:
    """Do one of them and return the exit status."""
    actions: dict[str, Callable[[argparse.Namespace, Desk, Console], Awaitable[None]]] = {
        "list": _list,
        "show": _show,
        "replay": _settle,
        "discard": _settle,
    }
    try:
        await actions[chosen.action](chosen, desk, console)
    except (DomainError, TransientError, SealBroken) as trouble:
        console.print(_plain(f"{type(trouble).__name__}: {trouble}"), style="red")
        return 1
    return 0


async def _list(chosen: argparse.Namespace, desk: Desk, console: Console) -> None:
    if chosen.state == "unreadable":
        found = await desk.unreadable(source=chosen.source, before=chosen.before, limit=chosen.limit)
        table = Table("id", "received at", "source", "bytes", "reason", title=f"{len(found)} unreadable deliveries")
        for delivery in found:
            table.add_row(
                str(delivery.id),
                _short(delivery.received_at),
                delivery.source,
                str(delivery.bytes),
                _plain(delivery.reason),
            )
        console.print(table)
        return
    items = await desk.list(
        state=chosen.state, source=chosen.source, reason=chosen.reason, before=chosen.before, limit=chosen.limit
    )
    table = Table(
        "id", "received at", "source", "kind", "tenant", "attempts", "reason", title=f"{len(items)} {chosen.state}"
    )
    for item in items:
        texts = (_plain(each) for each in (item.source, item.kind, item.tenant, str(item.attempts), item.reason))
        table.add_row(str(item.id), _short(item.received_at), *texts)
    console.print(table)


async def _show(chosen: argparse.Namespace, desk: Desk, console: Console) -> None:
    record = await desk.show(chosen.id)
    table = Table(show_header=False)
    for name, value in asdict(record).items():
        table.add_row(name, _plain("" if value is None else str(value)))
    if chosen.payload:
        payload = await desk.payload(record)
        table.add_row("payload", _plain("" if payload is None else payload.decode(errors="replace")))
    console.print(table)


async def _settle(chosen: argparse.Namespace, desk: Desk, console: Console) -> None:
    choice = Choice(chosen.ids, chosen.source, chosen.reason, chosen.since)
    if chosen.action == "replay":
        console.print(f"{await desk.replay(choice)} will be applied again.")
    else:
        console.print(f"{await desk.discard(choice)} discarded.")


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.utcoffset() is None:
        raise argparse.ArgumentTypeError("a time needs its zone, such as 2026-01-01T00:00:00Z")
    return time


def _short(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"


def _plain(text: str | None) -> Text:
    """Text from outside, without markup and without anything that would steer a terminal."""
    return Text(
        "".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text or "")
    )

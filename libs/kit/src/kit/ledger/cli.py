"""The operator's commands: `ledger list|show|retry|give-up`."""

import argparse
import re
from dataclasses import asdict
from datetime import timedelta
from typing import Final
from uuid import UUID

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kit.errors import DomainError, TransientError
from kit.ledger.ledger import Ledger
from kit.ledger.model import Status
from kit.ledger.operating import OPEN, Operating

COMMAND: Final = "ledger"

_SPAN: Final = re.compile(r"(\d+)([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `ledger` to a service's command line."""
    actions = commands.add_parser(COMMAND, help="what is to be done outside, and what is stuck").add_subparsers(
        dest="action", required=True
    )
    listing = actions.add_parser("list", help="newest first; without --status what is unknown, unconfirmed, refused")
    listing.add_argument("--status", action="append", choices=[each.value for each in Status], default=[])
    listing.add_argument("--kind")
    listing.add_argument("--older-than", type=_span, default=timedelta(), metavar="SPAN", help="such as 90s, 15m, 2h")
    listing.add_argument("--before", type=UUID, metavar="ID", help="continue after this one")
    listing.add_argument("--limit", type=int, default=50)
    show = actions.add_parser("show", help="one of them, with what was tried")
    show.add_argument("id", type=UUID)
    retry = actions.add_parser("retry", help="try again now; what is unknown may then happen twice")
    retry.add_argument("ids", type=UUID, nargs="+", metavar="id")
    give_up = actions.add_parser("give-up", help="end as refused")
    give_up.add_argument("ids", type=UUID, nargs="+", metavar="id")
    give_up.add_argument("--reason", default="An operator gave it up.")


async def run(arguments: argparse.Namespace, ledger: Ledger, console: Console) -> int:
    """Carry out one of the commands and return the exit status."""
    operating = Operating(ledger)
    try:
        if arguments.action == "list":
            await _list(arguments, operating, console)
            return 0
        if arguments.action == "show":
            await _show(arguments.id, operating, console)
            return 0
    except (DomainError, TransientError) as trouble:
        console.print(_plain(f"{type(trouble).__name__}: {trouble}"), style="red")
        return 1
    return await _decide(arguments, operating, console)


async def _list(arguments: argparse.Namespace, operating: Operating, console: Console) -> None:
    effects = await operating.page(
        statuses=tuple(map(Status, arguments.status)) or OPEN,
        kind=arguments.kind,
        before=arguments.before,
        older_than=arguments.older_than,
        limit=arguments.limit,
    )
    table = Table("id", "kind", "status", "due at", "attempts", "lane", "why", title=f"{len(effects)} effects")
    for each in effects:
        why = f"held: {each.held}" if each.held else each.reason
        table.add_row(
            str(each.id),
            each.kind,
            each.status.value,
            f"{each.due_at:%Y-%m-%d %H:%M:%S}",
            str(each.attempt),
            _plain(each.lane_key),
            _plain(why[:80]),
        )
    console.print(table)


async def _show(entry_id: UUID, operating: Operating, console: Console) -> None:
    effect, attempts = await operating.show(entry_id)
    table = Table(show_header=False)
    for name, value in asdict(effect).items():
        table.add_row(name, _plain("" if value is None else str(value)))
    console.print(table)
    tried = Table("number", "what", "started at", "seconds", "outcome", "code", "said", title="what was tried")
    for each in attempts:
        started = f"{each.started_at:%Y-%m-%d %H:%M:%S}"
        words = (each.outcome, each.code, each.said)
        tried.add_row(str(each.number), each.what, started, f"{each.seconds:.2f}", *map(_plain, words))
    console.print(tried)


async def _decide(arguments: argparse.Namespace, operating: Operating, console: Console) -> int:
    failed = 0
    for entry_id in arguments.ids:
        try:
            if arguments.action == "retry":
                await operating.retry(entry_id)
            else:
                await operating.give_up(entry_id, arguments.reason)
        except (DomainError, TransientError) as trouble:
            failed += 1
            console.print(_plain(f"{entry_id} {type(trouble).__name__}: {trouble}"), style="red")
    done = "to be tried again" if arguments.action == "retry" else "given up"
    console.print(f"{len(arguments.ids) - failed} {done}, {failed} not.")
    return 1 if failed else 0


def _span(text: str) -> timedelta:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError("a span is a number and s, m, h or d, such as 15m")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _plain(text: str) -> Text:
    """Text from outside, without markup and without anything that would steer a terminal."""
    return Text("".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text))

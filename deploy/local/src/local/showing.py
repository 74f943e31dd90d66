"""What a person sees: addresses, the sign-in, who is up, what went wrong."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local import seed
from local.backing import Found, Unusable
from local.backing.probes import KINDS, shown
from local.logfiles import tail
from local.plan import Part, Plan
from local.running import NAME
from local.state import State
from local.supervisor import Record, answers


def ready(console: Console, plan: Plan) -> None:
    """The addresses and how to sign in."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 1))
    table.add_row("API", plan.url("gateway"))
    table.add_row("Sandbox and mailbox", f"{plan.url('sandbox')}/mailbox/messages")
    table.add_row("Sign in as", seed.EMAIL)
    table.add_row("with password", seed.password(plan.state))
    for name, found in plan.servers.items():
        table.add_row(name, f"{shown(found.url)} ({found.source})")
    console.print(table)


def failure(console: Console, progress: Mapping[str, Any]) -> None:
    """What went wrong, with the end of the log that tells why."""
    console.print(
        f" [red]✗[/] {progress.get('error') or 'it ended before it was ready'}", highlight=False, soft_wrap=True
    )
    if progress.get("log"):
        log = Path(progress["log"])
        console.print(f"\nThe end of {log}:", highlight=False)
        for line in tail(log):
            console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)


async def status(console: Console, state: State) -> bool:
    """Show every process and server; True when all are up."""
    plan = Plan.kept(state)
    if plan is None:
        console.print("Nothing has run here yet: make run, or make up.")
        return False
    parts = plan.parts()
    rows = [*(_part(state, part) for part in parts), *(_server(name, found) for name, found in plan.servers.items())]
    lines = await asyncio.gather(*rows)
    table = Table("name", "state", "process", "address", box=None, padding=(0, 2, 0, 1), header_style="bold")
    supervisor = Record(state, NAME).identity()
    lines.insert(0, (NAME, "up" if supervisor else "down", str(supervisor.pid) if supervisor else "", ""))
    for name, how, who, where in lines:
        table.add_row(name, f"[{'green' if how == 'up' else 'red'}]{how}[/]", who, where)
    console.print(table)
    return all(how == "up" for _, how, _, _ in lines)


async def _part(state: State, part: Part) -> tuple[str, str, str, str]:
    identity = Record(state, part.name).identity()
    if identity is None:
        return part.name, "down", "", part.address
    is_ready = await answers(part.ready)
    return part.name, "up" if is_ready else "not ready", str(identity.pid), part.address


async def _server(name: str, found: Found) -> tuple[str, str, str, str]:
    kind = next(kind for kind in KINDS if kind.name == name)
    try:
        await kind.usable(found.url)
    except Unusable:
        return name, "down", found.source, shown(found.url)
    return name, "up", found.source, shown(found.url)

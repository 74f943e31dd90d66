"""`make broadcast-chaos`: the whole of it, with its table and its verdict; ends with 1 when anything is wrong."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.broadcast_chaos.judging import books
from benchmarks.broadcast_chaos.setting import opened
from benchmarks.broadcast_chaos.story import Story, Terms
from benchmarks.crew import CrewGone, Unfinished
from kit.process import run
from kit.telemetry import logging
from kit.testing.databases import ADMIN_URL, Databases
from local.private_servers import PrivatePostgres

_SLOWEST: Final = 40
"""Recipients a second below which a step is given up: it ends by itself, also on a crowded machine."""


def terms(recipients: int = 50_000) -> Terms:
    """Three workers and all that is shot at them; a step takes as long as so many recipients may."""
    within = 300 + recipients / _SLOWEST
    return Terms(recipients=recipients, workers=3, rate=500, kill_every=10, broker_away=10, within=within)


@asynccontextmanager
async def _databases(folder: Path) -> AsyncIterator[Databases]:
    """On a PostgreSQL of our own where one can be started, else on everybody's."""
    if not PrivatePostgres.installed():
        databases = Databases(ADMIN_URL)
        try:
            yield databases
        finally:
            await databases.close()
        return
    own = PrivatePostgres(folder)
    await asyncio.to_thread(own.start)
    try:
        yield Databases(own.url)
    finally:
        await asyncio.to_thread(own.remove)


async def whole(terms: Terms) -> int:
    """The whole of it; 1 when somebody got it twice, or is forgotten, or it does not come to its end."""
    console = Console(width=120)
    try:
        return await _told(terms, console)
    except* (Unfinished, CrewGone) as stuck:
        for each in stuck.exceptions:
            console.print(f"[red]it has not come to its end[/]: {escape(str(each))}", highlight=False)
    return 1


async def _told(terms: Terms, console: Console) -> int:
    logging.configure("chaos", "critical")  # what breaks is meant to
    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory() as name, Progress(*columns, console=console) as bar:
        task = bar.add_task("servers start", total=terms.recipients)
        async with _databases(Path(name)) as databases, opened(databases, Path(name), terms.workers) as setting:
            story = Story(setting, terms, lambda what, done: bar.update(task, description=what, completed=done))
            broadcast_id = await story.run()
            bar.update(task, description="books are compared")
            found = await books(setting, broadcast_id)
            ended = setting.workers.ended
    shots, faults = story.shots, found.faults(terms.recipients)
    console.print(
        f"{terms.recipients:,} recipients in {shots.seconds:.0f} s past {shots.kills} kills of {terms.workers} "
        f"workers, {shots.flushes} flushes of Redis, {shots.restarts} deaths of the broker; "
        f"{found.copies:,} statuses told; {ended} workers ended by themselves"
    )
    console.print(found.table())
    for each in faults[:20]:
        console.print(f"[red]{each}[/]")
    console.print(
        f"[red]{len(faults):,} faults[/]" if faults else "[green]nobody got it twice, nobody is forgotten[/]"
    )
    return 1 if faults else 0


async def _until_told_to_stop(terms: Terms, stop: asyncio.Event) -> None:
    """Whoever stops it leaves no server behind."""
    work, told = asyncio.ensure_future(whole(terms)), asyncio.ensure_future(stop.wait())
    await asyncio.wait((work, told), return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not work.done():
        work.cancel()
    sys.exit(await work)


if __name__ == "__main__":
    run(partial(_until_told_to_stop, terms(*map(int, sys.argv[1:]))))

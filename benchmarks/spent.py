"""Where the processor's time goes, by process: what the kernel counts, however much others run on the same machine.

Wall time says little on a machine that is shared; what a call costs in seconds of a processor hardly moves, and in
units of the work that cannot be saved (a hash) it can be compared from machine to machine.
"""

import os
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.table import Table

_PROC: Final = Path("/proc")
_TICK: Final = os.sysconf("SC_CLK_TCK")

SHARED: Final = "(shared) "
"""Begins the names of servers that serve others on this machine, too: their share is an upper bound."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The processes of one platform: ours by number, PostgreSQL's backends by the database's name.

    `split` names a process whose event loop is told from its other threads.
    """

    processes: Mapping[str, int]
    database: str
    split: str = ""

    def now(self) -> dict[str, float]:
        """Seconds used so far, by name."""
        seen = defaultdict[str, float](float)
        for name, pid in self.processes.items():
            whole = _seconds(_PROC / str(pid))
            loop = _seconds(_PROC / str(pid) / "task" / str(pid)) if name == self.split else whole
            seen[name] += loop
            if name == self.split:
                seen[f"{name}, other threads"] += whole - loop
        for folder in _PROC.iterdir():
            name = self._server(folder) if folder.name.isdigit() else ""
            if name:
                seen[name] += _seconds(folder)
        return dict(seen)

    def since(self, before: Mapping[str, float]) -> dict[str, float]:
        """Seconds used since then, by name."""
        return {name: used - before.get(name, 0.0) for name, used in self.now().items()}

    def _server(self, folder: Path) -> str:
        """What a process is to the platform: a backend of its database, or a server that it shares."""
        try:
            told = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            return ""
        if told.startswith("postgres: "):
            if self.database in told:
                return "PostgreSQL's backends"
            return SHARED + "PostgreSQL's writers" if "writer" in told or "checkpointer" in told else ""
        if told.startswith("redis-server"):
            return SHARED + "Redis"
        return SHARED + "RabbitMQ" if "beam.smp" in told.partition(" ")[0] else ""


def _seconds(folder: Path) -> float:
    """User and system time of a process or a thread; none when it has ended."""
    try:
        fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK


def a_call(rounds: Sequence[Mapping[str, float]], calls: int) -> dict[str, float]:
    """What each process used for one of so many calls, in the median of the rounds."""
    names = {name for each in rounds for name in each}
    return {name: statistics.median(each.get(name, 0.0) for each in rounds) / calls for name in names}


def table(title: str, calls: Mapping[str, Mapping[str, float]], unit: float) -> Table:
    """What each kind of call uses by process: in milliseconds, and beside so many seconds."""
    shown = Table(title=title, box=None, header_style="bold", pad_edge=False, title_justify="left")
    shown.add_column("process")
    for call in calls:
        shown.add_column(f"a {call}", justify="right")
    names = sorted({name for each in calls.values() for name in each}, key=lambda name: (name[0] == "(", name))
    for name in names:
        shown.add_row(name, *(_cell(each.get(name, 0.0), unit) for each in calls.values()))
    shown.add_row("all", *(_cell(sum(each.values()), unit) for each in calls.values()), style="bold")
    return shown


def _cell(used: float, unit: float) -> str:
    return f"{1000 * used:.2f} ms  {used / unit:.3f}"

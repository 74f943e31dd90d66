"""What a person sees of a run: the plan, what happens while it happens, and the table at the end."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.chaos.comparing import Line
from local.chaos.plan import Strike

_SHOWN = 5
_WIDTH = 140  # where nobody looks on


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole run."""

    seed: int
    seconds: float
    plan: Sequence[Strike]
    lines: Sequence[Line]
    settled_after: float | None
    """Seconds from the end of the faults until nothing was left to do; None when it was still so at the bound."""

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, doubled or is unexplained."""
        return self.settled_after is not None and all(line.clean for line in self.lines)

    def write(self, path: Path) -> None:
        """Leave the whole of it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"clean": self.clean, **asdict(self)}, indent=2) + "\n", encoding="utf-8")


def announce(console: Console, seed: int, seconds: float, plan: Sequence[Strike]) -> None:
    """The plan, before it is carried out."""
    if not console.is_terminal:
        console.width = _WIDTH
    console.print(f"[bold]Chaos[/] seed {seed}, {seconds:g} s, {len(plan)} strikes:", highlight=False)
    for strike in plan:
        console.print(f"  {strike.at:6.1f} s  {strike}", highlight=False)


def conclude(console: Console, outcome: Outcome) -> None:
    """The table, what is wrong in detail, and how to repeat it."""
    table = Table(title=f"chaos, seed {outcome.seed}, {outcome.seconds:g} s, {len(outcome.plan)} strikes")
    table.add_column("what")
    for name in ("expected", "seen", "lost", "doubled", "unexplained"):
        table.add_column(name, justify="right")
    table.add_column("told")
    for line in outcome.lines:
        table.add_row(
            f"[{'green' if line.clean else 'red'}]{'✓' if line.clean else '✗'}[/] {line.what}",
            *(str(number) for number in (line.expected, line.seen)),
            *(_bad(found) for found in (line.lost, line.doubled, line.unexplained)),
            line.note,
        )
    console.print(table)
    _details(console, outcome.lines)
    _verdict(console, outcome)


def _details(console: Console, lines: Sequence[Line]) -> None:
    for line in lines:
        for name in ("lost", "doubled", "unexplained"):
            found = getattr(line, name)
            for each in found[:_SHOWN]:
                console.print(f"  {line.what}: {name}: {each}", style="red", highlight=False, markup=False)
            if len(found) > _SHOWN:
                console.print(f"  {line.what}: {name}: and {len(found) - _SHOWN} more", style="red", highlight=False)


def _verdict(console: Console, outcome: Outcome) -> None:
    after = outcome.settled_after
    settled = "It had not settled at the bound." if after is None else f"Settled {after:.1f} s after the last fault."
    good = "[green]Nothing lost, nothing doubled, nothing unexplained.[/]"
    console.print(f"{settled} {good if outcome.clean else '[red]The books do not agree.[/]'}", highlight=False)
    again = f"make chaos SECONDS={outcome.seconds:g} SEED={outcome.seed}"
    console.print(f"The same plan again (what it meets interleaves differently each time): {again}", highlight=False)


def _bad(found: Sequence[str]) -> str:
    return f"[red]{len(found)}[/]" if found else "0"

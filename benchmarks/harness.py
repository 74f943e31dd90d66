"""What every benchmark has in common: repeated pairs of value and reference, a file of results, one table.

A benchmark is a module with `measure(size)`; it measures its subject and the reference alternately in one run, since
the machine drifts by more between minutes than a case varies within one.
"""

import asyncio
import json
import os
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import psutil
from rich.console import Console
from rich.table import Table

from kit.telemetry import logging
from kit.testing.ports import free_port

Size = Literal["short", "full"]
Measure = Callable[[Size], Awaitable[Sequence["Result"]]]

FOLDER = Path("build/bench")


@dataclass(frozen=True, slots=True)
class Result:
    """One row: what we reach, run by run, and what the peer or the limit is in the same run.

    `bar` is the ratio to be reached; the ratio is oriented so that more is better, also where less is (milliseconds).
    A fixed limit is a single reference. `missing` names the peer that could not be had; there is no ratio then.
    """

    name: str
    unit: str
    values: Sequence[float] = ()
    references: Sequence[float] = ()
    bar: float | None = None
    less_is_better: bool = False
    missing: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """The median over the runs of value over reference."""
        if self.missing or not self.values or not self.references:
            return None
        pairs = zip(self.values, self._fitting(), strict=True)
        return statistics.median(theirs / ours if self.less_is_better else ours / theirs for ours, theirs in pairs)

    def told(self) -> dict[str, Any]:
        """As it stands in the file; `spread` is half the range of the values in per cent of their median."""
        value = statistics.median(self.values) if self.values else None
        return {
            "name": self.name,
            "value": _rounded(value),
            "unit": self.unit,
            "reference": _rounded(statistics.median(self.references) if self.references else None),
            "ratio": _rounded(self.ratio),
            "bar": self.bar,
            "runs": len(self.values),
            "spread": round(50 * (max(self.values) - min(self.values)) / value, 1) if value else None,
            **({"missing": self.missing} if self.missing else {}),
            **self.more,
        }

    def _fitting(self) -> Sequence[float]:
        return self.references if len(self.references) > 1 else [*self.references] * len(self.values)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def run(name: str, measure: Measure) -> None:
    """Measure, write `build/bench/<name>.json` and show the table; `full` as an argument for big data sets."""
    logging.configure("bench", "warning")
    size: Size = "full" if sys.argv[1:] == ["full"] else "short"
    results = asyncio.run(_told(measure, size))
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps({"results": results}, indent=2) + "\n", encoding="utf-8")
    Console().print(table({name: results}))


async def _told(measure: Measure, size: Size) -> list[dict[str, Any]]:
    return [result.told() for result in await measure(size)]


def table(benchmarks: dict[str, list[dict[str, Any]]]) -> Table:
    """All results as one readable table: what is below its bar is red."""
    shown = Table("benchmark", "case", box=None, header_style="bold", pad_edge=False)
    for column in ("value", "reference", "ratio", "bar", "runs", "±%"):
        shown.add_column(column, justify="right")
    for benchmark, results in benchmarks.items():
        for each in results:
            shown.add_row(benchmark, each["name"], *_cells(each))
    return shown


def _cells(each: dict[str, Any]) -> list[str]:
    ratio, bar = each["ratio"], each["bar"]
    style = "red" if ratio is not None and bar is not None and ratio < bar else "green"
    reference = f"[yellow]{each['missing']}[/]" if each.get("missing") else _shown(each["reference"])
    return [
        f"{_shown(each['value'])} {each['unit']}",
        reference,
        "" if ratio is None else f"[{style}]{ratio:.3g}[/]",
        _shown(bar),
        str(each["runs"]),
        _shown(each["spread"]),
    ]


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def cpu_seconds(pid: int) -> float:
    """What a process and its children have used of the processor so far, in seconds."""
    root = psutil.Process(pid)
    times = [each.cpu_times() for each in (root, *root.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which so many per cent of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


async def listening(port: int, *, within: float = 30.0) -> None:
    """Wait until somebody accepts connections on a port of this machine."""
    async with asyncio.timeout(within):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                await writer.wait_closed()
                return


def pinned(core: int) -> list[str]:
    """The beginning of a command line that keeps a program on one core; nothing where there is only one."""
    return ["taskset", "-c", str(core)] if (os.cpu_count() or 1) > core else []


@asynccontextmanager
async def serving(core: int, module: str, *arguments: str, within: float = 30.0) -> AsyncIterator[int]:
    """A module's server as a process on one core; gives its port, which the module is told last."""
    port = free_port()
    command = [*pinned(core), sys.executable, "-m", module, "server", *arguments, str(port)]
    process = await asyncio.create_subprocess_exec(*command)
    try:
        await listening(port, within=within)
        yield port
    finally:
        process.terminate()
        await process.wait()

"""The demo: a story told through the public doors only; it succeeds when every step was seen from outside."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from local.demo.importing import Watch
from local.demo.story import Story
from local.plan import Plan

Step = tuple[str, Callable[[], Awaitable[str]]]


@dataclass(frozen=True, slots=True)
class StepResult:
    """What came of one step: `seen` says what an outsider saw, or what went wrong."""

    name: str
    ok: bool
    seconds: float
    seen: str


async def tell(steps: Sequence[Step], on_result: Callable[[StepResult], None]) -> list[StepResult]:
    """Run the steps in order; after a failure the rest, which builds on it, is not run and counts as failed."""
    results: list[StepResult] = []
    failed = False
    for name, step in steps:
        started = time.perf_counter()
        if failed:
            result = StepResult(name, ok=False, seconds=0.0, seen="not run: an earlier step failed")
        else:
            try:
                seen = await step()
                result = StepResult(name, ok=True, seconds=round(time.perf_counter() - started, 3), seen=seen)
            except Exception as trouble:  # noqa: BLE001 - whatever went wrong is the result of this step
                failed = True
                seen = f"{type(trouble).__name__}: {trouble}"
                result = StepResult(name, ok=False, seconds=round(time.perf_counter() - started, 3), seen=seen)
        results.append(result)
        on_result(result)
    return results


async def _told(plan: Plan, on_result: Callable[[StepResult], None], watch: Watch) -> list[StepResult]:
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        return await tell(Story(plan, http, watch=watch).steps(), on_result)


@contextmanager
def _bar(console: Console) -> Iterator[Watch]:
    """How far a long step has come, on a terminal, below what has been seen."""
    columns = (TextColumn("   {task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def watch(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=of)
            progress.update(tasks[what], completed=done, total=of, visible=done < of)

        yield watch


def run(plan: Plan, report: Path) -> int:
    """Tell the whole story, write `report`, and return 0 only if every step was seen from outside."""
    console = Console()

    def show(result: StepResult) -> None:
        mark = "[green]✓[/]" if result.ok else "[red]✗[/]"
        console.print(f" {mark} {result.name:<58} [dim]{result.seconds:6.2f} s[/]  {result.seen}", highlight=False)

    with _bar(console) as watch:
        results = asyncio.run(_told(plan, show, watch))
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(json.dumps({"steps": [asdict(result) for result in results]}, indent=2) + "\n")
    bad = sum(not result.ok for result in results)
    console.print(f"\n{len(results) - bad} of {len(results)} steps seen; written to {report}", highlight=False)
    return 1 if bad else 0

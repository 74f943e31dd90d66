"""The same run without a terminal: started, watched until it is ready, and ended by its record."""

import subprocess
import sys
import time

from rich.console import Console

from local import progress, showing
from local.backing import stop_ours
from local.plan import Plan
from local.processes import end
from local.running import NAME
from local.state import CHECKOUT, State
from local.supervisor import Record, end_leftovers

_STOP_WITHIN = 60.0


def up(state: State, console: Console) -> int:
    """Start in the background and return when the platform is ready, or with what went wrong."""
    plan = Plan.kept(state)
    if Record(state, NAME).identity() is not None and plan is not None:
        console.print("It runs already: make status, make logs, make down.")
        showing.ready(console, plan)
        return 0
    state.forget("progress.json")
    log = state.logs / f"{NAME}.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "local", "supervise"],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        return _watch(state, console, child)
    except KeyboardInterrupt:
        down(state, console)
        return 130


def _watch(state: State, console: Console, child: "subprocess.Popen[bytes]") -> int:
    told = 0
    with console.status("Starting") as spinner:
        while True:
            ended = child.poll() is not None
            content = progress.kept(state)
            for step in content.get("steps", [])[told:]:
                console.print(f" [green]✓[/] {step}", highlight=False)
                told += 1
            spinner.update(content.get("now") or "Starting")
            if ended or content.get("phase") in {"ready", "failed"}:
                break
            time.sleep(0.1)
    plan = Plan.kept(state)
    if content.get("phase") == "ready" and plan is not None and not ended:
        child.returncode = 0  # it lives on without us
        showing.ready(console, plan)
        return 0
    child.wait()
    showing.failure(console, {"log": str(state.logs / f"{NAME}.log")} | {k: v for k, v in content.items() if v})
    return 1


def down(state: State, console: Console) -> int:
    """End the run and whatever of ours is left: processes first, then the servers we started."""
    identity = Record(state, NAME).identity()
    if identity is not None:
        with console.status("Stopping"):
            end(identity, patience=_STOP_WITHIN)
    left = [*end_leftovers(state), *stop_ours(state)]
    said = "Stopped" if identity is not None or left else "Nothing was running"
    console.print(said + (f"; left over and ended: {', '.join(left)}" if left else ""), soft_wrap=True)
    return 0

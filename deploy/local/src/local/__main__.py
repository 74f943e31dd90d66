"""`python -m local <command>`: what the Makefile calls."""

import argparse
import asyncio
import secrets
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console

from kit.db.provision import ForeignDatabase
from kit.testing.databases import drop_all_test_databases
from local import background, demo, logfiles, seed, showing, upkeep
from local.backing import Unusable
from local.chaos import chaos
from local.plan import Plan
from local.progress import Progress, kept
from local.running import NAME, AlreadyRunning, Run, only_run
from local.state import CHECKOUT, State
from local.supervisor import Record

Arguments = argparse.Namespace


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit status."""
    asked = _parser().parse_args(arguments)
    console, state = Console(), State.of()
    try:
        return _COMMANDS[asked.command](state, console, asked)
    except (Unusable, ForeignDatabase, ValueError) as refusal:
        Console(stderr=True).print(str(refusal), highlight=False, markup=False)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The whole platform on one machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, command in _COMMANDS.items():
        commands.add_parser(name, help=(command.__doc__ or "").splitlines()[0])
    commands.choices["logs"].add_argument("name", nargs="?", help="one process or server; all without it")
    commands.choices["clock"].add_argument("--forward", type=upkeep.duration, help="such as 90m, 1h30m or 2d")
    commands.choices["clock"].add_argument("--reset", action="store_true", help="back to the server's time")
    commands.choices["test"].add_argument("rest", nargs="*", help="passed on to pytest, after --")
    commands.choices["chaos"].add_argument("--seconds", type=float, default=60.0, help="how long there is traffic")
    commands.choices["chaos"].add_argument("--seed", type=int, help="draws the plan; at random without it")
    commands.choices["dead-letters"].add_argument("rest", nargs=argparse.REMAINDER, help="SERVICE COMMAND ...")
    return parser


def _run(state: State, console: Console, _: Arguments) -> int:
    """Run in the foreground until Ctrl-C."""

    def show(name: str, line: bytes) -> None:
        console.print(logfiles.readable(name, line), soft_wrap=True)

    try:
        with only_run(state):
            status = asyncio.run(_live(state, console, show))
    except AlreadyRunning:
        console.print("It runs already: make status, make logs, make down.")
        return 1
    if status:
        showing.failure(console, kept(state))
    return status


def _supervise(state: State, console: Console, _: Arguments) -> int:
    """Run in the background, started by `up`."""
    with only_run(state):
        return asyncio.run(_live(state, console, None))


async def _live(state: State, console: Console, show: Callable[[str, bytes], None] | None) -> int:
    def ready(plan: Plan) -> None:
        if show is not None:
            showing.ready(console, plan)

    return await Run(state, Progress(state, console), show=show, on_ready=ready).live()


def _up(state: State, console: Console, _: Arguments) -> int:
    """Start in the background; return when it is ready."""
    return background.up(state, console)


def _down(state: State, console: Console, _: Arguments) -> int:
    """Stop what runs, and the servers started for it."""
    return background.down(state, console)


def _status(state: State, console: Console, _: Arguments) -> int:
    """Show what runs; 1 when something is down."""
    return 0 if asyncio.run(showing.status(console, state)) else 1


def _logs(state: State, console: Console, asked: Arguments) -> int:
    """Show the logs, and follow them on a terminal."""
    paths = sorted(path for path in state.logs.glob("*.log") if asked.name in {None, path.stem})
    if not paths:
        console.print(f"There is no log of {asked.name}." if asked.name else "There are no logs yet.")
        return 1
    for path in paths:
        for line in logfiles.tail(path, 200 if asked.name else 20):
            console.print(logfiles.readable(path.stem, line.encode()), soft_wrap=True)
    if console.is_terminal:
        for name, fresh in logfiles.follow(paths):
            console.print(logfiles.readable(name, fresh), soft_wrap=True)
    return 0


def _demo(state: State, console: Console, _: Arguments) -> int:
    """Tell the demo's story; the platform is started for it when it does not run."""
    ours = Record(state, NAME).identity() is None
    if ours and (status := background.up(state, console)):
        return status
    try:
        return demo.run(_plan(state), CHECKOUT / "build" / "demo.json")
    finally:
        if ours:
            background.down(state, console)


def _demo_credentials(state: State, console: Console, _: Arguments) -> int:
    """Print the demo account's address and password."""
    console.print(f"{seed.EMAIL}\n{seed.password(state)}", highlight=False, markup=False)
    return 0


def _clock(state: State, console: Console, asked: Arguments) -> int:
    """Print the platform's time, or move it."""
    now = asyncio.run(upkeep.clock(_plan(state), forward=asked.forward, reset=asked.reset))
    console.print(now.isoformat(timespec="seconds"), highlight=False)
    return 0


def _test(state: State, console: Console, asked: Arguments) -> int:
    """Run pytest against real servers."""
    return upkeep.test(state, asked.rest, console)


def _dead_letters(state: State, _: Console, asked: Arguments) -> int:
    """List dead letters of every service, or pass a command on to one."""
    return upkeep.dead_letters(_plan(state), asked.rest)


def _chaos(state: State, console: Console, asked: Arguments) -> int:
    """Shoot at a platform with servers of its own; 1 when anything is lost, doubled or unexplained."""
    drawn = secrets.randbelow(1_000_000) if asked.seed is None else asked.seed
    own, result = State(state.folder / "chaos"), CHECKOUT / "build" / "chaos" / f"{drawn}.json"
    own.run.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with only_run(own):
            clean = chaos(asked.seconds, drawn, folder=own.folder, result=result, console=console)
    except AlreadyRunning:
        console.print("Chaos runs already in this checkout.")
        return 1
    return 0 if clean else 1


def _clean_data(state: State, console: Console, _: Arguments) -> int:
    """Delete the data made by this checkout, and nothing else."""
    if Record(state, NAME).identity() is not None:
        console.print("It still runs: make down first.")
        return 1
    plan = Plan.kept(state)
    asyncio.run(upkeep.clean_data(state))
    if plan is not None and plan.servers.postgres.source in {"environment", "standard"}:
        asyncio.run(drop_all_test_databases(plan.servers.postgres.url))
    console.print("The data of this checkout has been deleted.")
    return 0


def _plan(state: State) -> Plan:
    plan = Plan.kept(state)
    if plan is None:
        raise Unusable("Nothing has run here yet: make run, or make up.")
    return plan


_COMMANDS: Mapping[str, Callable[[State, Console, Arguments], int]] = {
    "run": _run,
    "up": _up,
    "supervise": _supervise,
    "down": _down,
    "status": _status,
    "logs": _logs,
    "demo": _demo,
    "demo-credentials": _demo_credentials,
    "clock": _clock,
    "test": _test,
    "dead-letters": _dead_letters,
    "chaos": _chaos,
    "clean-data": _clean_data,
}

if __name__ == "__main__":
    sys.exit(main())

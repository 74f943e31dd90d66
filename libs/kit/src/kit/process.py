"""The life of a process: uvloop, signals, loops that are never left dead, and an orderly end."""

import asyncio
import contextlib
import gc
import inspect
import random
import signal
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
import uvloop

from kit.telemetry import metrics

log = structlog.get_logger(__name__)

CRASHES = metrics.counter("loop_crashes_total", "Times a background loop crashed and was restarted", ("loop",))
RUNS = metrics.counter("loop_runs_total", "Steps a background loop has finished", ("loop",))

T = TypeVar("T")
Stage = Callable[[asyncio.Event], Awaitable[None]]
Work = Callable[[], Awaitable[object]] | Callable[[asyncio.Event], Awaitable[object]]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0
_STEADY = 60.0  # a loop that ran this long starts its back-off anew


@dataclass(frozen=True, slots=True)
class Loop:
    """A piece of background work under supervision.

    Without `every`, `work` runs until it is cancelled, or until the stop event is set if it takes one. With `every`,
    it is a step that is repeated: at once when it returns something true (there may be more), else after that many
    seconds, a little jittered. At the end a step under way, and a work that takes the stop event, gets `grace`
    seconds before it is cancelled; after a cancellation there are `grace` seconds for its clean-up.
    """

    name: str
    work: Work
    every: float | None = None
    grace: float = 5.0

    @property
    def takes_stop(self) -> bool:
        """Whether the work wants to be told of the end instead of being cancelled."""
        return any(
            parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
            for parameter in inspect.signature(self.work).parameters.values()
        )


def run(main: Stage) -> None:
    """Run `main(stop)` under uvloop; SIGTERM and SIGINT set `stop`, a second one cancels.

    A crash is told on stderr and ends the process with 1.
    """
    tune()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_signalled(main))
    except asyncio.CancelledError:
        sys.exit(130)
    except Exception:  # noqa: BLE001 - the end of the process: said on stderr and in the exit status
        traceback.print_exc()
        sys.exit(1)


def tune() -> None:
    """Set the interpreter as all our processes have it: the garbage collector, which stops all, works seldom."""
    gc.set_threshold(10_000, 20, 50)


async def _signalled(main: Stage) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    task = asyncio.ensure_future(main(stop))

    def on_signal() -> None:
        if stop.is_set():
            task.cancel()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    try:
        await task
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def supervise(loops: Sequence[Loop], stop: asyncio.Event, *, deadline: float = 20.0) -> None:
    """Keep the loops running until `stop`, then end them one after the other in the order they are listed.

    So list first what takes work in (consumers) and last what sends it out (the relay). All together have `deadline`
    seconds to end. A crash is logged with its trace and counted, and the loop starts again after a jittered back-off
    of at most 30 seconds.
    """
    ends = [asyncio.Event() for _ in loops]
    tasks = [
        asyncio.create_task(_kept_running(loop, end), name=loop.name) for loop, end in zip(loops, ends, strict=True)
    ]
    try:
        await stop.wait()
        until = time.monotonic() + deadline
        for loop, end, task in zip(loops, ends, tasks, strict=True):
            end.set()
            await _ended(loop, task, until)
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)


async def _ended(loop: Loop, task: asyncio.Task[None], until: float) -> None:
    """Give the loop its grace, cancel it, give it the same for its clean-up; say so when it is still there."""

    def left() -> float:
        return max(0.0, min(loop.grace, until - time.monotonic()))

    if loop.takes_stop or loop.every is not None:
        await asyncio.wait((task,), timeout=left())
    if not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=left())
    if not task.done():
        log.error("loop.did_not_end", loop=loop.name)


async def _kept_running(loop: Loop, end: asyncio.Event) -> None:
    pause = _FIRST_PAUSE
    while not end.is_set():
        started = time.monotonic()
        try:
            await _worked(loop, end)
            if end.is_set():
                return
            log.warning("loop.ended_by_itself", loop=loop.name)
        except Exception:
            log.exception("loop.crashed", loop=loop.name)
        CRASHES.labels(loop.name).inc()
        if time.monotonic() - started > _STEADY:
            pause = _FIRST_PAUSE
        await _wait(end, pause * random.uniform(0.5, 1.0))
        pause = min(pause * 2, _LONGEST_PAUSE)


async def _worked(loop: Loop, end: asyncio.Event) -> None:
    call: Callable[..., Awaitable[object]] = loop.work
    arguments = (end,) if loop.takes_stop else ()
    if loop.every is None:
        await call(*arguments)
        return
    while not end.is_set():
        more = await call(*arguments)
        RUNS.labels(loop.name).inc()
        await _wait(end, 0.0 if more else loop.every * random.uniform(0.9, 1.1))


async def _wait(end: asyncio.Event, seconds: float) -> None:
    if seconds <= 0:
        await asyncio.sleep(0)
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await end.wait()


async def in_order(stop: asyncio.Event, *stages: Stage) -> None:
    """Run all stages together; after `stop`, end them one after the other in the order given.

    First what takes work in: `in_order(stop, partial(serve, app, host, port), partial(supervise, loops))`. A stage
    that fails or ends by itself ends the others, and its exception leaves here.
    """
    ends = [asyncio.Event() for _ in stages]
    tasks: list[asyncio.Future[Any]] = [
        asyncio.ensure_future(stage(end)) for stage, end in zip(stages, ends, strict=True)
    ]
    stopped: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((*tasks, stopped), return_when=asyncio.FIRST_COMPLETED)
        for end, task in zip(ends, tasks, strict=True):
            end.set()
            await asyncio.wait((task,))
    finally:
        for task in (*tasks, stopped):
            task.cancel()
        await asyncio.gather(*tasks, stopped, return_exceptions=True)
    for task in tasks:
        task.result()


async def either(*events: asyncio.Event, within: float) -> None:
    """Wait until one of the events is set, at most so many seconds."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()


async def whatever_comes(work: Awaitable[T]) -> T:
    """Bring this to its end although we are cancelled meanwhile, once or more; for a last word that must be said."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait((task,))
    return task.result()


async def cancelled(*tasks: asyncio.Future[Any]) -> None:
    """Cancel these until they have ended; a library that swallows a cancellation (aio-pika does) is told again."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=1.0)
    await asyncio.gather(*tasks, return_exceptions=True)

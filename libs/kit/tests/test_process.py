"""Processes: real ones, where signals matter."""

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Never

import httpx
import pytest
from fastapi import APIRouter

from kit import process
from kit.http.app import create_app
from kit.http.serving import serve
from kit.process import Loop, in_order, supervise, whatever_comes


@asynccontextmanager
async def supervised(*loops: Loop, deadline: float = 20.0) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(supervise(loops, stop, deadline=deadline))
    try:
        yield
    finally:
        stop.set()
        await task


async def test_a_step_is_repeated_at_once_while_there_is_more() -> None:
    work, idle = [1] * 20, asyncio.Event()

    async def step() -> object:
        if work:
            return work.pop()
        idle.set()
        return None

    async with supervised(Loop("steps", step, every=3600)):
        await asyncio.wait_for(idle.wait(), 30)


async def test_a_crashed_loop_is_counted_and_starts_again() -> None:
    runs, again = [], asyncio.Event()
    before = process.CRASHES.labels("crashing")._value.get()

    async def work() -> None:
        runs.append(1)
        if len(runs) == 1:
            raise RuntimeError
        again.set()
        await asyncio.Event().wait()

    async with supervised(Loop("crashing", work)):
        await asyncio.wait_for(again.wait(), 30)
    assert process.CRASHES.labels("crashing")._value.get() == before + 1


async def test_a_loop_that_ends_by_itself_starts_again() -> None:
    runs, again = [], asyncio.Event()

    async def work() -> None:
        runs.append(1)
        if len(runs) == 2:
            again.set()

    async with supervised(Loop("ending", work)):
        await asyncio.wait_for(again.wait(), 30)


async def test_at_the_end_a_step_under_way_is_finished_and_others_wait_their_turn() -> None:
    told, begun = [], asyncio.Event()

    async def consume() -> None:
        begun.set()
        await asyncio.sleep(0.05)
        told.append("consumed")

    async def relay(stop: asyncio.Event) -> None:
        await stop.wait()
        told.append("relayed")

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            told.append("closed")

    async with supervised(Loop("consume", consume, every=3600), Loop("relay", relay), Loop("forever", forever)):
        await begun.wait()
    assert told == ["consumed", "relayed", "closed"]


async def test_a_loop_that_will_not_end_is_cancelled_after_its_grace() -> None:
    async def stubborn(_stop: asyncio.Event) -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(30), supervised(Loop("stubborn", stubborn, grace=0.05), deadline=3600):
        await asyncio.sleep(0)


async def test_a_loop_that_swallows_its_cancellation_does_not_hold_up_the_end() -> None:
    release = asyncio.Event()

    async def deaf() -> None:
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()

    stop = asyncio.Event()
    task = asyncio.create_task(supervise((Loop("deaf", deaf, grace=0.05),), stop, deadline=0.1))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait((task,), timeout=30)
    ended = task.done()
    release.set()
    await task
    assert ended


async def test_stages_end_in_order_and_a_failed_one_ends_the_others() -> None:
    told, stop = [], asyncio.Event()

    async def stage(name: str, end: asyncio.Event) -> None:
        await end.wait()
        told.append(name)

    async def failing(_end: asyncio.Event) -> Never:
        raise OSError("port taken")

    running = asyncio.create_task(in_order(stop, partial(stage, "first"), partial(stage, "second")))
    await asyncio.sleep(0)
    stop.set()
    await running
    assert told == ["first", "second"]
    with pytest.raises(OSError, match="port taken"):
        await in_order(asyncio.Event(), partial(stage, "third"), failing)
    assert told[-1] == "third"


async def test_a_taken_port_is_said_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await serve(None, "127.0.0.1", taken.getsockname()[1], asyncio.Event())


async def _takes_connections(client: httpx.AsyncClient) -> bool:
    async with httpx.AsyncClient(base_url=client.base_url, trust_env=False) as other:
        try:
            await other.get("/livez")
        except httpx.TransportError:
            return False
    return True


async def test_a_request_under_way_is_answered_before_the_end_and_readiness_goes_first() -> None:
    router, entered, go = APIRouter(), asyncio.Event(), asyncio.Event()

    @router.get("/slow")
    async def slow() -> str:
        entered.set()
        await go.wait()
        return "done"

    app = create_app(service="sample", title="Sample", routers=[router])
    stop, unready, port = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve(app, "127.0.0.1", 0, stop, bound=port.set_result, on_drain=unready.set, notice=8.0)
    )
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{await port}", trust_env=False, timeout=60) as client:
        request = asyncio.create_task(client.get("/slow"))
        await entered.wait()
        stop.set()
        await unready.wait()
        assert (await client.get("/readyz")).status_code == 503
        while await _takes_connections(client):  # noqa: ASYNC110 - the port closes without telling
            await asyncio.sleep(0.05)
        go.set()
        assert (await request).json() == "done"
    await serving


MAIN = """
import asyncio, sys
from functools import partial
from kit import process
from kit.http.app import create_app
from kit.http.serving import serve
from kit.process import Loop
from kit.telemetry import logging

async def tick():
    pass

async def main(stop):
    logging.configure("sample")
    app = create_app(service="sample", title="Sample")
    port = lambda number: print("port", number, flush=True)
    await process.in_order(
        stop,
        partial(serve, app, "127.0.0.1", 0, bound=port),
        partial(process.supervise, (Loop("tick", tick, every=0.01),)),
    )
    print("closed", flush=True)

async def crash(stop):
    raise RuntimeError("boom")

async def stuck(stop):
    print("port 1", flush=True)
    await stop.wait()
    print("told", flush=True)
    await asyncio.Event().wait()

process.run({"main": main, "crash": crash, "stuck": stuck}[sys.argv[1]])
"""


def started(what: str) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", MAIN, what], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    if what != "crash":
        while not child.stdout.readline().startswith("port"):
            assert child.poll() is None
    return child


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_in_order_with_status_zero(number: int) -> None:
    child = started("main")
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, "")
    assert out.strip().endswith("closed")


def test_a_second_signal_ends_what_does_not_end() -> None:
    child = started("stuck")
    child.send_signal(signal.SIGTERM)
    assert child.stdout is not None
    assert child.stdout.readline() == "told\n"
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.3)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=60)
    assert child.returncode != 0


def test_a_crash_is_told_on_stderr_and_ends_with_one() -> None:
    child = started("crash")
    _, err = child.communicate(timeout=60)
    assert child.returncode == 1
    assert "RuntimeError: boom" in err


async def test_a_last_word_is_said_however_often_it_is_interrupted() -> None:
    told, go = [], asyncio.Event()

    async def last_word() -> str:
        await go.wait()
        told.append("said")
        return "said"

    task = asyncio.create_task(whatever_comes(last_word()))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    go.set()
    assert await task == "said"
    assert told == ["said"]

"""The supervisor with small programs in place of the services."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from local.logfiles import Lines, LogFile, readable, tail
from local.plan import Part
from local.processes import Identity, free_port
from local.state import State
from local.supervisor import NotReady, Record, Supervisor, answers, end_leftovers

SERVER = """
import http.server, signal, sys
class Door(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): print("asked", flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Door).serve_forever()
"""


def part(name: str, program: str = SERVER, port: int | None = None) -> Part:
    port = port or free_port()
    environment = {"PATH": os.environ["PATH"]}
    return Part(name, (sys.executable, "-c", program, str(port)), environment, f"http://127.0.0.1:{port}/readyz")


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not what():  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.02)


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[State]:
    state = State.of(tmp_path)
    yield state
    end_leftovers(state)


async def test_parts_are_ready_are_restarted_when_killed_and_end_together(state: State) -> None:
    one, two = part("one"), part("two")
    supervisor = Supervisor(state, [one, two])
    seen: list[str] = []
    supervisor.start()
    await supervisor.until_ready(seen.append)
    assert sorted(seen) == ["one", "two"]

    before = Record(state, "one").identity()
    assert before is not None
    os.kill(before.pid, signal.SIGKILL)
    await until(lambda: (now := Record(state, "one").identity()) and now.pid != before.pid)
    await until(lambda: "ended with status -9" in "\n".join(tail(state.logs / "one.log")))

    running = [Record(state, name).identity() for name in ("one", "two")]
    await supervisor.stop()
    assert not any(identity.alive for identity in running if identity)
    assert not await answers(one.ready)
    assert list(state.run.glob("*.json")) == []


async def test_a_part_starts_after_those_it_leans_on(state: State) -> None:
    first = part("first", "import time; time.sleep(0.4)\n" + SERVER)
    supervisor = Supervisor(state, [replace(part("second"), after=("first",)), first])
    seen: list[str] = []
    supervisor.start()
    await supervisor.until_ready(seen.append)
    assert seen == ["first", "second"]
    await supervisor.stop()


async def test_stopping_does_not_wait_for_a_part_whose_turn_never_came(state: State) -> None:
    never = part("never", "import time; time.sleep(600)")
    supervisor = Supervisor(state, [never, replace(part("second"), after=("never",))])
    supervisor.start()
    await until(lambda: Record(state, "never").identity())
    async with asyncio.timeout(20):
        await supervisor.stop()


async def test_a_part_that_ends_again_and_again_is_named_with_its_log(state: State) -> None:
    supervisor = Supervisor(state, [part("broken", "print('no key'); raise SystemExit(3)")])
    supervisor.start()
    with pytest.raises(NotReady, match="broken ended 3 times") as failure:
        await supervisor.until_ready(lambda _: None)
    await supervisor.stop()
    assert "no key" in tail(failure.value.log)


async def test_a_part_that_ignores_the_request_to_leave_is_killed(
    state: State,
) -> None:
    stubborn = SERVER.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN")
    supervisor = Supervisor(state, [part("stubborn", stubborn)], grace=0.3)
    supervisor.start()
    await supervisor.until_ready(lambda _: None)
    identity = Record(state, "stubborn").identity()
    await supervisor.stop()
    assert identity is not None
    assert not identity.alive


async def test_what_a_killed_run_has_left_is_ended_by_the_next_but_nobody_elses_process(state: State) -> None:
    mine = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(600)")
    Record(state, "orphan").write(mine.pid)
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(601)")
    try:
        recycled = Record(state, "recycled")
        recycled.path.write_text(Record(state, "orphan").path.read_text().replace(str(mine.pid), str(other.pid)))
        assert await asyncio.to_thread(end_leftovers, state) == ["orphan"]
        assert await mine.wait() == -signal.SIGTERM
        assert other.returncode is None
        assert list(state.run.glob("*.json")) == []
    finally:
        other.kill()
        await other.wait()


async def test_every_line_is_shown_and_kept(state: State) -> None:
    shown: list[tuple[str, bytes]] = []
    supervisor = Supervisor(state, [part("one")], lambda name, line: shown.append((name, line)))
    supervisor.start()
    await supervisor.until_ready(lambda _: None)
    await until(lambda: ("one", b"asked") in shown)
    await supervisor.stop()
    assert "asked" in tail(state.logs / "one.log")


def test_a_log_is_capped_and_keeps_one_older_part(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log", limit=100)
    for number in range(20):
        log.write(f"line {number:02}".encode())
    log.close()
    kept = tail(tmp_path / "a.log.1", 99) + tail(tmp_path / "a.log", 99)
    assert kept[-1] == "line 19"
    assert all(path.stat().st_size <= 100 for path in tmp_path.iterdir())


def test_lines_are_cut_from_any_chunks_and_an_endless_one_is_cut_too() -> None:
    lines = Lines(longest=5)
    assert lines.feed(b"a\nb") == [b"a"]
    assert lines.feed(b"c\n") == [b"bc"]
    assert lines.feed(b"abcdefgh") == [b"abcdefgh"]
    assert lines.rest() == []


def test_a_json_record_is_shown_short_and_other_text_as_it_is() -> None:
    shown = readable("auth", b'{"event": "http.listening", "level": "info", "timestamp": "x", "port": 8001}').plain
    assert shown.split() == ["auth", "http.listening", "port=8001"]
    assert readable("auth", b"Traceback [bold]").plain.endswith("Traceback [bold]")


def test_a_trace_is_shown_as_its_error_and_the_place_in_our_code() -> None:
    frames = [{"filename": "/x/src/auth/a.py", "lineno": 7}, {"filename": "/x/site-packages/b.py", "lineno": 9}]
    trace = [{"exc_type": "Oops", "exc_value": "first\nsecond", "frames": frames}]
    line = json.dumps({"event": "loop.crashed", "level": "error", "exception": trace}).encode()
    assert readable("auth", line).plain.endswith("exception=Oops: first (/x/src/auth/a.py:7)")


async def test_a_part_that_comes_up_while_all_are_stopped_is_stopped_too(state: State) -> None:
    for turns in range(12):
        supervisor = Supervisor(state, [part("late", "import time; time.sleep(600)")])
        supervisor.start()
        for _ in range(turns):
            await asyncio.sleep(0)
        await supervisor.stop()
        [late] = supervisor._watched
        assert late.process is None or late.process.returncode is not None
        assert Record(state, "late").identity() is None


def test_a_child_is_recognised_however_soon_after_its_start_it_was_recorded() -> None:
    for _ in range(60):
        child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
        try:
            identity = Identity.of_child(child.pid)
            assert identity is not None
            assert identity.command
            assert identity.alive
        finally:
            child.communicate()

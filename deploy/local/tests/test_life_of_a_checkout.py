"""`make up`, `status`, `down`, `clean-data` as a person uses them, in a copy of the checkout, on private servers."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import psutil
import pytest

from kit.testing.databases import ADMIN_URL
from local.plan import PORTS
from local.private_servers import PrivateRedis
from local.state import CHECKOUT, State
from local.supervisor import Record

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "build", "tests", "node_modules", "benchmarks")


@dataclass
class Copy:
    """A checkout whose sources are imported before the installed ones."""

    folder: Path
    servers: dict[str, str]

    @property
    def state(self) -> State:
        return State.of(self.folder)

    def local(self, *arguments: str, within: float = 400) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "local", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )

    def time(self, *arguments: str) -> datetime:
        """The platform's time, after moving it."""
        return datetime.fromisoformat(self.local("clock", *arguments).stdout.strip())

    @property
    def environment(self) -> dict[str, str]:
        sources = [str(path) for pattern in ("*/src", "*/*/src") for path in sorted(self.folder.glob(pattern))]
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ROSTRUM_")}
        return kept | self.servers | {"PYTHONPATH": os.pathsep.join(sources), "COLUMNS": "200"}

    def processes(self) -> list[psutil.Process]:
        """Everything that runs on behalf of this copy."""
        mine = []
        for process in psutil.process_iter():
            try:
                told = " ".join([*process.cmdline(), process.environ().get("PYTHONPATH", ""), process.cwd()])
                if str(self.folder) in told and process.status() != psutil.STATUS_ZOMBIE:
                    mine.append(process)
            except psutil.Error:
                continue
        return mine


@contextmanager
def copied(folder: Path, servers: dict[str, str]) -> Iterator[Copy]:
    """A copy of this checkout; nothing of it may run or be left on the servers afterwards."""
    shutil.copytree(CHECKOUT, folder, ignore=_LEFT_OUT)
    copy = Copy(folder, servers)
    copy.state.remember(ports=copy.state.fresh_ports(PORTS))  # the gateway's own favourite may be anybody's here
    try:
        yield copy
    finally:
        copy.local("down")
        assert copy.local("clean-data").returncode == 0
    assert copy.processes() == []


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Copy]:
    """A copy that starts servers of its own."""
    with copied(tmp_path / "checkout", {"ROSTRUM_SERVERS": "private"}) as copy:
        yield copy


@pytest.fixture
def guest(tmp_path: Path, broker_url: str, redis_url: str) -> Iterator[Copy]:
    """A copy that is told to use the servers of the test run."""
    servers = {
        "ROSTRUM_ADMIN_DATABASE_URL": ADMIN_URL,
        "ROSTRUM_BROKER_URL": broker_url,
        "ROSTRUM_REDIS_URL": redis_url,
    }
    with copied(tmp_path / "checkout", servers) as copy:
        yield copy


def until(what: Callable[[], object], within: float = 120) -> None:
    end = time.monotonic() + within
    while not what():
        assert time.monotonic() < end
        signal.sigtimedwait([], 0.1)


def test_a_checkout_starts_mends_itself_stops_starts_again_and_leaves_nothing(alone: Copy) -> None:
    """Up on private servers, a killed service comes back, the clock moves, down; up again; a killed run is tidied."""
    assert alone.local("status").returncode == 1
    up = alone.local("up")
    assert up.returncode == 0, up.stdout + up.stderr
    assert "demo@rostrum.example" in up.stdout
    status = alone.local("status")
    assert status.returncode == 0, status.stdout
    assert "private" in status.stdout

    address, password = alone.local("demo-credentials").stdout.split()
    gateway = f"http://127.0.0.1:{alone.state.recall('ports')['gateway']}"

    def signs_in() -> bool:
        body = {"email": address, "password": password}
        try:
            return httpx.post(f"{gateway}/v1/sessions", json=body, trust_env=False, timeout=60).status_code == 201
        except httpx.HTTPError:
            return False

    assert signs_in()
    before = Record(alone.state, "auth").identity()
    assert before is not None
    os.kill(before.pid, signal.SIGKILL)
    until(lambda: (now := Record(alone.state, "auth").identity()) and now.pid != before.pid)
    until(signs_in)

    PrivateRedis(alone.state.servers).kill()
    until(lambda: PrivateRedis(alone.state.servers).running)
    until(signs_in)

    before_the_jump = alone.time()
    assert timedelta(weeks=53) <= alone.time("--forward", "53w") - before_the_jump < timedelta(weeks=54)
    assert timedelta(0) <= alone.time("--reset") - before_the_jump < timedelta(weeks=1)
    assert "It still runs" in alone.local("clean-data").stdout
    assert "It runs already" in alone.local("up").stdout

    assert alone.local("down").returncode == 0
    assert alone.processes() == []
    assert alone.local("status").returncode == 1

    began = time.monotonic()
    assert alone.local("up").returncode == 0
    assert time.monotonic() - began < 300
    until(signs_in)
    supervisor = Record(alone.state, "supervisor").identity()
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGKILL)
    assert "left over and ended" in alone.local("down").stdout
    assert alone.processes() == []

    data = json.loads((alone.state.servers / "postgres" / "record.json").read_text())["data"]
    assert alone.local("clean-data").returncode == 0
    assert not Path(data).exists()
    assert alone.state.recall("servers") == {}


def test_a_start_that_cannot_succeed_says_why_and_leaves_nothing(guest: Copy) -> None:
    migrations = guest.folder / "services" / "billing" / "src" / "billing" / "migrations"
    (migrations / "9999_broken.sql").write_text("SELECT no_such_column;\n")
    up = guest.local("up")
    assert up.returncode == 1
    assert "migrating billing and declaring its queues failed" in up.stdout
    assert "numbers must run from 0001 without gap" in up.stdout
    assert ", 9999]" in up.stdout
    assert guest.processes() == []


def test_ctrl_c_in_the_foreground_stops_everything(guest: Copy) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "local", "run"],
        cwd=guest.folder,
        env=guest.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as run:
        assert run.stdout is not None
        said = ""
        while "Ready after" not in said and (line := run.stdout.readline()):
            said += line
        assert "Ready after" in said, said
        os.killpg(run.pid, signal.SIGINT)
        run.stdout.read()
        assert run.wait(timeout=120) == 0
    assert guest.processes() == []

"""The sandbox as a program of its own, for tests that meet the outside world."""

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Where it listens."""

    url: str
    smtp: str = ""
    """Where its mail server takes mails, as an address."""


@contextmanager
def running_sandbox() -> Iterator[Sandbox]:
    """The sandbox on ports that were free, until the block ends; for all tests of a worker.

    Its first line says where it listens; what it says later is read and forgotten, so that it never waits to say it.
    """
    told = {**os.environ, "SANDBOX_HTTP_PORT": "0", "SANDBOX_SMTP_PORT": "0"}
    with subprocess.Popen([sys.executable, "-m", "sandbox"], env=told, stdout=subprocess.PIPE) as process:
        if process.stdout is None:
            raise RuntimeError("a program was started without the pipe that was asked for")
        try:
            first = process.stdout.readline()
            threading.Thread(target=deque, args=(process.stdout, 0), daemon=True).start()
            said = orjson.loads(first)
            yield Sandbox(str(said["http"]), next(iter(said["servers"].get("mailbox", ())), ""))
        finally:
            process.terminate()
            process.wait(timeout=60)

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import httpx
import orjson
import pytest

from .listening import Handler, Listener


@dataclass
class Program:
    """The real program on free ports, as its own process."""

    process: subprocess.Popen[bytes]
    http_url: str
    smtp_port: int
    lines: list[bytes] = field(default_factory=list)


def start_program(**settings: str) -> Program:
    chosen = {"SANDBOX_HTTP_PORT": "0", "SANDBOX_SMTP_PORT": "0", **settings}
    command = [sys.executable, "-m", "sandbox"]
    process = subprocess.Popen(command, env={**os.environ, **chosen}, stdout=subprocess.PIPE)
    assert process.stdout is not None
    listening = orjson.loads(process.stdout.readline())
    program = Program(process, listening["http"], int(listening["servers"]["mailbox"][0].rsplit(":", 1)[1]))
    threading.Thread(target=lambda: program.lines.extend(process.stdout or ()), daemon=True).start()
    return program


def stop_program(program: Program) -> int:
    program.process.terminate()
    code = program.process.wait(timeout=60)
    if program.process.stdout is not None:
        program.process.stdout.close()
    return code


@pytest.fixture(scope="session")
def program() -> Iterator[Program]:
    program = start_program()
    yield program
    stop_program(program)


@pytest.fixture
def own_program() -> Iterator[Callable[..., Program]]:
    started: list[Program] = []

    def start(**settings: str) -> Program:
        started.append(start_program(**settings))
        return started[-1]

    yield start
    for one in started:
        stop_program(one)


@pytest.fixture
async def http(program: Program) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=program.http_url, timeout=60, verify=False) as client:  # no TLS here
        (await client.post("/control/reset")).raise_for_status()
        yield client


@pytest.fixture
async def listen() -> AsyncIterator[Callable[[Handler], int]]:
    """Starts a server made of one handler on a free port, and gives the port; it ends with the test."""
    async with contextlib.AsyncExitStack() as closing:

        def start(handler: Handler) -> int:
            listener = Listener(handler)
            closing.push_async_callback(listener.close)
            return listener.port

        yield start


Faults = Callable[..., Awaitable[None]]


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    """Ask again and again until it holds."""
    async with asyncio.timeout(60):
        while not await holds():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.02)


@pytest.fixture
def faults(http: httpx.AsyncClient) -> Faults:
    async def put(member: str, *rules: dict[str, Any]) -> None:
        response = await http.put(f"/control/{member}/faults", json=list(rules))
        assert response.status_code == 200, response.text

    return put


@pytest.fixture
async def smtp(program: Program) -> AsyncIterator[aiosmtplib.SMTP]:
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=program.smtp_port, start_tls=False, timeout=60)
    await client.connect()
    yield client
    client.close()


def mail(to: str = "ann@example.org", subject: str = "Hello", text: str = "A text.\n") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Rostrum <no-reply@rostrum.test>"
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = f"<{abs(hash((to, subject)))}@rostrum.test>"
    message.set_content(text)
    return message


@pytest.fixture
def write() -> Callable[..., EmailMessage]:
    return mail


@pytest.fixture
def inbox(http: httpx.AsyncClient) -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    async def read(**query: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await http.get("/mailbox/messages", params=query)).json()["items"]
        return items

    return read


@pytest.fixture
def received(http: httpx.AsyncClient) -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    async def read(member: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await http.get(f"/control/{member}/received")).json()["items"]
        return items

    return read

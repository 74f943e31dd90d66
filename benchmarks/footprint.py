"""How much memory a service takes and how long it takes to import, against limits.

Memory is that of auth in role `all` (requests, worker, relay, loops), started as in production from its environment,
after people have signed up and signed in, keys were fetched and metrics read: what is resident, and what is its alone
(the rest is shared with other services on the machine). Signing up hashes passwords in 19 MiB each, so the peak is
told besides. Imports are those of each service's `__main__`, timed in a fresh interpreter with its bytecode in place;
the slowest service counts. Beside them stand its libraries alone, which nothing of
ours can undercut.
"""

import asyncio
import base64
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil

from auth import bootstrap, migrations
from benchmarks import harness
from benchmarks.harness import Result, Size
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.testing.databases import Databases
from kit.testing.plugin import BROKER_URL
from kit.testing.ports import free_port
from kit.testing.programs import Program

SERVICES = ("auth", "billing", "compliance", "generation", "inbox", "publisher")
LIBRARIES = (
    "fastapi.responses, uvicorn, asyncpg, aio_pika, pydantic_settings, prometheus_client, structlog, rich.table, "
    "jinja2, email_validator, cryptography.hazmat.primitives.ciphers.aead, orjson, uvloop, argon2"
)
MEBIBYTE = 1 << 20
LIMIT_MIB, LIMIT_SECONDS = 150.0, 0.5
ROUNDS, IMPORTS = 3, 7
BYTECODE = harness.FOLDER.resolve() / "bytecode"


@asynccontextmanager
async def auth(folder: Path) -> AsyncIterator[Program]:
    """Auth in role `all`, with a database and queues of its own."""
    databases, topology = Databases(), Topology(f"bench{secrets.token_hex(4)}")
    heard = bootstrap.SERVICE.heard_by() | bootstrap.SERVICE.own_consumers()
    broker = Broker(BROKER_URL, name="bench")
    connection = await broker.connect("topology")
    port = free_port()
    try:
        await topology.declare(connection, heard)
        place = await databases.clone({"auth": migrations})
        environment = {
            "AUTH_HTTP_PORT": str(port),
            "AUTH_JWKS_URL": f"http://127.0.0.1:{port}/.well-known/jwks.json",
            "AUTH_DATABASE_URL": place.url("auth"),
            "AUTH_BROKER_URL": BROKER_URL,
            "AUTH_NAMESPACE": topology.namespace,
            "AUTH_SEALING_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("="),
            "AUTH_SMTP_URL": f"smtp://127.0.0.1:{free_port()}",
        }
        program = Program(("auth", "all"), environment, folder / "auth.log", port)
        try:
            await program.start()
            yield program
        finally:
            await program.kill()
    finally:
        await topology.delete(connection, heard)
        await connection.close()
        await databases.close()


async def used(port: int, people: int) -> None:
    """Requests as they come: sign-ups, wrong passwords, keys, documents, metrics."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as http:
        for number in range(people):
            person = {"email": f"person{number}@example.test", "password": secrets.token_urlsafe(16)}
            (await http.post("/v1/accounts", json=person)).raise_for_status()
            await http.post("/v1/sessions", json=person)
            (await http.get("/.well-known/jwks.json")).raise_for_status()
        for path in ("/readyz", "/healthz", "/metrics", "/openapi.json"):
            await http.get(path)
    await asyncio.sleep(1.0)  # events leave, loops run


async def memory(people: int) -> tuple[float, float, float]:
    """MiB of one fresh process: resident, its alone, and the most that was resident."""
    with tempfile.TemporaryDirectory() as folder:
        async with auth(Path(folder)) as program:
            await used(program.port, people)
            process = psutil.Process(program.pid)
            now = process.memory_full_info()
            peak = _peak(process.pid)
    return now.rss / MEBIBYTE, now.uss / MEBIBYTE, peak / MEBIBYTE


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def took(modules: str) -> float:
    """Seconds that a fresh interpreter takes to import these."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(BYTECODE)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    code = f"import time; began = time.perf_counter(); import {modules}; print(time.perf_counter() - began)"
    told = subprocess.run([sys.executable, "-c", code], env=environment, check=True, stdout=subprocess.PIPE)
    return float(told.stdout)


def imported() -> dict[str, float]:
    """Seconds that each service's imports take, and those of its libraries alone."""
    return {service: took(f"{service}.__main__") for service in SERVICES} | {LIBRARIES: took(LIBRARIES)}


async def measure(size: Size) -> list[Result]:
    taken = [await memory(20 if size == "short" else 500) for _ in range(ROUNDS)]
    resident, alone, peak = (list(column) for column in zip(*taken, strict=True))
    imported()  # the first reads files and may write bytecode
    times = [imported() for _ in range(IMPORTS)]
    slowest = max(SERVICES, key=lambda service: sorted(each[service] for each in times)[len(times) // 2])
    ours, libraries = ([each[what] for each in times] for what in (slowest, LIBRARIES))
    return [
        _limit("memory of auth, role `all`, resident", "MiB", resident, LIMIT_MIB, peak=round(max(peak), 1)),
        _limit("memory of auth, role `all`, its alone", "MiB", alone, LIMIT_MIB),
        _limit(f"imports of the slowest service, {slowest}", "s", ours, LIMIT_SECONDS),
        Result(f"imports of {slowest}, beside its libraries alone", "s", ours, libraries, less_is_better=True),
    ]


def _limit(name: str, unit: str, values: list[float], limit: float, **more: object) -> Result:
    return Result(name, unit, values, [limit], bar=1.0, less_is_better=True, more=dict(more))


if __name__ == "__main__":
    harness.run("footprint", measure)

"""Contacts from a file, beside a bare COPY of the same rows.

Ours: the file goes through the API (begun, uploaded, started) and is split, validated, recognised, sealed under a key
for each contact and written with all indexes, search triggers and row-level security, by the two workers of one
process, into a base that has as many contacts already. Two rows in a hundred are bad, three repeat an earlier one.
The database is a PostgreSQL of its own, with the memory that `deploy/docker-compose.yml` gives it, where its programs
are installed. The reference: one connection as superuser copies the rows that came of it (contacts, identities) into
the same tables of an empty database.
"""

import asyncio
import csv
import io
import random
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import psutil

from benchmarks import harness
from benchmarks.harness import Result, Size
from benchmarks.orders import parts_of
from inbox import migrations
from inbox.api import ROUTERS
from inbox.bootstrap import Parts, endpoint_parts
from kit.db.database import Database
from kit.http.app import create_app
from kit.http.caller import TokenVerifier
from kit.ids import new_id
from kit.process import supervise, tune
from kit.testing.databases import ADMIN_URL, Databases, TestDatabase
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer

ROWS: Final = {"short": 20_000, "full": 1_000_000}
PIECE: Final = 8 * 1024 * 1024
A_MINUTE, OF_COPY, MOST_MIB = 2_500_000.0, 0.4, 500.0
SETTINGS: Final = {"shared_buffers": "1GB", "max_wal_size": "4GB"}
TABLES: Final = ("contacts", "contact_identities")
COLUMNS: Final = [{"column": place, "to": to} for place, to in enumerate(("name", "phone", "email"))]


def file_of(rows: int, seed: int) -> bytes:
    """A CSV of mixed quality; other seeds are other people."""
    drawn, text = random.Random(seed), io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("Name", "Phone", "E-mail"))
    for each in range(rows):
        known = drawn.randrange(each) if each and drawn.random() < 0.03 else each
        phone = f"+49 17{seed}-{known:09d}"[: 6 if drawn.random() < 0.02 else None]
        writer.writerow((f"Name {known}", phone, f"p{seed}.{known}@example.com" if known % 2 else ""))
    return text.getvalue().encode()


async def measure(size: Size) -> Sequence[Result]:
    """Rows a minute, as a share of COPY, and memory."""
    with server() as url:
        return await measured(size, Databases(url))


@contextmanager
def server() -> Iterator[str]:
    """The address of a PostgreSQL of our own; without one, that of everybody's."""
    from local.private_servers.postgres import PrivatePostgres  # noqa: PLC0415 - only this command needs it

    if not PrivatePostgres.installed():
        yield ADMIN_URL
        return
    with tempfile.TemporaryDirectory() as folder, PrivatePostgres(Path(folder), settings=SETTINGS) as own:
        yield own.url


async def measured(size: Size, databases: Databases) -> Sequence[Result]:
    """The same on this server."""
    try:
        place, other = await databases.clone({"inbox": migrations}), await databases.clone({"inbox": migrations})
        async with inbox(place) as (client, parts):
            await imported(client, parts, file_of(ROWS[size], 1))
            async with watched() as most:
                seconds = await imported(client, parts, file_of(ROWS[size], 2))
        copied, count = await copy(place, other)
    finally:
        await databases.close()
    ours, bare = 60 * ROWS[size] / seconds, 60 * count / copied
    return [
        Result("contacts imported, against 2,500,000", "rows/min", [ours], [A_MINUTE], 1.0),
        Result("contacts imported, beside a bare COPY", "rows/min", [ours], [bare], OF_COPY),
        Result("memory at most", "MiB", [most[0]], [MOST_MIB], 1.0, less_is_better=True),
    ]


@asynccontextmanager
async def inbox(place: TestDatabase) -> AsyncIterator[tuple[httpx.AsyncClient, Parts]]:
    """The inbox in this process with its doors and its workers of bulk work."""
    tune()
    database, issuer = await Database.open(place.url("inbox"), name="bench", pool_size=10), Issuer()
    with tempfile.TemporaryDirectory() as folder:
        parts = parts_of(database, Path(folder))
        app = create_app(
            service="inbox",
            title="Bench",
            routers=ROUTERS,
            parts=endpoint_parts(parts),
            verifier=TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, database.clock),
            clock=database.clock,
            large_bodies={"/v1/contact-imports": PIECE},
        )
        stop = asyncio.Event()
        working = asyncio.create_task(supervise(parts.jobs.loops(), stop))
        token = issuer.token(database.clock.now(), new_id(), "owner")
        headers = {"authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(app=app)
        try:
            async with httpx.AsyncClient(
                transport=transport, base_url="http://bench", headers=headers, timeout=None
            ) as client:
                yield client, parts
        finally:
            stop.set()
            await working
            await database.close()


async def imported(client: httpx.AsyncClient, parts: Parts, content: bytes) -> float:
    """Seconds from the first request until the import has ended."""
    _ = parts
    started = time.perf_counter()
    begun = await client.post("/v1/contact-imports", json={"size": len(content)})
    path = f"/v1/contact-imports/{begun.json()['id']}"
    for at in range(0, len(content), PIECE):
        headers = {"upload-offset": str(at)}
        (await client.patch(f"{path}/file", content=content[at : at + PIECE], headers=headers)).raise_for_status()
    body = {"columns": COLUMNS, "region": "DE", "whatsapp": False}
    (await client.post(f"{path}/start", json=body)).raise_for_status()
    told: dict[str, Any] = {"state": "running"}
    while told["state"] == "running":
        await asyncio.sleep(0.1)
        told = (await client.get(path)).json()
    if told["state"] != "finished" or told["made"] < told["rows"] * 0.9:
        raise RuntimeError(f"the import ended otherwise: {told}")
    return time.perf_counter() - started


@asynccontextmanager
async def watched() -> AsyncIterator[list[float]]:
    """The most memory that this process holds meanwhile, in MiB."""
    most, process, stop = [0.0], psutil.Process(), asyncio.Event()

    async def watch() -> None:
        while not stop.is_set():
            most[0] = max(most[0], process.memory_info().rss / 1024**2)
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    try:
        yield most
    finally:
        stop.set()
        await watching


async def copy(place: TestDatabase, other: TestDatabase) -> tuple[float, int]:
    """Seconds in which one connection copies all rows of both imports into empty tables, and how many contacts."""
    source, target = await asyncpg.connect(place.admin_url), await asyncpg.connect(other.admin_url)
    seconds, count = 0.0, 0
    try:
        for connection in (source, target):
            await connection.execute("SET search_path = inbox, kit")
        async with target.transaction():
            await target.execute("SET CONSTRAINTS ALL DEFERRED")
            for table in TABLES:
                packed = io.BytesIO()
                await source.copy_from_table(table, schema_name="inbox", output=packed, format="binary")
                packed.seek(0)
                started = time.perf_counter()
                told = await target.copy_to_table(table, schema_name="inbox", source=packed, format="binary")
                seconds += time.perf_counter() - started
                count = int(told.split()[-1]) if table == "contacts" else count
    finally:
        await source.close()
        await target.close()
    return seconds, count


if __name__ == "__main__":
    harness.run("contact_import", measure)

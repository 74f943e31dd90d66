"""What an API key costs: at the gateway beside an access token, and at auth for each exchange.

At the gateway a key that is remembered goes the way of every request, as does a token; both in turns, against the
same upstream, and without a question to auth or a database. At auth keys are exchanged by 32 workers on real rows;
the bare form is the one read that nobody can do without, in a transaction of the same tenant (BEGIN with the tenant,
SELECT, COMMIT). How many statements an exchange sends, BEGIN and COMMIT included, and what the database's own figures
say of it stand in the name of the row.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, cast
from uuid import UUID

import asyncpg

from auth import migrations
from auth.api_keys.exchanging import KeyExchange
from auth.api_keys.secrets import Secrets
from auth.api_keys.uses import Uses
from auth.keys.service import KeyRing, KeyRotation
from auth.sessions.access import AccessTokens
from benchmarks import harness
from benchmarks.gateway_stage import Stage, stage
from benchmarks.harness import Result, Size
from benchmarks.refresh import Watched
from benchmarks.sending import as_fast_as_answered, request
from kit.db.database import Database
from kit.http import api_keys as form
from kit.ids import new_id
from kit.seal import Sealer
from kit.testing.databases import Databases, TestDatabase
from kit.testing.tokens import AUDIENCE, ISSUER

PATH: Final = "/v1/posts/0190a5c0-6a64-7a53-9c1e-7fd5b1a6a1c4"
CLIENTS, WORKERS, CONNECTIONS, KEYS = 64, 32, 8, 200
SEALER: Final = Sealer.from_text("A" * 43)


async def measure(size: Size) -> Sequence[Result]:
    """Verifications a second at the gateway, exchanges a second at auth."""
    runs, seconds = (5, 5.0) if size == "full" else (3, 2.0)
    async with stage() as here:
        rows = [await verified(here, runs, seconds)]
    databases = Databases()
    try:
        place = await databases.clone({"auth": migrations})
        database = await Database.open(place.url("auth"), name="bench", pool_size=CONNECTIONS, acquire_within=60)
        try:
            rows.append(await exchanged(place, database, runs, seconds))
        finally:
            await database.close()
    finally:
        await databases.close()
    return rows


async def verified(here: Stage, runs: int, seconds: float) -> Result:
    """Requests with a key, and with a token, that the gateway lets through."""
    ours = await here.gateway(AUTH_SECRET="A" * 43)
    key = form.written(bytes(range(form.SIZE)))
    found: dict[str, list[float]] = {"key": [], "token": []}
    for shown in (key, here.token()):
        await passed(ours.port, shown, 0.5)
    for _ in range(runs):
        for name, shown in (("key", key), ("token", here.token())):
            found[name].append(await passed(ours.port, shown, seconds))
    name = "requests with an API key, no statement each, beside a token"
    return Result(name, "requests/s", found["key"], found["token"], bar=0.8)


async def passed(port: int, shown: str, seconds: float) -> float:
    """Requests that were let through, a second."""
    statuses, elapsed = await as_fast_as_answered([port], request(PATH, shown), clients=CLIENTS, seconds=seconds)
    if set(statuses) != {200}:
        raise RuntimeError(f"answers: {dict(statuses)}")
    return statuses[200] / elapsed


async def exchanged(place: TestDatabase, database: Database, runs: int, seconds: float) -> Result:
    """Exchanges at auth, in turns with the bare read."""
    await KeyRotation(database, SEALER).ensure()
    exchange = exchange_on(database)
    organization_id, keys = await stocked(place, exchange.secrets)
    statements = await sent(place, next(iter(keys.values())))
    texts, ids = list(keys.values()), list(keys)
    ours: list[float] = []
    bare: list[float] = []
    asked: dict[str, float] = {}
    for _ in range(runs):
        before = await figures(place, database)
        done, rate = await repeated(lambda at: exchange.exchange(texts[at % KEYS], ""), seconds)
        after = await figures(place, database)
        asked = {name: round((after[name] - before[name]) / done, 2) for name in before}
        ours.append(rate)
        bare.append((await repeated(lambda at: read(database, organization_id, ids[at % KEYS]), seconds))[1])
    await exchange.uses.write()
    told = (
        f"{asked['index_reads']:g} index read, {asked['whole_reads']:g} scans, {asked['written_rows']:g} rows written"
    )
    name = f"exchanges at auth ({statements} statements, {told} each), {WORKERS} workers, beside one bare read"
    return Result(name, "exchanges/s", ours, bare, bar=0.4, more={"statements": statements, **asked})


def exchange_on(database: Database) -> KeyExchange:
    """As auth makes it."""
    ring, tokens = KeyRing(database, SEALER), AccessTokens(ISSUER, AUDIENCE)
    return KeyExchange(database, Secrets(SEALER), ring, tokens, Uses(database))


async def sent(place: TestDatabase, text: str) -> int:
    """How many statements an exchange sends once the signing keys are known, BEGIN and COMMIT included."""
    database = cast("Watched", await Watched.open(place.url("auth"), name="bench", pool_size=1))
    try:
        exchange = exchange_on(database)
        await exchange.exchange(text, "")
        database.said.clear()
        await exchange.exchange(text, "")
        return len(database.said)
    finally:
        await database.close()


async def stocked(place: TestDatabase, secrets: Secrets) -> tuple[UUID, dict[UUID, str]]:
    """An organization with keys."""
    organization_id = new_id()
    drawn = {key_id: secrets.draw(organization_id, key_id) for key_id in (new_id() for _ in range(KEYS))}
    connection = await asyncpg.connect(place.admin_url)
    try:
        await connection.execute("INSERT INTO auth.organizations (id, name) VALUES ($1, 'Bench')", organization_id)
        await connection.executemany(
            """
            INSERT INTO auth.api_keys
                (id, organization_id, name, role, scopes, allowed_addresses, secret_hash, hint, expires_at)
            VALUES ($1, $2, 'Bench', 'editor', '{posts:read}', '{}', $3, $4, now() + interval '1 day')
            """,
            [(key_id, organization_id, each.hashed, each.hint) for key_id, each in drawn.items()],
        )
    finally:
        await connection.close()
    return organization_id, {key_id: each.text for key_id, each in drawn.items()}


async def read(database: Database, organization_id: UUID, key_id: UUID) -> None:
    """What nobody can do without."""
    async with database.transaction(organization_id) as tx:
        await tx.fetchrow(
            "SELECT secret_hash FROM api_keys WHERE organization_id = $1 AND id = $2", organization_id, key_id
        )


async def repeated(work: Callable[[int], Awaitable[Any]], seconds: float) -> tuple[int, float]:
    """How often it was done by all workers together, and how often a second."""
    done, began = 0, time.perf_counter()

    async def worker() -> None:
        nonlocal done
        while time.perf_counter() < began + seconds:
            done += 1
            await work(done)

    await asyncio.gather(*(worker() for _ in range(WORKERS)))
    return done, done / (time.perf_counter() - began)


async def held(database: Database) -> None:
    """Hold one connection for a moment, so that all are used."""
    async with database.transaction() as tx:
        await tx.execute("SELECT pg_sleep(0.02)")


async def figures(place: TestDatabase, database: Database) -> dict[str, float]:
    """What the database says of itself, once every connection has told it, as each does within a second of use."""
    await asyncio.sleep(1.2)
    await asyncio.gather(*(held(database) for _ in range(3 * CONNECTIONS)))
    connection = await asyncpg.connect(place.admin_url)
    try:
        row = await connection.fetchrow(
            """
            SELECT sum(idx_scan) AS index_reads, sum(seq_scan) AS whole_reads,
                   sum(n_tup_ins + n_tup_upd + n_tup_del) AS written_rows
            FROM pg_stat_user_tables WHERE schemaname = 'auth' AND relname <> 'signing_keys'
            """
        )
    finally:
        await connection.close()
    return {name: float(value or 0) for name, value in dict(row or {}).items()}


if __name__ == "__main__":
    harness.run("api_keys", measure)

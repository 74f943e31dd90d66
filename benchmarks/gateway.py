"""The gateway beside nginx and beside FastAPI with httpx: what a request costs, what it adds, and what limits hold.

All three carry the same request to the same upstream, alternating within one run. Ours verifies the token (from
memory), counts four limits and looks up revocations in one round trip to Redis, writes metrics and an access log, and
samples one trace in a hundred; nginx does `limit_req` and no token, the other one does everything but metrics, traces
and log.
"""

import asyncio
import re
from collections.abc import Sequence

from benchmarks import harness, peers
from benchmarks.gateway_stage import Running, Stage, stage
from benchmarks.harness import Result, Size
from benchmarks.sending import as_fast_as_answered, at_pace, request
from gateway.policy import read, shipped

PATH = "/v1/posts/0190a5c0-6a64-7a53-9c1e-7fd5b1a6a1c4"
CLIENTS, RATE = 64, 2000.0
LIMIT = read(shipped(), ()).rate("user", "free")
"""The tightest of the limits that the clients of one user meet, without any scale."""


async def per_cpu_second(server: Running, token: str, seconds: float) -> float:
    """How many requests the server answers per second of its own CPU time, kept busy by wrk."""
    used = harness.cpu_seconds(server.pid)
    url = f"http://127.0.0.1:{server.port}{PATH}"
    command = [
        str(peers.wrk()),
        "-t1",
        f"-c{CLIENTS}",
        f"-d{seconds:g}s",
        "-H",
        f"Authorization: Bearer {token}",
        url,
    ]
    process = await asyncio.create_subprocess_exec(
        *harness.pinned(1), *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    told = (await process.communicate())[0].decode()
    found = re.search(r"(\d+) requests in", told)
    if found is None or "Non-2xx" in told:
        raise RuntimeError(told)
    return int(found[1]) / (harness.cpu_seconds(server.pid) - used)


async def costs(here: Stage, runs: int, seconds: float) -> Sequence[Result]:
    servers = {"nginx": await here.proxy(), "ours": await here.gateway(), "fastapi": await here.peer()}
    found: dict[str, list[float]] = {name: [] for name in servers}
    token = here.token()
    for server in servers.values():
        await per_cpu_second(server, token, 1.0)
    for _ in range(runs):
        for name, server in servers.items():
            found[name].append(await per_cpu_second(server, token, seconds))
    more = {"counted_without_redis": await servers["ours"].measured("gateway_limiter_local_total")}
    unit = "requests per CPU-second"
    return (
        Result("against nginx proxy_pass + limit_req", unit, found["ours"], found["nginx"], bar=0.25, more=more),
        Result("against FastAPI + httpx + redis-py", unit, found["ours"], found["fastapi"], bar=20.0),
    )


async def compared(here: Stage, runs: int, seconds: float) -> Sequence[Result]:
    """The same, or a row that says why not: without wrk the rest can still be measured."""
    try:
        peers.wrk()
    except peers.Missing as missing:
        return (Result("against nginx and FastAPI", "requests per CPU-second", missing=str(missing)),)
    return await costs(here, runs, seconds)


async def added(here: Stage, runs: int, seconds: float) -> Result:
    """The 99th percentile through the gateway less the one straight to the upstream, at the same pace."""
    ours = await here.gateway()
    sent, more = request(PATH, here.token()), []
    await at_pace(ours.port, sent, rate=RATE, seconds=1.0)
    for _ in range(runs):
        straight = await at_pace(here.upstream, sent, rate=RATE, seconds=seconds)
        through = await at_pace(ours.port, sent, rate=RATE, seconds=seconds)
        late = harness.percentile(through, 99) - harness.percentile(straight, 99)
        more.append(max(late, 0.01))
    return Result(f"p99 added at {RATE:.0f} requests/s", "ms", more, [5.0], bar=1.0, less_is_better=True)


async def overshoot(here: Stage, runs: int, seconds: float) -> Result:
    """Many clients at two processes against one limit; the reference is burst + rate x time, and a ratio below 1 is
    a request too many. Each run is another user at another address, so each begins with a full burst."""
    settings = {"LIMIT_SCALE": "1", "TRUSTED_PROXIES": "127.0.0.1/32"}
    workers = [await here.gateway(core=None, **settings) for _ in range(2)]
    passed, allowed, refused = [], [], []
    for run in range(runs):
        sent = request(PATH, here.token(), x_forwarded_for=f"198.51.100.{run + 1}")
        statuses, elapsed = await as_fast_as_answered(
            [worker.port for worker in workers], sent, clients=CLIENTS, seconds=seconds
        )
        if set(statuses) != {200, 429}:
            raise RuntimeError(f"answers: {dict(statuses)}")
        passed.append(float(statuses[200]))
        refused.append(statuses[429])
        allowed.append(LIMIT.burst + LIMIT.burst / LIMIT.period * elapsed)
    return Result(
        f"no overshoot: {CLIENTS} clients, 2 processes, one limit",
        "requests let through",
        passed,
        allowed,
        bar=1.0,
        less_is_better=True,
        more={"refused": refused},
    )


async def measure(size: Size) -> Sequence[Result]:
    runs, seconds = (5, 5.0) if size == "full" else (3, 3.0)
    try:
        async with stage() as here:
            rows = [*await compared(here, runs, seconds)]
        async with stage() as here:
            rows.append(await added(here, runs, seconds))
        async with stage() as here:
            rows.append(await overshoot(here, runs, seconds))
    except peers.Missing as missing:
        return [Result("gateway beside its peers", "requests per CPU-second", missing=str(missing))]
    return rows


if __name__ == "__main__":
    harness.run("gateway", measure)

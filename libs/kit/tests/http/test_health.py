import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Never

import httpx
from fastapi import FastAPI

from kit.http.app import create_app
from kit.http.health import Health, Unwell, below, disk

Serving = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]


def app_with(**checks: Any) -> FastAPI:
    return create_app(service="sample", title="Sample", checks=checks)


async def well() -> object:
    return {"size": 8}


async def test_a_well_process_is_alive_ready_and_healthy(serving: Serving) -> None:
    async with serving(app_with(pool=well, disk=disk())) as client:
        answers = [await client.get(path) for path in ("/livez", "/readyz", "/healthz")]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    report = answers[2].json()
    assert report["checks"]["pool"]["status"] == "ok"
    assert report["checks"]["pool"]["latency_ms"] >= 0
    assert report["memory"]["resident_mib"] > 0


async def test_a_failed_check_makes_unready_but_not_dead_and_tells_no_secret(serving: Serving) -> None:
    async def broken() -> Never:
        raise OSError("postgresql://user:hunter2@db/auth refused")

    async def unwell() -> Never:
        raise Unwell("amqp://guest:hunter2@mq/ is away")

    async with serving(app_with(pool=broken, broker=unwell)) as client:
        ready, healthy, live = [await client.get(path) for path in ("/readyz", "/healthz", "/livez")]
    assert (ready.status_code, healthy.status_code, live.status_code) == (503, 503, 200)
    assert ready.json()["failed"] == ["pool", "broker"]
    assert "hunter2" not in ready.text + healthy.text
    assert healthy.json()["checks"]["pool"]["detail"] == "OSError"


async def test_a_check_that_hangs_is_a_failed_one() -> None:
    health = Health({"stuck": asyncio.Event().wait}, patience=0.01)
    assert (await health.findings())["stuck"].status == "failed"


async def test_checks_run_together_and_their_findings_are_kept_a_moment() -> None:
    runs, both = [], asyncio.Barrier(2)

    async def look() -> None:
        runs.append(1)
        await both.wait()

    health = Health({"a": look, "b": look}, patience=30, keep=60)
    await asyncio.gather(*(health.ready() for _ in range(5)))
    assert len(runs) == 2
    assert await health.ready()


async def test_a_number_above_its_bound_is_unwell() -> None:
    async def age() -> float:
        return 61.0

    assert not await Health({"outbox": below(age, 60)}).ready()
    assert await Health({"outbox": below(age, 62)}).ready()


async def test_a_draining_process_is_alive_and_not_ready(serving: Serving) -> None:
    app = app_with(pool=well)
    async with serving(app) as client:
        app.state.health.drain()
        assert (await client.get("/readyz")).json() == {"status": "draining"}
        assert (await client.get("/livez")).status_code == 200

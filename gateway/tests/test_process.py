"""The real process, as an operator starts and stops it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from gateway.policy import shipped
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology

from .conftest import WITHIN

SHIPPED = shipped().read_text()


class Auth:
    """Keys and revocations as auth gives them, and an answer that waits."""

    def __init__(self, tools: Any) -> None:
        self.issuer, self.tools = tools.Issuer(), tools
        self.proceed, self.waiting = asyncio.Event(), asyncio.Event()
        self.url = ""

    async def __call__(self, reader: Any, writer: Any) -> None:
        while True:
            request = await self.tools.request_of(reader)
            target = request.split(b" ")[1]
            if target == b"/.well-known/jwks.json":
                body = await self.issuer.jwks()
            elif target == b"/internal/revocations":
                body = orjson.dumps({"now": datetime.now(UTC), "revocations": []})
            elif target.startswith(b"/internal/plans"):
                body = b'{"plans": [], "next": null}'
            else:
                self.waiting.set()
                await self.proceed.wait()
                body = b"{}"
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()


@pytest.fixture
async def auth(tools: Any) -> Any:
    service = Auth(tools)
    async with tools.raw_service(service) as port:
        service.url = f"http://127.0.0.1:{port}"
        yield service


@pytest.fixture(autouse=True)
async def no_queue_left(broker_url: str, namespace: str) -> AsyncIterator[None]:
    yield
    broker = Broker(broker_url, name="test")
    connection = await broker.connect("test")
    channel = connection.channel()
    await channel.initialize()
    await channel.queue_delete(Topology(namespace).browser_feed)
    await connection.close()
    await broker.close()


def environment(auth: Any, tools: Any, namespace: str, redis_url: str, broker_url: str, **more: Any) -> Any:
    port, admin = tools.closed_port(), tools.closed_port()
    given = {
        "HTTP_PORT": port,
        "ADMIN_PORT": admin,
        "AUTH_URL": auth.url,
        "BILLING_URL": auth.url,
        "COMPLIANCE_URL": auth.url,
        "GENERATION_URL": auth.url,
        "INBOX_URL": auth.url,
        "PUBLISHER_URL": auth.url,
        "JWKS_URL": f"{auth.url}/.well-known/jwks.json",
        "REDIS_URL": redis_url,
        "BROKER_URL": broker_url,
        "NAMESPACE": namespace,
        **more,
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    return port, admin, {**kept, **{f"GATEWAY_{name}": str(value) for name, value in given.items()}}


async def start(env: Any) -> Any:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "gateway", env=env, stdout=pipe, stderr=pipe)


async def test_it_starts_serves_and_ends_when_the_last_request_is_answered(
    auth: Any, tools: Any, namespace: str, redis_url: str, broker_url: str
) -> None:
    port, admin, env = environment(auth, tools, namespace, redis_url, broker_url)
    process = await start(env)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=WITHIN) as client:
            await until_ready(client)
            asking = asyncio.create_task(
                client.get("/v1/me", headers={"authorization": f"Bearer {auth.issuer.token()}"})
            )
            await asyncio.wait_for(auth.waiting.wait(), WITHIN)
            await operator_sees(admin)
            for path in ("/metrics", "/healthz", "/internal/revocations"):
                assert (await client.get(path)).status_code == 404
            process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.3)
            auth.proceed.set()
            assert (await asking).status_code == 200
        out, err = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (process.returncode, err) == (0, b"")
    lines = [orjson.loads(line) for line in out.splitlines()]
    assert any(line["event"] == "request" and line["route"] == "/v1/me" for line in lines)
    assert b"guest:guest" not in out


async def until_ready(client: Any) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                if (await client.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


async def operator_sees(port: Any) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=WITHIN) as operator:
        metrics = (await operator.get("/metrics")).text
        health = (await operator.get("/healthz")).json()
        assert (await operator.get("/livez")).status_code == 200
        assert (await operator.get("/other")).status_code == 404
    assert "gateway_in_flight 1.0" in metrics
    assert health["parts"]["keys"]
    assert health["parts"]["redis"]
    assert health["parts"]["revocations"]


async def test_wrong_settings_are_told_by_name_and_end_it_with_2(tools: Any, auth: Any, namespace: str) -> None:
    _, _, env = environment(auth, tools, namespace, "redis://127.0.0.1", "amqp://u:hush@h/", CORS_ORIGINS="*")
    del env["GATEWAY_AUTH_URL"]
    process = await start(env)
    _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 2
    assert b"GATEWAY_AUTH_URL" in err
    assert b"GATEWAY_CORS_ORIGINS" in err
    assert b"hush" not in err


async def test_sighup_makes_the_process_read_its_policy_again(
    auth: Any, tools: Any, namespace: str, redis_url: str, broker_url: str, tmp_path: Path
) -> None:
    """The file's time is put back, so that nothing but the signal tells of the change."""
    file = tmp_path / "policy.toml"
    file.write_text(SHIPPED)
    port, admin, env = environment(auth, tools, namespace, redis_url, broker_url, POLICY_FILE=file)
    process = await start(env)
    auth.proceed.set()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=WITHIN) as client:
            await until_ready(client)
            headers = {"authorization": f"Bearer {auth.issuer.token()}"}
            told = (await client.get("/v1/me", headers=headers)).headers["ratelimit-policy"]
            assert '"address";q=600;w=60' in told
            before = file.stat()
            file.write_text(SHIPPED.replace('"address"\nburst = 600', '"address"\nburst = 599'))
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
            process.send_signal(signal.SIGHUP)
            async with asyncio.timeout(WITHIN):
                while '"address";q=599;w=60' not in told:
                    told = (await client.get("/v1/me", headers=headers)).headers["ratelimit-policy"]
            file.write_text("tiers = 3")
            process.send_signal(signal.SIGHUP)
            metrics = ""
            address = f"http://127.0.0.1:{admin}"
            async with httpx.AsyncClient(base_url=address, timeout=WITHIN) as operator, asyncio.timeout(WITHIN):
                while "gateway_policy_refused 1.0" not in metrics:
                    metrics = (await operator.get("/metrics")).text
                assert (await operator.get("/healthz")).json()["parts"]["policy"] is False
            assert 'gateway_policy_reloads_total{outcome="refused"}' in metrics
            assert (await client.get("/v1/me", headers=headers)).headers["ratelimit-policy"] == told
        process.terminate()
        out, _ = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert b"policy.refused" in out
    assert b"tiers: Input should be a valid list" in out


async def test_a_gateway_does_not_start_with_a_policy_it_cannot_use(
    auth: Any, tools: Any, namespace: str, redis_url: str, broker_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(SHIPPED.replace("burst = 3\n", "burst = 0\n"))
    _, _, env = environment(auth, tools, namespace, redis_url, broker_url, POLICY_FILE=file)
    process = await start(env)
    _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 2
    assert b"GATEWAY_POLICY_FILE" in err
    assert b"classes.password-reset.burst" in err

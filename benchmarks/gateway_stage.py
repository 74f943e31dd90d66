"""The stage on which gateways are measured: one upstream for all, a Redis, tokens, and each gateway on a core alone.

The measured program has core 0; the upstream, Redis and whoever sends share core 1. The upstream is an nginx that
gives a small document, and besides what auth tells a gateway: its keys, what ended lately, and the platform's time.
"""

import asyncio
import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

from benchmarks import harness, peers
from kit.ids import new_id
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.testing.plugin import BROKER_URL, REDIS_URL
from kit.testing.ports import free_port
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer

ANSWER = {"id": "0190a5c0-6a64-7a53-9c1e-7fd5b1a6a1c4", "name": "Ada Lovelace", "tags": ["a", "b", "c"], "ok": True}

_NGINX = """
worker_processes 1; daemon off; pid {folder}/{name}.pid; error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s;
  client_body_temp_path {folder}/{name}-1; proxy_temp_path {folder}/{name}-2; fastcgi_temp_path {folder}/{name}-3;
  uwsgi_temp_path {folder}/{name}-4; scgi_temp_path {folder}/{name}-5;
  {http}
}}
"""
_UPSTREAM = """
  default_type application/json;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /.well-known/jwks.json {{ return 200 '{jwks}'; }}
    location = /internal/revocations {{ return 200 '{{"now":"$time_iso8601","revocations":[]}}'; }}
    location = /internal/api-keys/exchanges {{ return 200 '{exchange}'; }}
    location = /internal/plans {{ return 200 '{{"plans":[],"next":null}}'; }}
    location = /v1/traces {{ return 200; }}
    location / {{ return 200 '{answer}'; }}
  }}
"""
API_KEY_SCOPES = "posts:read"
_PROXY = """
  limit_req_zone $http_authorization zone=callers:10m rate=1000000r/s;
  upstream service {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}
  proxy_http_version 1.1; proxy_set_header Connection "";
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ limit_req zone=callers burst=100000 nodelay; proxy_pass http://service; }}
  }}
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A program that answers on a port; its CPU time counts with that of its children."""

    pid: int
    port: int
    admin: int = 0

    async def measured(self, name: str) -> float:
        """One of the numbers at its operator's door."""
        text = await asyncio.to_thread(self._metrics)
        return float(next(line.split()[1] for line in text.splitlines() if line.startswith(f"{name} ")))

    def _metrics(self) -> str:
        with urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=5) as answer:
            return str(answer.read().decode())


@dataclass(slots=True)
class Stage:
    """Opens programs and closes all of them at the end."""

    closing: AsyncExitStack
    folder: Path
    redis_url: str = REDIS_URL
    namespace: str = field(default_factory=lambda: f"b{secrets.token_hex(5)}")
    issuer: Issuer = field(default_factory=Issuer)
    upstream: int = 0

    def token(self) -> str:
        return self.issuer.token(datetime.now(UTC), new_id(), iss=ISSUER, aud=AUDIENCE)

    def exchanged(self) -> dict[str, object]:
        """What auth gives for an API key."""
        key = str(new_id())
        said = {"sub": key, "sid": key, "principal": "key", "scope": API_KEY_SCOPES}
        token = self.issuer.token(datetime.now(UTC), new_id(), "editor", iss=ISSUER, aud=AUDIENCE, **said)
        return {"access_token": token, "expires_in": 600, "allowed_addresses": []}

    async def program(self, *command: str, port: int, core: int | None = 0, **environment: str) -> Running:
        pinned = [] if core is None else harness.pinned(core)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
        process = await asyncio.create_subprocess_exec(
            *pinned, *command, env=kept | environment, stdout=asyncio.subprocess.DEVNULL
        )
        self.closing.push_async_callback(_ended, process)
        await harness.listening(port)
        return Running(process.pid, port)

    async def nginx(self, name: str, http: str, *, core: int = 0, **values: object) -> Running:
        port = free_port()
        told = http.format(port=port, **values)
        config = self.folder / f"{name}.conf"
        config.write_text(_NGINX.format(folder=self.folder, name=name, http=told), encoding="utf-8")
        return await self.program(str(peers.nginx()), "-p", str(self.folder), "-c", str(config), port=port, core=core)

    async def proxy(self) -> Running:
        """nginx with `proxy_pass` and `limit_req`."""
        return await self.nginx("proxy", _PROXY, upstream=self.upstream)

    async def peer(self) -> Running:
        """FastAPI, httpx and redis-py."""
        port, place = free_port(), f"http://127.0.0.1:{self.upstream}"
        told = (str(port), place, self.redis_url, ISSUER, AUDIENCE)
        return await self.program(sys.executable, "-m", "benchmarks.gateway_peer", *told, port=port)

    async def gateway(self, *, core: int | None = 0, **changed: str) -> Running:
        """Our gateway, as it runs in production."""
        port, admin, place = free_port(), free_port(), f"http://127.0.0.1:{self.upstream}"
        settings: Mapping[str, str] = {
            "HTTP_PORT": str(port),
            "ADMIN_PORT": str(admin),
            **{
                f"{service}_URL": place
                for service in ("AUTH", "BILLING", "COMPLIANCE", "GENERATION", "INBOX", "PUBLISHER")
            },
            "JWKS_URL": f"{place}/.well-known/jwks.json",
            "REDIS_URL": self.redis_url,
            "BROKER_URL": BROKER_URL,
            "NAMESPACE": self.namespace,
            "TOKEN_ISSUER": ISSUER,
            "TOKEN_AUDIENCE": AUDIENCE,
            "OTLP_ENDPOINT": place,
            "TRACE_SAMPLE": "0.01",
            "LIMIT_SCALE": "1000",
            "LOG_LEVEL": "warning",
            **changed,
        }
        environment = {f"GATEWAY_{name}": value for name, value in settings.items()}
        started = await self.program(sys.executable, "-m", "gateway", port=port, core=core, **environment)
        return replace(started, admin=admin)


async def _ended(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(5):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """A stage with an upstream and, where the program is at hand, a Redis of its own."""
    async with AsyncExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        made = Stage(closing, folder)
        await closing.enter_async_context(_exchange(made.namespace))
        if program := shutil.which("redis-server"):
            port = free_port()
            options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder))
            await made.program(program, *options, port=port, core=1)
            made.redis_url = f"redis://127.0.0.1:{port}/0"
        keys = json.dumps(await made.issuer.jwks())
        told = {"jwks": keys, "answer": json.dumps(ANSWER), "exchange": json.dumps(made.exchanged())}
        made.upstream = (await made.nginx("upstream", _UPSTREAM, core=1, **told)).port
        yield made


@asynccontextmanager
async def _exchange(namespace: str) -> AsyncIterator[None]:
    """The topology of a platform of its own on the broker, as long as the block lasts."""
    topology, broker = Topology(namespace), Broker(BROKER_URL, name="bench")
    connection = await broker.connect("bench")
    try:
        await topology.declare(connection, {})
        yield
    finally:
        await topology.delete(connection, {})
        await connection.close()
        await broker.close()

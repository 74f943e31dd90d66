"""The real processes: started, used over sockets, stopped."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from aio_pika.abc import AbstractConnection
from pydantic import ValidationError

from auth.bootstrap import SERVICE
from auth.settings import AuthSettings
from kit.db.provision import move_clock, provision
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.settings import explain
from kit.testing.databases import Databases, TestDatabase
from kit.testing.ports import free_port
from kit.testing.programs import Program, eventually

from .story import GOOD, LINK, SEALING_KEY, text_of
from .test_mails import Mailbox, MailHost


@dataclass
class Ground:
    """Where the processes stand."""

    environment: dict[str, str]
    mailbox: Mailbox
    logs: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "auth", *command],
            env={"PATH": os.environ["PATH"], **self.environment, "AUTH_HTTP_PORT": "0"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def program(self, command: str, name: str) -> Program:
        port = free_port()
        environment = self.environment | {
            "AUTH_HTTP_PORT": str(port),
            "AUTH_JWKS_URL": f"http://127.0.0.1:{port}/.well-known/jwks.json",
        }
        return Program(("auth", command), environment, self.logs / f"{name}.log", port)


@pytest.fixture
async def place(databases: Databases) -> TestDatabase:
    made = await databases.empty()
    await provision(made.admin_url, {"auth": made.password}, role_prefix=made.role_prefix)
    return made


@pytest.fixture
async def ground(place: TestDatabase, broker_url: str, namespace: str, tmp_path: Path) -> AsyncIterator[Ground]:
    mailbox = Mailbox()
    host = MailHost(mailbox)
    host.start()
    environment = {
        "AUTH_DATABASE_URL": place.url("auth"),
        "AUTH_MIGRATE_URL": place.admin_url,
        "AUTH_ROLE_PREFIX": place.role_prefix,
        "AUTH_BROKER_URL": broker_url,
        "AUTH_NAMESPACE": namespace,
        "AUTH_JWKS_URL": "http://127.0.0.1:1/.well-known/jwks.json",
        "AUTH_SEALING_KEY": SEALING_KEY,
        "AUTH_SMTP_URL": f"smtp://127.0.0.1:{host.port}",
        "AUTH_POOL_SIZE": "3",
    }
    topology, heard = Topology(namespace), SERVICE.heard_by()
    async with connected(broker_url) as connection:
        await topology.declare(connection, heard)
    try:
        yield Ground(environment, mailbox, tmp_path)
    finally:
        async with connected(broker_url) as connection:
            await topology.delete(connection, heard)
        host.stop()


@asynccontextmanager
async def connected(broker_url: str) -> AsyncIterator[AbstractConnection]:
    """A line to the broker for a moment: while a program is waited for, nobody would keep it alive."""
    connection = await Broker(broker_url, name="auth test").connect("test")
    try:
        yield connection
    finally:
        await connection.close()


async def arrived(mailbox: Mailbox, count: int) -> bool:
    return len(mailbox.taken) >= count


async def arrives_in_time(place: TestDatabase, mailbox: Mailbox, count: int) -> bool:
    """Let time pass until it has arrived."""
    await move_clock(place.admin_url, 2)
    return await arrived(mailbox, count)


async def lapse(place: TestDatabase) -> None:
    """Let the lease of the killed worker end; it runs by the server's own time."""
    connection = await asyncpg.connect(place.admin_url)
    await connection.execute("UPDATE auth.ledger_entries SET leased_until = now() - interval '1s'")
    await connection.close()


async def test_the_service_is_migrated_started_in_two_processes_used_and_stopped(ground: Ground) -> None:
    for command in ("migrate", "migrate", "topology"):
        done = ground.run(command)
        assert done.returncode == 0, done.stderr + done.stdout
    api, worker = ground.program("api", "api"), ground.program("worker", "worker")
    try:
        await api.start()
        await worker.start()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.port}", timeout=60) as http:
            assert (await http.post("/v1/accounts", json={"email": "a@x.test", "password": GOOD})).status_code == 202
            await eventually(partial(arrived, ground.mailbox, 1))
            found = LINK.search(text_of(ground.mailbox.messages()[0]))
            assert found is not None
            token = found.group(1)
            body = {"token": token, "password": GOOD}
            assert (await http.post("/v1/accounts/verify", json=body)).status_code == 200
            tokens = (await http.post("/v1/sessions", json={"email": "a@x.test", "password": GOOD})).json()
            mine = {"authorization": f"Bearer {tokens['access_token']}"}
            assert (await http.get("/v1/me", headers=mine)).status_code == 200
            before = (await http.get("/.well-known/jwks.json")).json()["keys"]
        assert len(before) == 1
        assert ground.run("rotate-keys").returncode == 0
        ground.environment["AUTH_SEALING_KEY"] = "b3RoZXItc2VhbGluZy1rZXktb2YtYXV0aC10ZXN0cyE"
        refused = ground.run("rotate-keys")
        assert (refused.returncode, "AUTH_SEALING_KEY: does not open" in refused.stderr) == (1, True)
        assert await worker.stop() == 0
        assert await api.stop() == 0
        text = (ground.logs / "api.log").read_text() + (ground.logs / "worker.log").read_text()
        for secret in (GOOD, tokens["refresh_token"], tokens["access_token"], "a@x.test", token, SEALING_KEY):
            assert secret not in text
    finally:
        await api.kill()
        await worker.kill()


async def test_a_worker_killed_while_the_server_has_the_mail_sends_it_again_by_the_same_name(
    ground: Ground, place: TestDatabase
) -> None:
    for command in ("migrate", "topology"):
        assert ground.run(command).returncode == 0
    server = ground.program("all", "all")
    ground.mailbox.answers_after = 60
    try:
        await server.start()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as http:
            await http.post("/v1/accounts", json={"email": "a@x.test", "password": GOOD})
        await eventually(partial(arrived, ground.mailbox, 1))
        await server.kill()
        ground.mailbox.answers_after = 0
        await lapse(place)
        await server.start()
        await eventually(partial(arrives_in_time, place, ground.mailbox, 2), within=60)
        first, second = ground.mailbox.messages()
        assert first["message-id"] == second["message-id"]
        assert text_of(first) == text_of(second)
        assert await server.stop() == 0
    finally:
        await server.kill()


def test_an_operator_gives_keys_another_version_and_another_master_key(ground: Ground) -> None:
    assert ground.run("migrate").returncode == 0
    for _ in range(2):
        assert ground.run("seal", "rotate", "--platform").returncode == 0
    ground.environment |= {
        "AUTH_SEALING_KEYS_OLD": f'["{SEALING_KEY}"]',
        "AUTH_SEALING_KEY": "b3RoZXItc2VhbGluZy1rZXktb2YtYXV0aC10ZXN0cyE",
    }
    done = ground.run("seal", "rotate-master")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "3 keys wrapped anew.")
    del ground.environment["AUTH_SEALING_KEYS_OLD"]
    assert ground.run("seal", "rotate", "--platform").returncode == 0
    ground.environment["AUTH_SEALING_KEY"] = SEALING_KEY
    assert ground.run("seal", "rotate", "--platform").returncode != 0


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("sealing_key", "c2hvcnQ", "AUTH_SEALING_KEY: Value error, must be 32 random bytes"),
        ("public_url", "nowhere", "AUTH_PUBLIC_URL: "),
        ("smtp_url", "http://mail.test", "AUTH_SMTP_URL: "),
        ("mail_from", "nobody", "AUTH_MAIL_FROM: "),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_shown(name: str, value: str, said: str) -> None:
    given: dict[str, Any] = {
        "http_port": 0,
        "jwks_url": "http://x.test",
        "database_url": "postgresql://x",
        "sealing_key": SEALING_KEY,
    }
    with pytest.raises(ValidationError) as caught:
        AuthSettings(**(given | {name: value}))
    (line,) = explain(AuthSettings, caught.value)
    assert said in line
    assert value not in line

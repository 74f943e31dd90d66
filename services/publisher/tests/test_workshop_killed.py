"""What makes renditions is killed while it does: it is made again, and nothing half-written is ever used."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from kit.db.database import Database
from kit.ids import new_id
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.testing.databases import TestDatabase
from kit.testing.outside import Sandbox
from kit.testing.ports import free_port
from kit.testing.programs import Program, eventually
from publisher.bootstrap import SERVICE
from publisher.media.bench import Bench

from .abroad import Side, Stored, applications
from .library import bytes_of, film, taken
from .story import MASTER, Story
from .test_incidents import administrator

pytestmark = pytest.mark.timeout(400)
QUICK = ("-r", "120")
"""More frames a second than TikTok takes, so it must be made anew, which takes a while."""

LAPSED = "UPDATE ledger_entries SET leased_until = now() WHERE kind = 'publisher.media.render' AND status = 'calling'"
"""As after the nineteen minutes that a dead worker's claim lasts, by the server's own time and no other."""


@pytest.fixture
async def town(place: TestDatabase, database: Database, sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Story]:
    (tmp_path / "media").mkdir()
    changed = applications(sandbox) | {"media_url": f"file://{tmp_path}/media"}
    async with Story.told(place, database, sandbox, **changed) as story:
        yield story


@pytest.fixture
async def worker(
    town: Story, sandbox: Sandbox, broker_url: str, namespace: str, tmp_path: Path
) -> AsyncIterator[Program]:
    port = free_port()
    told = {
        "HTTP_PORT": str(port),
        "DATABASE_URL": town.place.url("publisher"),
        "ROLE_PREFIX": town.place.role_prefix,
        "BROKER_URL": broker_url,
        "NAMESPACE": namespace,
        "JWKS_URL": "http://127.0.0.1:1/jwks.json",
        "SEALING_KEY": MASTER,
        "POOL_SIZE": "4",
        "MEDIA_URL": f"file://{tmp_path}/media",
        **{name.upper(): value for name, value in applications(sandbox).items()},
    }
    topology, broker = Topology(namespace), Broker(broker_url, name="publisher test")
    connection = await broker.connect("test")
    queues = SERVICE.heard_by() | SERVICE.own_consumers()
    await topology.declare(connection, queues)
    environment = {f"PUBLISHER_{name}": value for name, value in told.items()}
    program = Program(("publisher", "worker"), environment, tmp_path / "worker.log", port)
    try:
        yield program
    finally:
        await program.kill()
        await topology.delete(connection, queues)
        await connection.close()
        await broker.close()


async def planned(town: Story, tiktok: Side, client: httpx.AsyncClient, shown: dict[str, Any]) -> dict[str, Any]:
    """A post of this film in an hour, for which it must be made anew from now on."""
    account = await tiktok.connect(client)
    content = {"media": [{"media_id": shown["id"]}], "title": "Bread", "options": {"privacy": "public"}}
    at = (town.now() + timedelta(hours=1)).isoformat()
    return await town.post(client, account, publish_at=at, content=content)


def rendering(parent: int) -> int:
    """The workshop that this process has begun, once it has begun to write the film; to be asked in a thread."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        for pid in _children(parent):
            if _writes(pid):
                return pid
        time.sleep(0.01)
    raise TimeoutError("nothing was rendered")


def kill_workshop(parent: int) -> None:
    os.kill(rendering(parent), signal.SIGKILL)


def _children(parent: int) -> list[int]:
    pids = [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    return [pid for pid in pids if _parent(pid) == parent and b'"task": "render"' in _read(pid, "cmdline")]


def _read(pid: int, what: str) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/{what}").read_bytes()
    return b""


def _parent(pid: int) -> int:
    fields = _read(pid, "stat").rpartition(b") ")[2].split()
    return int(fields[1]) if len(fields) > 1 else 0


def _writes(pid: int) -> bool:
    with suppress(OSError):
        return (Path(f"/proc/{pid}/cwd").readlink() / "made").exists()
    return False


async def renditions(town: Story, client: httpx.AsyncClient) -> list[dict[str, Any]]:
    async with town.database.transaction(client.auth.organization_id) as tx:  # type: ignore[union-attr]
        return [dict(row) for row in await tx.fetch("SELECT state, object, facts FROM renditions")]


async def is_made(town: Story, client: httpx.AsyncClient) -> bool:
    """Whether the one rendition that there is was made."""
    return [each["state"] for each in await renditions(town, client)] == ["ready"]


async def published_whole(town: Story, tiktok: Side, client: httpx.AsyncClient, post: dict[str, Any]) -> None:
    """Once it is due the film is live with all bytes of what was made anew; nothing else lies in the store."""
    await town.forward(hours=1)
    await tiktok.until(client, post, "published")
    (made,) = await renditions(town, client)
    (live,) = await tiktok.seen("posts")
    assert (made["state"], live["size"]) == ("ready", made["facts"]["size_bytes"])
    assert made["facts"]["duration_ms"] >= 15_900
    assert made["facts"]["frames_per_second"] <= 60
    kept = [key for key in await bytes_of(town) if "/pieces/" not in key]
    assert made["object"] in kept


async def test_a_workshop_that_is_killed_while_it_renders_is_followed_by_another(town: Story) -> None:
    tiktok, client = Side(town, "tiktok", Stored()), town.client(new_id())
    await tiktok.set_app(audited=True)
    async with town.working():
        shown = await taken(client, film(16.0, 360, 360, *QUICK), "video/mp4")
        before = set(await bytes_of(town))
        post = await planned(town, tiktok, client, shown)
        await asyncio.to_thread(kill_workshop, os.getpid())
        assert [each["object"] for each in await renditions(town, client)] == [""]
        assert set(await bytes_of(town)) <= before

        await eventually(lambda: is_made(town, client), within=180)
        await published_whole(town, tiktok, client, post)


async def test_a_worker_that_is_killed_while_it_renders_takes_its_workshop_along_and_another_makes_it(
    town: Story, worker: Program
) -> None:
    tiktok, client = Side(town, "tiktok", Stored()), town.client(new_id())
    await tiktok.set_app(audited=True)
    async with town.working():
        shown = await taken(client, film(16.0, 360, 360, *QUICK), "video/mp4")
    await worker.start()
    post = await planned(town, tiktok, client, shown)
    workshop = await asyncio.to_thread(rendering, worker.pid)
    await worker.kill()

    async def gone() -> bool:
        return not _read(workshop, "cmdline")

    await eventually(gone)
    assert [each["object"] for each in await renditions(town, client)] == [""]
    await administrator(town, LAPSED)
    async with town.working():
        await eventually(lambda: is_made(town, client), within=180)
        await published_whole(town, tiktok, client, post)


async def test_what_killed_workers_have_left_behind_goes(tmp_path: Path) -> None:
    old, young, other = tmp_path / "workshop-old", tmp_path / "workshop-young", tmp_path / "of-others"
    for folder in (old, young, other):
        folder.mkdir()
        (folder / "kept").write_bytes(b"a film")
    for folder in (old, other):
        os.utime(folder, (time.time() - 4 * 3600,) * 2)
    async with Bench(tmp_path).place() as place:
        assert place.parent == tmp_path
        assert {each.name for each in tmp_path.iterdir()} == {"workshop-young", "of-others", place.name}  # noqa: ASYNC240 - a folder of a test
    assert not place.exists()

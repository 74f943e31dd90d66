"""WhatsApp's webhooks into the inbox itself: how many are taken in, how late answers are, how fast they become rows.

Taken in: the real door with Meta's signature over the inbox's own schema, each answered after its own commit; the
server has a core to itself, wrk and PostgreSQL share the other. Reduced: one worker as a process, from stored
deliveries to what the team sees, of messages, reactions, corrections, echoes and reports (`benchmarks.orders`).
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import orjson

from benchmarks import harness, peers
from benchmarks.harness import Result, Size, percentile
from benchmarks.intake import Sender
from benchmarks.orders import deliveries, inbox, parts_of, signature
from benchmarks.paced import paced, post
from benchmarks.whatsapp_story import ACCOUNT, Story
from inbox import migrations
from kit.db.database import Database
from kit.http.app import create_app
from kit.http.serving import serve
from kit.messaging.wakeup import Hint
from kit.process import Loop, in_order, run, supervise
from kit.telemetry import logging
from kit.testing.databases import Databases

PATH: Final = "/v1/webhooks/whatsapp"
SERVER: Final = 0  # core
ROUNDS: Final = {"short": 2, "full": 5}
ITEMS: Final = {"short": 4_000, "full": 30_000}
RATE, PACED_SECONDS = 1_000, 2.0
MOST, LATEST_MS = 8_000.0, 20.0


async def server(url: str, port: int, stop: asyncio.Event) -> None:
    """The inbox with this webhook and nothing else, with hints to its workers as in production."""
    logging.configure("bench", "warning")
    database = await Database.open(url, name="bench", pool_size=16, max_waiting=1000)
    hint = Hint(url, "inbox")
    database.hinted = hint.notify
    with tempfile.TemporaryDirectory() as folder:
        door = parts_of(database, Path(folder)).intake.asgi("whatsapp")
        app = create_app(service="bench", title="Bench", mounts={PATH: door})
        try:
            await in_order(stop, partial(serve, app, "127.0.0.1", port), partial(supervise, [Loop("hint", hint.run)]))
        finally:
            await database.close()


async def measure(size: Size) -> Sequence[Result]:
    """Requests per second and how late they are answered; items per second of one worker."""
    databases = Databases()
    try:
        return [*await taken_in(databases, ROUNDS[size]), await reduced(databases, ITEMS[size])]
    finally:
        await databases.close()


async def taken_in(databases: Databases, rounds: int) -> list[Result]:
    """One message in each delivery, each round on empty tables."""
    try:
        wrk = peers.wrk()
    except peers.Missing as missing:
        return [Result("webhooks into conversations' store", "req/s", bar=1.0, missing=str(missing))]
    entry = {"id": ACCOUNT, "changes": Story(1, 1).changes()}
    body = orjson.dumps({"object": "whatsapp_business_account", "entry": [entry]})
    headers = {"x-hub-signature-256": signature(body), "content-type": "application/json"}
    rates, late = list[float](), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        sender = Sender(wrk, Path(folder), body, headers, PATH)
        for _ in range(rounds):
            place = await databases.clone({"inbox": migrations})
            async with harness.serving(SERVER, "benchmarks.conversations", place.url("inbox"), within=60.0) as port:
                rates.append(await sender.most(port, 2))
                _, took = await paced(port, [post(PATH, headers, body)] * round(RATE * PACED_SECONDS), RATE)
                late.append(1000 * percentile(took, 99))
    return [
        Result("webhooks into conversations' store, against 8,000", "req/s", rates, [MOST], 1.0),
        Result(f"p99 at {RATE:,} req/s", "ms", late, [LATEST_MS], 1.0, less_is_better=True),
    ]


async def reduced(databases: Databases, items: int) -> Result:
    """Items of all kinds over a tenth as many conversations, by one worker."""
    place, story = await databases.clone({"inbox": migrations}), Story(items, items // 10)
    async with inbox(place.url("inbox"), pool=8) as one:
        for delivery in deliveries(story.changes()):
            await one.tell(delivery)
        await one.crew.start()
        while not (before := (await one.progress()).applied):  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.02)
        started = time.perf_counter()
        while (now := await one.progress()).applied < items or now.deliveries or now.waiting:  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(0.1)
        seconds = time.perf_counter() - started
    return Result("items reduced to conversations, one worker", "items/s", [(items - before) / seconds])


if __name__ == "__main__":
    if sys.argv[1:2] == ["server"]:
        run(partial(server, sys.argv[2], int(sys.argv[3])))
    else:
        harness.run("conversations", measure)

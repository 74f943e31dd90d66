"""How long after a contact's message has reached us a browser hears of it, at 200 messages per second.

The whole platform runs as `make run` starts it: a signed webhook enters at the gateway, the inbox stores it, takes it
apart and applies it in order per contact; its relay, the broker, the gateway's feed and Redis carry the fact to a
browser that listens at the gateway. Time counts from when a webhook was due to be sent.
"""

import asyncio
import hashlib
import hmac
import os
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import orjson

from benchmarks import harness
from benchmarks.harness import Result, Size, percentile
from benchmarks.paced import paced, post
from kit.testing.databases import ADMIN_URL
from kit.testing.plugin import BROKER_URL, REDIS_URL
from local.backing import Found, Servers
from local.trial import Trial
from local.visitor import Visitor, newcomer

RATE: Final = 200.0
CONTACTS: Final = 200
SECONDS: Final = {"short": 3, "full": 20}
ROUNDS: Final = 3
LATEST_MS: Final = 250.0
HOOK: Final = "/v1/webhooks/whatsapp"
NUMBER, ACCOUNT = "100000000000088", "200000000000001"
SECRET: Final = b"sandbox-app-secret"


@dataclass(slots=True)
class Browser:
    """Listens to an organization's events; a message is known again by the second at which it was written."""

    visitor: Visitor
    heard: dict[datetime, float] = field(default_factory=dict)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self, ready: asyncio.Event) -> None:
        """Hear for ever."""
        where = urlsplit(self.visitor.addresses.gateway)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        head = f"GET /v1/events HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {self.visitor.access_token}\r\n\r\n"
        writer.write(head.encode())
        try:
            async for line in reader:
                at = time.monotonic()
                if line == b"event: ready\n":
                    ready.set()
                elif line == b"event: reset\n":
                    raise RuntimeError("the browser was told to load anew")
                elif line.startswith(b"data: "):
                    self._hear(orjson.loads(line[6:]), at)
            raise RuntimeError("the gateway has ended the stream")
        finally:
            writer.close()

    def _hear(self, told: dict[str, Any], at: float) -> None:
        if told.get("type") == "inbox.message.received.v1":
            written = datetime.fromisoformat(told["data"]["provider_time"])
            if written in self.heard:
                raise RuntimeError("a message was told twice")
            self.heard[written] = at
            self.more.set()

    async def until_heard(self, messages: int, within: float = 20.0) -> None:
        """Wait for so many messages in all."""
        async with asyncio.timeout(within):
            while len(self.heard) < messages:
                self.more.clear()
                await self.more.wait()


def webhook(number: int, written: datetime) -> bytes:
    """A text message of one of the contacts, as WhatsApp tells it."""
    sender = f"49151{10_000_000 + number % CONTACTS}"
    message = {
        "from": sender,
        "id": f"wamid.{secrets.token_hex(16)}",
        "timestamp": f"{written.timestamp():.0f}",
        "type": "text",
        "text": {"body": f"Message {number}: is it still available?"},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550088", "phone_number_id": NUMBER},
        "contacts": [{"profile": {"name": f"Contact {number % CONTACTS}"}, "wa_id": sender}],
        "messages": [message],
    }
    entry = {"id": ACCOUNT, "changes": [{"field": "messages", "value": value}]}
    body = orjson.dumps({"object": "whatsapp_business_account", "entry": [entry]})
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    return post(HOOK, {"content-type": "application/json", "x-hub-signature-256": f"sha256={signature}"}, body)


async def connect(trial: Trial, http: httpx.AsyncClient) -> Visitor:
    """A new organization with a number at the sandbox's WhatsApp."""
    visitor = await newcomer(trial.addresses, http, f"bench.{secrets.token_hex(4)}@example.com")
    await visitor.found("Bench")
    number = {"id": NUMBER, "waba_id": ACCOUNT, "pair_seconds": None}
    answer = await http.post(f"{trial.addresses.sandbox}/whatsapp/control/numbers", json=number)
    answer.raise_for_status()
    token = "sandbox-whatsapp-token"
    channel = {"kind": "whatsapp", "phone_number_id": NUMBER, "waba_id": ACCOUNT, "access_token": token}
    key = {"idempotency-key": secrets.token_hex(8)}
    await visitor.call("POST", "/v1/channels", expect=201, json=channel, headers=key)
    return visitor


@asynccontextmanager
async def listening(visitor: Visitor) -> AsyncIterator[Browser]:
    """A browser that hears everything from now on; what went wrong with it leaves here."""
    browser, ready = Browser(visitor), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(browser.listen(ready))
        await ready.wait()
        yield browser
        task.cancel()


async def measure(size: Size) -> Sequence[Result]:
    """Percentiles of the time from webhook to browser."""
    servers = Servers(*(Found(url, "environment") for url in (ADMIN_URL, REDIS_URL, BROKER_URL)))
    with tempfile.TemporaryDirectory() as folder, Trial(Path(folder), servers, dict(os.environ)) as trial:
        async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
            visitor = await connect(trial, http)
        async with listening(visitor) as browser:
            runs = await rounds(trial, browser, round(SECONDS[size] * RATE))
    late, usual = ([percentile(run, percent) for run in runs] for percent in (99, 50))
    name = f"webhook to browser at {RATE:.0f}/s"
    return [
        Result(f"{name}, p99", "ms", late, [LATEST_MS], 1.0, less_is_better=True),
        Result(f"{name}, p50", "ms", usual),
    ]


async def rounds(trial: Trial, browser: Browser, messages: int) -> list[list[float]]:
    """Milliseconds that each message took, round by round; before them the contacts write for the first time."""
    port = trial.plan.ports["gateway"]
    first = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=6)
    runs, sent = list[list[float]](), 0
    for count in (CONTACTS, *[messages] * ROUNDS):
        written = [first + timedelta(seconds=sent + place) for place in range(count)]
        bodies = [webhook(sent + place, each) for place, each in enumerate(written)]
        due, _ = await paced(port, bodies, RATE)
        sent += count
        await browser.until_heard(sent)
        runs.append([1000 * (browser.heard[each] - at) for each, at in zip(written, due, strict=True)])
    return runs[1:]


if __name__ == "__main__":
    harness.run("realtime", measure)

"""WhatsApp's doors as far as a broadcast needs them, as a process of its own that remembers every effect."""

import asyncio
import hashlib
import hmac
import random
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

import httpx
import orjson

from benchmarks.broadcast_chaos.fate import FAILED_CODE, REFUSED_CODE, SLOW_SECONDS, fate_of
from kit.process import run

SECRET: Final = "chaos-app-secret"
NUMBER, ACCOUNT = "100000000000001", "200000000000001"
_AT_ONCE: Final = 200
_SENDERS: Final = 2
_TEMPLATE: Final = {
    "id": "700000000000001",
    "name": "news",
    "language": "en_US",
    "status": "APPROVED",
    "category": "UTILITY",
    "components": [
        {"type": "BODY", "text": "Hello {{1}}, see what is new today.", "example": {"body_text": [["Ann"]]}}
    ],
}
_READ: Final[Mapping[str, Any]] = {
    NUMBER: {"id": NUMBER, "display_phone_number": "15550783881", "verified_name": "Chaos Bakery"},
    f"{ACCOUNT}/phone_numbers": {"data": [{"id": NUMBER}]},
    f"{ACCOUNT}/message_templates": {"data": [_TEMPLATE]},
}

Answer = tuple[int, Any]


@dataclass(slots=True)
class Receiver:
    """Takes messages, and tells of each twice and out of order what became of it."""

    hook: str
    effects: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    told: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    copies: int = 0
    _waiting: list[tuple[float, int, str, dict[str, Any]]] = field(default_factory=list)
    _under_way: int = 0
    _numbers: "count[int]" = field(default_factory=count)
    _chance: random.Random = field(default_factory=lambda: random.Random(7))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it is closed or cut."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, target, _ = head.split(b" ", 2)
                answer = await self._answer(method, target.decode(), await body_of(reader, head))
                if answer is None:
                    writer.transport.abort()
                    return
                status, told = answer
                content = orjson.dumps(told)
                writer.write(
                    b"HTTP/1.1 %d Told\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                    % (status, len(content), content)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, method: bytes, target: str, body: bytes) -> Answer | None:
        path = target.partition("?")[0].strip("/")
        if path == "record":
            return 200, self._record()
        node = path.partition("/")[2]
        if method == b"POST" and node == f"{NUMBER}/messages":
            return await self._message(orjson.loads(body))
        found = _READ.get(node)
        return (404, _error(100)) if found is None else (200, found)

    def _record(self) -> dict[str, Any]:
        return {
            "effects": self.effects,
            "refused": self.refused,
            "lost": self.lost,
            "told": {ours: sorted(statuses) for ours, statuses in self.told.items()},
            "copies": self.copies,
            "waiting": len(self._waiting) + self._under_way,
        }

    async def _message(self, message: dict[str, Any]) -> Answer | None:
        number, ours = str(message["to"]).strip("+"), str(message["biz_opaque_callback_data"])
        fate = fate_of(number)
        if fate.refused:
            self.refused.append(ours)
            return 400, _error(REFUSED_CODE)
        self.effects.append((ours, number))
        provider_id = f"wamid.{len(self.effects)}"
        if not fate.silent:
            for status in ("failed",) if fate.fails else ("sent", "delivered"):
                self._report(provider_id, number, ours, status)
        if fate.slow:
            await asyncio.sleep(SLOW_SECONDS)
        if fate.lost:
            self.lost.append(ours)
            return None
        return 200, {"messaging_product": "whatsapp", "messages": [{"id": provider_id}]}

    def _report(self, provider_id: str, number: str, ours: str, status: str) -> None:
        """Twice, each within three seconds, perhaps before the answer."""
        told: dict[str, Any] = {
            "id": provider_id,
            "status": status,
            "timestamp": str(int(time.time())),
            "recipient_id": number,
            "biz_opaque_callback_data": ours,
        }
        if status == "failed":
            told["errors"] = [{"code": FAILED_CODE, "title": "Not delivered"}]
        for _ in range(2):
            self._wait(ours, told, self._chance.random() * 3.0)

    def _wait(self, ours: str, told: dict[str, Any], seconds: float) -> None:
        heappush(self._waiting, (time.monotonic() + seconds, next(self._numbers), ours, told))

    async def tell(self, stop: asyncio.Event) -> None:
        """Deliver what is due until it is acknowledged."""
        async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
            while not stop.is_set():
                some: list[tuple[str, dict[str, Any]]] = []
                while self._waiting and len(some) < _AT_ONCE and self._waiting[0][0] <= time.monotonic():
                    _, _, ours, told = heappop(self._waiting)
                    some.append((ours, told))
                if not some:
                    await asyncio.sleep(0.1)
                    continue
                self._under_way += len(some)
                taken = await self._taken(client, [told for _, told in some])
                self._under_way -= len(some)
                for ours, told in some:
                    if taken:
                        self.told[ours].add(told["status"])
                        self.copies += 1
                    else:
                        self._wait(ours, told, 0.5)

    async def _taken(self, client: httpx.AsyncClient, statuses: list[dict[str, Any]]) -> bool:
        metadata = {"display_phone_number": "15550783881", "phone_number_id": NUMBER}
        value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": statuses}
        entry = {"id": ACCOUNT, "changes": [{"field": "messages", "value": value}]}
        body = orjson.dumps({"object": "whatsapp_business_account", "entry": [entry]})
        signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        try:
            answer = await client.post(self.hook, content=body, headers={"x-hub-signature-256": signature})
        except httpx.HTTPError:
            return False
        return answer.status_code == 200


def _error(code: int) -> dict[str, Any]:
    return {"error": {"message": f"(#{code}) no", "type": "OAuthException", "code": code, "fbtrace_id": "A"}}


async def body_of(reader: asyncio.StreamReader, head: bytes) -> bytes:
    """The body that a head announces."""
    lowered = head.lower()
    at = lowered.find(b"content-length: ")
    return b"" if at < 0 else await reader.readexactly(int(lowered[at + 16 :].split(b"\r\n", 1)[0]))


async def receive(port: int, hook: str, stop: asyncio.Event) -> None:
    """Listen until told to stop."""
    receiver = Receiver(hook)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", port, limit=2**20)
    async with server, asyncio.TaskGroup() as group:
        for _ in range(_SENDERS):
            group.create_task(receiver.tell(stop))


if __name__ == "__main__":
    run(partial(receive, int(sys.argv[1]), sys.argv[2]))

"""A callback address of an application: answers challenges, notes what comes, and can be told to answer wrongly."""

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from .listening import Listener


@dataclass
class Delivered:
    """One webhook as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Hook:
    """The address; `answers` are statuses given before all goes well."""

    url: str = ""
    got: list[Delivered] = field(default_factory=list)
    challenges: list[dict[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    together: int = 1
    """No webhook is answered before so many have come."""
    answer_challenge: Callable[[dict[str, str]], str] = lambda _: ""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def wait(self, count: int) -> list[Delivered]:
        """All webhooks, once there are so many."""
        async with asyncio.timeout(60), self.changed:
            await self.changed.wait_for(lambda: len(self.got) >= count)
        return self.got

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:-2])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        status, answer = 200, ""
        if lines[0].startswith("GET"):
            asked = {name: values[0] for name, values in parse_qs(urlsplit(lines[0].split(" ")[1]).query).items()}
            self.challenges.append(asked)
            answer = self.answer_challenge(asked)
        else:
            status = self.answers.pop(0) if self.answers else 200
            async with self.changed:
                self.got.append(Delivered(headers, body))
                self.changed.notify_all()
            await self.wait(self.together)
        head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(answer)}\r\nconnection: close\r\n\r\n"
        writer.write((head + answer).encode())


def meta(asked: dict[str, str]) -> str:
    """What Meta wants to hear."""
    return asked["hub.challenge"] if asked["hub.verify_token"] == "sandbox-verify" else ""


def linkedin(asked: dict[str, str]) -> str:
    """What LinkedIn wants to hear."""
    code = asked["challengeCode"]
    response = hmac.new(b"sandbox-secret", code.encode(), hashlib.sha256).hexdigest()
    return orjson.dumps({"challengeCode": code, "challengeResponse": response}).decode()


@contextlib.asynccontextmanager
async def listening(answer_challenge: Callable[[dict[str, str]], str]) -> AsyncIterator[Hook]:
    """A hook that listens on a port of its own."""
    hook = Hook(answer_challenge=answer_challenge)
    listener = Listener(hook.serve)
    hook.url = f"http://127.0.0.1:{listener.port}/hook"
    try:
        yield hook
    finally:
        await listener.close()

"""Facebook, Instagram and Threads as those see them who watch, and files that they can fetch."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from kit.db.database import Transaction
from kit.ids import new_id
from publisher.platforms.base import MediaItem

from .sides import PlatformSide, connected, told

KIND = {"facebook": "organization", "instagram": "organization", "threads": "member"}
TYPES = {"image": "image/jpeg", "video": "video/mp4"}


@dataclass
class Files:
    """Pictures and videos as a store would have them, served to whoever has the address."""

    port: int = 0
    items: dict[UUID, MediaItem] = field(default_factory=dict)

    async def find(
        self, tx: Transaction, media_ids: Collection[UUID], *, hold: bool = False
    ) -> Mapping[UUID, MediaItem]:
        _ = hold
        _ = tx
        return {each: self.items[each] for each in media_ids if each in self.items}

    def add(self, kind: str, *, mime: str | None = None) -> dict[str, str]:
        """A picture or video; how a post uses it."""
        media_id = new_id()

        async def read(offset: int, length: int) -> bytes:
            return _content(kind)[offset : offset + length]

        self.items[media_id] = MediaItem(
            media_id=media_id,
            kind="image" if kind == "image" else "video",
            mime=mime or TYPES[kind],
            size_bytes=len(_content(kind)),
            width=1080,
            height=1350 if kind == "image" else 1920,
            duration_ms=None if kind == "image" else 9000,
            alt="a cake",
            url=f"http://127.0.0.1:{self.port}/{media_id}.{kind}",
            read=read,
        )
        return {"media_id": str(media_id)}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        kind = head.split(" ")[1].rsplit(".", 1)[-1]
        body = _content(kind)
        told = f"HTTP/1.1 200 OK\r\ncontent-type: {TYPES[kind]}\r\ncontent-length: {len(body)}\r\n"
        writer.write(f"{told}connection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    @classmethod
    @asynccontextmanager
    async def served(cls) -> AsyncIterator["Files"]:
        files = cls()
        server = await asyncio.start_server(files.serve, "127.0.0.1", 0)
        files.port = server.sockets[0].getsockname()[1]
        async with server:
            yield files


def _content(kind: str) -> bytes:
    return f"the bytes of a {kind}".encode() * 100


@dataclass
class MetaSide(PlatformSide):
    """One of the three platforms from outside, and one account of ours on it."""

    async def connect(self, client: httpx.AsyncClient, person: str = "100001") -> str:
        """The id of a connected account."""
        return connected(await told(client, await self.consent(client, approve=person)))

    async def consent(self, client: httpx.AsyncClient, **answer: str) -> str:
        return await self.answered(client, KIND[self.name], answer)

    async def live(self) -> list[dict[str, Any]]:
        """What is live, newest first."""
        return await self.seen("posts")

    async def calls(self, path: str, method: str = "POST") -> int:
        """How many calls came to a path that ends so."""
        return sum(each["path"].endswith(path) for each in await self.received(path, method))

    async def settles(
        self, client: httpx.AsyncClient, post: dict[str, Any], *statuses: str, step: float = 6.0
    ) -> dict[str, Any]:
        """The post once it has one of these statuses, while time passes in steps."""
        return await self.until(client, post, *statuses, step=step, within=90)

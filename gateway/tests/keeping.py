"""What the tests of the cache share: a service whose answers can be changed and held, and readers of two tenants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

from gateway.cache.generations import Invalidation
from gateway.cache.policy import Policy
from gateway.routes import ROUTES
from kit.testing.listening import listening

from .conftest import WITHIN, Answer, House, request_of

OURS, THEIRS, TALK, ONE = (str(UUID(int=number, version=4)) for number in range(0xA0, 0xA4))
CHANNELS = "/v1/channels"
MESSAGES = f"/v1/conversations/{TALK}/messages"


class Service:
    """Answers every read with what it has, as it is when it is asked, and takes every change."""

    def __init__(self) -> None:
        self.content, self.status, self.headers = b'"one"', 200, b""
        self.asked: list[bytes] = []
        self.proceed = asyncio.Event()
        self.proceed.set()
        self.raw: bytes | None = None
        self.breaks_off = False

    @property
    def reads(self) -> int:
        return sum(request.startswith((b"GET", b"HEAD")) for request in self.asked)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await request_of(reader)
            self.asked.append(request)
            if not request.startswith((b"GET", b"HEAD")):
                self.content = request.partition(b"\r\n\r\n")[2] or self.content
            answer = (
                self.raw
                or b"HTTP/1.1 %d Fine\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n"
                % (
                    self.status,
                    self.headers,
                    len(self.content),
                )
                + (b"" if request.startswith(b"HEAD") else self.content)
            )
            await self.proceed.wait()
            writer.write(answer[:-1] if self.breaks_off else answer)
            await writer.drain()
            if self.breaks_off:
                return

    async def until_asked(self, times: int) -> None:
        async with asyncio.timeout(WITHIN):
            while len(self.asked) < times:  # noqa: ASYNC110 - it belongs to another task
                await asyncio.sleep(0.005)


@asynccontextmanager
async def serving(house: Any, *, gateways: int = 1, **options: Any) -> AsyncIterator[tuple[Any, ...]]:
    """A service and gateways before it that know the same callers; somebody has said that events arrive."""
    service = Service()
    async with listening(service, limit=2**20) as port:
        first: House = await house(port, routes=ROUTES, **options)
        others = [await house(port, routes=ROUTES, issuer=first.issuer, **options) for _ in range(gateways - 1)]
        await proven(first)
        yield service, first, *others


async def proven(house: House) -> None:
    """Say that events arrive, as the feed does."""
    await ending(house).begin(after_loss=False)


def ending(house: House) -> Invalidation:
    """What the feed ends answers with."""
    return Invalidation(house.redis, house.namespace, Policy())


class Reader:
    """One member of one organization at a gateway."""

    def __init__(self, house: House, organization: str = OURS, *, role: str = "admin", **claims: Any) -> None:
        self.house = house
        self.claims = {"org": organization, "role": role, "sub": str(uuid4()), "sid": str(uuid4()), **claims}
        self.token = house.issuer.token(**self.claims)

    def at(self, house: House) -> "Reader":
        """The same person, at another gateway."""
        return Reader(house, **{"organization": self.claims["org"], **self.claims})

    async def read(self, path: str = CHANNELS, **options: Any) -> Answer:
        return await self.house.ask(path, token=self.token, **options)

    async def change(self, path: str = CHANNELS, body: bytes = b'"two"', method: str = "POST") -> Answer:
        return await self.house.ask(path, token=self.token, body=body, method=method)

"""Compliance behind a real server, and the keyrings of services that ask it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final

from compliance.api import ROUTERS
from compliance.bootstrap import build, endpoint_parts
from kit.db.database import Database
from kit.http.app import create_app
from kit.http.breaker import Breaker
from kit.http.caller import TokenVerifier
from kit.http.client import Outbound
from kit.http.peer import Peer
from kit.http.serving import serve
from kit.http.transport import PyreqwestTransport
from kit.ids import new_id
from kit.seal import Keyring, LocalMasterKey, Sealer
from kit.seal.cache import KeyCache
from kit.seal.elsewhere import KeysElsewhere
from kit.testing.databases import TestDatabase
from kit.testing.ports import reserve
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer

from .office import SECRETS
from .trail import MASTER, ORIGIN

PLACE: Final = b"notes.text:1"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request, and everything that went over the wire for it."""

    method: str
    path: str
    query: str
    asked: bytes
    answered: bytes


@dataclass
class Keeping:
    """What a test of the keys does."""

    place: TestDatabase
    database: Database
    keyring: Keyring
    port: int
    stack: AsyncExitStack
    exchanges: list[Exchange] = field(default_factory=list)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _serving: asyncio.Task[None] | None = None

    def peer(self, service: str, secret: str = "", *, port: int = 0) -> Peer:
        """Compliance, as a service asks it."""
        patient = PyreqwestTransport(connect=30.0, read=30.0)
        outbound = Outbound(transport=patient, breaker=partial(Breaker, rest=0.1, longest=0.1))
        self.stack.push_async_callback(outbound.close)
        key = Sealer.from_text(secret or SECRETS[service])
        return Peer(outbound, f"http://127.0.0.1:{port or self.port}", service, key)

    def store(
        self, service: str = "inbox", secret: str = "", *, port: int = 0, deadline: float = 30.0
    ) -> KeysElsewhere:
        """What the keyring of a service asks, with more patience than it has, for machines that do much at once."""
        return KeysElsewhere(self.peer(service, secret, port=port), deadline)

    async def ring(
        self,
        service: str = "inbox",
        *,
        cache: KeyCache | None = None,
        pool_size: int = 4,
        port: int = 0,
        deadline: float = 30.0,
    ) -> Keyring:
        """The keyring of a process of that service."""
        keys = self.store(service, port=port, deadline=deadline)
        return Keyring(await self.own_database(pool_size), LocalMasterKey.from_text("E" * 43), cache, shared=keys)

    async def own_database(self, pool_size: int = 4) -> Database:
        """The database of a service that asks."""
        opened = await Database.open(self.place.url("sample"), name="sample", pool_size=pool_size, acquire_within=20)
        self.stack.push_async_callback(opened.close)
        return opened

    async def shred(self, organization_id: Any, subject: str | None) -> None:
        """Destroy a key, as the saga of an erasure does."""
        bound = () if organization_id is None else (organization_id,)
        async with self.database.transaction(*bound) as tx:
            await self.keyring.shred(tx, organization_id, subject)

    async def rows(self, service: str = "compliance") -> list[dict[str, Any]]:
        """The keys that a service keeps itself."""
        found = await self.place.ask(
            service, "SELECT * FROM seal_keys WHERE organization_id IS NOT NULL OR subject <> '' ORDER BY id"
        )
        return [dict(row) for row in found]

    def asked(self, what: str) -> int:
        """How often that was asked for."""
        return sum(each.path.endswith(what) for each in self.exchanges)

    async def start(self) -> None:
        """Let compliance answer."""
        issuer, parts = Issuer(), self._parts()
        app = create_app(
            service="compliance",
            title="Compliance",
            routers=ROUTERS,
            parts=endpoint_parts(parts),
            verifier=TokenVerifier(issuer.jwks, ISSUER, AUDIENCE, self.database.clock),
            clock=self.database.clock,
        )
        self._stop, listening = asyncio.Event(), asyncio.Event()
        self._serving = asyncio.create_task(
            serve(self._watched(app), "127.0.0.1", self.port, self._stop, bound=lambda _port: listening.set())
        )
        await listening.wait()

    async def stop(self) -> None:
        """Let compliance be away."""
        self._stop.set()
        if self._serving is not None:
            await self._serving
        self._serving = None

    def _parts(self) -> Any:
        clients = {name: Sealer.from_text(key) for name, key in SECRETS.items()}
        return build(self.database, self.keyring, ORIGIN, timedelta(days=30), clients)

    def _watched(self, app: Any) -> Any:
        async def watching(scope: Any, receive: Any, send: Any) -> None:
            asked, answered = bytearray(), bytearray()

            async def receiving() -> Any:
                message = await receive()
                asked.extend(message.get("body", b""))
                return message

            async def sending(message: Any) -> None:
                answered.extend(message.get("body", b""))
                await send(message)

            await app(scope, receiving, sending)
            if scope["type"] == "http":
                self.exchanges.append(
                    Exchange(
                        scope["method"], scope["path"], scope["query_string"].decode(), bytes(asked), bytes(answered)
                    )
                )

        return watching


@asynccontextmanager
async def keeping(place: TestDatabase, pool_size: int = 6) -> AsyncIterator[Keeping]:
    """Compliance, answering until the end."""
    async with AsyncExitStack() as stack:
        database = await Database.open(
            place.url("compliance"), name="compliance test", pool_size=pool_size, acquire_within=20
        )
        stack.push_async_callback(database.close)
        keeper, port = reserve()
        stack.callback(keeper.close)
        made = Keeping(place, database, Keyring(database, LocalMasterKey.from_text(MASTER)), port, stack)
        stack.push_async_callback(made.stop)
        await made.start()
        yield made


def contact() -> str:
    """Somebody."""
    return f"contact:{new_id()}"

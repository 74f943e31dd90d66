"""Asking a server whether it is what we look for and lets us in; a port that merely answers is not enough."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import quote, urlsplit

import asyncpg
import redis.asyncio
from redis.exceptions import RedisError

from kit.messaging.address import BrokerAddress
from kit.messaging.errors import BrokerLost
from kit.messaging.publisher import Publisher

OLDEST_POSTGRES = 15
_PATIENCE = 4.0
WITH_ONE_WE_COUNT_ON = 30.0


class Unusable(Exception):
    """The server is not there, is something else, or does not let us in; the message says which, without secrets."""


class Probe(Protocol):
    """Asks one kind of server."""

    def __call__(self, url: str, *, patience: float = ...) -> Awaitable[None]:
        """Return when it is usable; raise `Unusable` when it is not."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of server: how the environment names it, where it usually is, how to ask it."""

    name: str
    variable: str
    standard: Callable[[], Sequence[str]]
    usable: Probe
    package: str


def shown(url: str) -> str:
    """The address without its password."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2] or "local socket"
    return f"{parts.scheme}://{place}{parts.path}"


async def postgres_is_usable(url: str, *, patience: float = _PATIENCE) -> None:
    """Connect as an administrator: one who may make databases and roles.

    Raises:
        Unusable: it is too old, refuses us, or grants too little.
    """
    try:
        connection = await asyncpg.connect(url, timeout=patience)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as trouble:
        raise Unusable(_why(trouble)) from None
    try:
        version = connection.get_server_version()
        allowed = await connection.fetchval(
            "SELECT rolsuper OR (rolcreatedb AND rolcreaterole) FROM pg_roles WHERE rolname = current_user"
        )
    except (OSError, asyncpg.PostgresError) as trouble:
        raise Unusable(_why(trouble)) from None
    finally:
        await connection.close(timeout=patience)
    if version.major < OLDEST_POSTGRES:
        raise Unusable(f"it is PostgreSQL {version.major}; {OLDEST_POSTGRES} or newer is needed")
    if not allowed:
        raise Unusable("this login may not make databases and roles")


async def redis_is_usable(url: str, *, patience: float = _PATIENCE) -> None:
    """Ask for a sign of life.

    Raises:
        Unusable: it is not Redis or refuses us.
    """
    try:
        client = redis.asyncio.Redis.from_url(url, socket_timeout=patience, socket_connect_timeout=patience)
        async with client, asyncio.timeout(patience):
            await client.echo("rostrum")
    except (OSError, TimeoutError, RedisError, ValueError, asyncio.IncompleteReadError) as trouble:
        raise Unusable(_why(trouble)) from None


async def rabbit_is_usable(url: str, *, patience: float = _PATIENCE) -> None:
    """Sign in and open a channel.

    Raises:
        Unusable: it is not RabbitMQ or refuses us.
    """
    try:
        connection = await Publisher.connect(BrokerAddress.parse(url), name="probe", within=patience)
    except (BrokerLost, ValueError) as trouble:
        raise Unusable(_why(trouble)) from None
    await connection.close()


def _why(trouble: BaseException) -> str:
    """The kind of trouble and its first line; drivers name hosts and users there, no passwords."""
    lines = str(trouble).splitlines()
    return f"{type(trouble).__name__}: {lines[0]}" if lines else type(trouble).__name__


def _standard_postgres() -> Sequence[str]:
    me = quote(getpass.getuser())
    logins = dict.fromkeys(("postgres", me))
    tcp = [f"postgresql://{login}@127.0.0.1:5432/postgres" for login in logins]
    socket = [f"postgresql://{login}@/postgres?host=/var/run/postgresql" for login in logins]
    return [*tcp, *socket]


POSTGRES = Kind("postgres", "ROSTRUM_ADMIN_DATABASE_URL", _standard_postgres, postgres_is_usable, "postgresql")
REDIS = Kind("redis", "ROSTRUM_REDIS_URL", lambda: ["redis://127.0.0.1:6379/0"], redis_is_usable, "redis-server")
RABBIT = Kind(
    "rabbitmq",
    "ROSTRUM_BROKER_URL",
    lambda: ["amqp://guest:guest@127.0.0.1:5672/"],
    rabbit_is_usable,
    "rabbitmq-server",
)
KINDS = (POSTGRES, REDIS, RABBIT)

# Tests sign in with roles of their own and passwords, which a local socket would not take.
OVER_TCP = (
    replace(POSTGRES, standard=lambda: [url for url in _standard_postgres() if "@/" not in url]),
    REDIS,
    RABBIT,
)

"""API keys at the door: junk is refused at once, a good key is exchanged at auth for a token that services verify."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

import orjson
import structlog
from pydantic import BaseModel, ConfigDict

from gateway.fetch import NotFetched
from gateway.problems import (
    ADDRESS_REFUSED,
    API_KEYS_AWAY,
    INVALID_API_KEY,
    OVERLOADED,
    Problem,
    Refused,
    retry_after,
)
from gateway.tokens import CHALLENGE_INVALID, Session, Verifier
from kit.clock import Clock
from kit.http.api_keys import is_well_formed
from kit.telemetry import metrics

log = structlog.get_logger(__name__)

EXCHANGES = metrics.counter("api_key_exchanges_total", "API keys that auth was asked about", ("outcome",))

AHEAD: Final = 30.0
"""Seconds before the end of a token at which its key is exchanged anew; until then it serves when auth is away."""


class Exchanged(BaseModel):
    """What auth says of a key."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    access_token: str | None
    expires_in: int
    allowed_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of a good key; without a session where it was shown from an address that is not allowed."""

    session: Session | None
    authorization: bytes
    """The header with which a request goes on to its service."""
    networks: tuple[IPv4Network | IPv6Network, ...]
    renew_at: float

    def allows(self, address: str) -> bool:
        """Whether a visitor with this address may use the key."""
        return not self.networks or _within(self.networks, address)


Ask = Callable[[bytes], Awaitable[bytes]]
"""Puts a question to auth, in the name of the gateway.

Raises:
    NotFetched: there is no answer, or not the wanted one.
"""


class ApiKeys:
    """Keys that were shown lately, by their hash: the text of a key is in memory only while its request is read.

    A good key is remembered until shortly before its token ends, and exchanged once for all who show it at the same
    time. That a key is not good is remembered for `refused_for` seconds: no key that was refused becomes good. When
    nobody knows whether revocations arrive (`trusts_memory`), auth is asked each time; when auth does not answer, a
    token that has not expired is used to its end, as those of people are.
    """

    def __init__(
        self,
        ask: Ask,
        verifier: Verifier,
        clock: Clock,
        *,
        trusts_memory: Callable[[], bool] = lambda: True,
        capacity: int = 10_000,
        refused_for: float = 30.0,
        most_at_once: int = 64,
    ) -> None:
        self._ask = ask
        self._verifier = verifier
        self._clock = clock
        self._trusts_memory = trusts_memory
        self._capacity = capacity
        self._refused_for = refused_for
        self._most_at_once = most_at_once
        self._held: dict[bytes, Held] = {}
        self._refused: dict[bytes, float] = {}
        self._flights: dict[bytes, asyncio.Task[Held | Problem]] = {}

    @property
    def remembered(self) -> tuple[int, int]:
        """How many keys are remembered as good, and how many as refused."""
        return len(self._held), len(self._refused)

    def forget(self) -> None:
        """Exchange every key anew: the keys that sign tokens are others now."""
        self._held.clear()

    def recall(self, key: bytes, address: str) -> Held | None:
        """What a key is worth, if it was exchanged lately and may be used from this address."""
        held = self._current(_digest(key))
        return held if held is not None and held.session is not None and held.allows(address) else None

    async def find(self, key: bytes, address: str) -> Held:
        """What a key is worth; it has a session.

        Raises:
            Refused: 401 when the key is not good, 403 when it may not be used from this address, 503 when auth does
                not say.
        """
        digest = _digest(key)
        if not is_well_formed(key) or self._refused.get(digest, 0.0) > time.monotonic():
            raise Refused(INVALID_API_KEY, [CHALLENGE_INVALID])
        for _ in range(2):
            held = self._current(digest) or await self._exchanged(digest, key, address)
            if not held.allows(address):
                raise Refused(ADDRESS_REFUSED)
            if held.session is not None:
                return held
            self._held.pop(digest, None)  # somebody showed it from where it may not be used; we are elsewhere
        raise Refused(ADDRESS_REFUSED)

    def _current(self, digest: bytes) -> Held | None:
        held = self._held.get(digest)
        if held is None or time.monotonic() >= held.renew_at or not self._trusts_memory():
            return None
        return held if self._is_alive(held) else None

    def _is_alive(self, held: Held) -> bool:
        return held.session is None or self._clock.timestamp() < held.session.expires_at

    async def _exchanged(self, digest: bytes, key: bytes, address: str) -> Held:
        """What auth says, asked once for all who wait; or what it said last, while that is good."""
        flight = self._flights.get(digest)
        if flight is None:
            if len(self._flights) >= self._most_at_once:
                raise Refused(OVERLOADED, [retry_after(1)])
            flight = asyncio.create_task(self._exchange(digest, key, address), name="api-key")
            self._flights[digest] = flight
            flight.add_done_callback(lambda _: self._flights.pop(digest, None))
        said = await asyncio.shield(flight)
        if isinstance(said, Held):
            return said
        headers = [CHALLENGE_INVALID] if said is INVALID_API_KEY else [retry_after(2)]
        raise Refused(said, headers)

    async def _exchange(self, digest: bytes, key: bytes, address: str) -> Held | Problem:
        question = orjson.dumps({"key": key.decode("ascii"), "address": address})
        try:
            held = await self._read(await self._ask(question))
        except NotFetched as failed:
            if failed.status == INVALID_API_KEY.status and failed.code == INVALID_API_KEY.code:
                return self._refuse(digest)
            return self._unanswered(digest, failed)
        except (ValueError, Refused) as wrong:  # no answer of ours, or a token that we cannot verify
            return self._unanswered(digest, wrong)
        EXCHANGES.labels("good" if held.session is not None else "elsewhere").inc()
        self._held.pop(digest, None)
        self._held[digest] = held
        if len(self._held) > self._capacity:
            del self._held[next(iter(self._held))]
        return held

    async def _read(self, answer: bytes) -> Held:
        said = Exchanged.model_validate_json(answer)
        networks = tuple(ip_network(each) for each in said.allowed_addresses)
        now = time.monotonic()
        if said.access_token is None:
            return Held(None, b"", networks, now + AHEAD)
        token = said.access_token.encode("ascii")
        session = await self._verifier.verify(token)
        return Held(session, b"Bearer " + token, networks, now + max(1.0, said.expires_in - AHEAD))

    def _refuse(self, digest: bytes) -> Problem:
        EXCHANGES.labels("refused").inc()
        self._held.pop(digest, None)
        self._refused[digest] = time.monotonic() + self._refused_for
        if len(self._refused) > self._capacity:
            del self._refused[next(iter(self._refused))]
        return INVALID_API_KEY

    def _unanswered(self, digest: bytes, trouble: Exception) -> Held | Problem:
        EXCHANGES.labels("unanswered").inc()
        log.warning("api_keys.not_exchanged", error=type(trouble).__name__, reason=str(trouble))
        held = self._held.get(digest)
        return held if held is not None and held.session is not None and self._is_alive(held) else API_KEYS_AWAY


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


@lru_cache(maxsize=10_000)
def _within(networks: tuple[IPv4Network | IPv6Network, ...], address: str) -> bool:
    try:
        visitor = ip_address(address)
    except ValueError:
        return False
    return any(visitor in network for network in networks)

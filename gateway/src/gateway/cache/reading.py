"""One read of a row: from what the process keeps, from what Redis keeps, or from the service, perhaps with others."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol, cast

from gateway.cache.entries import MOST_BODY, Entry, Memory, entry_of, may_be_kept, packed, unpacked
from gateway.cache.figures import Tally
from gateway.cache.flights import Flight, Flights, Without
from gateway.cache.generations import Generations, Question, Stamp
from gateway.cache.policy import Kept
from gateway.cache.wishes import Wishes, has, unconditional
from gateway.forward import Deliver, answered, gathered, relay
from gateway.headers import NO_STORE
from gateway.problems import Header
from gateway.redis_pipe import RedisAway, RedisPipe
from gateway.routes import Route
from gateway.upstream import Connection
from gateway.visit import Visit

_BYPASS: Final = b"fwd=bypass"
_ABSENT: Final = b"fwd=uri-miss"
_ENDED: Final = b"fwd=stale"
_ANEW: Final = b"fwd=request"


class Ask(Protocol):
    """Asks the service of a request and delivers its answer, as `forward` does."""

    def __call__(self, *, deliver: Deliver | None = None) -> Awaitable[None]:
        """Ask and deliver."""


@dataclass(slots=True)
class Look:
    """One read of a row, from its arrival."""

    visit: Visit
    row: Kept
    key: str
    """Who asks for what: the same for all who get the same answer, and for nobody else."""
    wishes: Wishes
    question: Question | None


class Reader:
    """Reads rows. A kept answer is used only under the generations that hold as the request comes in."""

    def __init__(
        self,
        redis: RedisPipe,
        generations: Generations,
        memory: Memory,
        *,
        max_age: float,
        now: Callable[[], float],
    ) -> None:
        self._redis = redis
        self._generations = generations
        self._memory = memory
        self._max_age = max_age
        self._now = now
        self._flights = Flights()
        self.tallies: dict[str, Tally] = {}

    async def read(self, look: Look, ask: Ask) -> None:
        """Answer a read."""
        question = look.question
        held = None if question is None else await self._generations.told(question)
        if question is None or held is None:
            await self._past(look, ask, _BYPASS)
            return
        entry = self._memory.get(look.key)
        if self._hit_here(look, entry, held):
            return
        stamp, shared = await self._second_look(look, question)
        if stamp is None:
            await self._past(look, ask, _BYPASS)
        elif shared is not None:
            self._memory.put(look.key, shared)
            self._tally(look).hit("redis")
            self._hit(look, shared, b"redis")
        else:
            await self._missed(look, ask, stamp, _ABSENT if entry is None else _ENDED)

    def at_once(self, look: Look) -> bool:
        """Answer a read from memory, if Redis has said by now that what is there holds; says whether it did."""
        held = None if look.question is None else self._generations.said(look.question)
        return held is not None and self._hit_here(look, self._memory.get(look.key), held)

    def _hit_here(self, look: Look, entry: Entry | None, held: list[bytes | None]) -> bool:
        if entry is None or look.wishes.anew or not self._holds(entry, tuple(held)):
            return False
        self._tally(look).hit("process")
        self._hit(look, entry, b"process")
        return True

    def _holds(self, entry: Entry, held: tuple[bytes | None, ...]) -> bool:
        return entry.stamp == held and self._now() - entry.asked_at < self._max_age

    async def _second_look(self, look: Look, question: Question) -> tuple[Stamp | None, Entry | None]:
        """The generations, made where there were none, and what Redis has under them."""
        if not look.row.shared or look.wishes.anew:
            stamp, _ = await self._generations.begin(question)
            return stamp, None
        name = self._shared_name(look)
        stamp, told = await self._generations.begin(question, ("GET", name), ("PTTL", name))
        if stamp is None or not isinstance(told[0], bytes):
            return stamp, None
        entry = unpacked(told[0], self._now() - self._max_age + cast("int", told[1]) / 1000)
        return stamp, entry if entry is not None and self._holds(entry, stamp) else None

    # Asking the service

    async def _missed(self, look: Look, ask: Ask, stamp: Stamp, why: bytes) -> None:
        if look.wishes.anew:
            await self._led(look, ask, stamp, Flight(), _ANEW)
        elif look.visit.method == "HEAD":
            await self._past(look, ask, why)
        else:
            await self._together(look, ask, stamp, why)

    async def _past(self, look: Look, ask: Ask, why: bytes) -> None:
        """Let the service answer, and keep nothing."""
        self._tally(look).miss(why)
        _say(look.visit, why)
        await ask()

    async def _together(self, look: Look, ask: Ask, stamp: Stamp, why: bytes) -> None:
        """Lead, or wait for who leads; when the leader fails one of the others leads, and then each goes alone."""
        for _ in range(2):
            flight = self._flights.lead(look.key, stamp)
            if flight is not None:
                try:
                    await self._led(look, ask, stamp, flight, why)
                finally:
                    self._flights.land(look.key, stamp, flight)
                return
            brought = await self._flights.follow(look.key, stamp)
            look.visit.insist()
            if isinstance(brought, Entry):
                self._tally(look).hit("joined")
                _say(look.visit, why + b"; collapsed")
                self._send(look, brought)
                return
            if brought is Without.NOT_KEPT:
                break
        await self._past(look, ask, why)

    async def _led(self, look: Look, ask: Ask, stamp: Stamp, flight: Flight, why: bytes) -> None:
        """Ask for the whole answer, keep it if it may be kept, and let those know who wait."""
        self._tally(look).miss(why)
        asked_at = self._now()
        look.visit.head.passed = unconditional(look.visit.head.passed)

        async def deliver(visit: Visit, route: Route, connection: Connection) -> None:
            first, whole = b"", False
            if may_be_kept(connection.status, connection.headers):
                first, whole = await gathered(visit, route, connection, MOST_BODY)
            _say(visit, why + b"; stored" if whole else why)
            if not whole:
                flight.end(Without.NOT_KEPT)
                await relay(visit, route, connection, first)
                return
            entry = entry_of(stamp, asked_at, answered(route, connection), first)
            self._keep(look, entry)
            flight.end(entry)
            self._send(look, entry)

        await ask(deliver=deliver)

    # Keeping

    def _keep(self, look: Look, entry: Entry) -> None:
        self._memory.put(look.key, entry)
        self._tally(look).stored()
        left = round((self._max_age - (self._now() - entry.asked_at)) * 1000)
        if not look.row.shared or left <= 0:
            return
        try:
            reply = self._redis.ask("SET", self._shared_name(look), packed(entry), "PX", left)
        except RedisAway:
            return  # the process has it
        reply.add_done_callback(_seen)

    def _shared_name(self, look: Look) -> str:
        return self._generations.name("answer:" + hashlib.sha256(look.key.encode()).hexdigest())

    def _tally(self, look: Look) -> Tally:
        tally = self.tallies.get(look.row.name)
        if tally is None:
            tally = self.tallies[look.row.name] = Tally(look.row.name)
        return tally

    # Answering

    def _hit(self, look: Look, entry: Entry, level: bytes) -> None:
        age = max(0.0, self._now() - entry.asked_at)
        _say(look.visit, b"hit; ttl=%d; detail=%b" % (self._max_age - age, level))
        look.visit.say(b"age", b"%d" % age)
        look.visit.outcome = "kept"
        self._send(look, entry)

    def _send(self, look: Look, entry: Entry) -> None:
        """Send an answer, or 304 to who has it."""
        if look.row.validated and has(look.wishes.unless, entry.etag):
            headers: list[Header] = [(b"etag", entry.etag), NO_STORE]
            look.visit.whole(304, headers, b"")
        else:
            headers = [*entry.headers, NO_STORE, (b"content-length", b"%d" % len(entry.body))]
            look.visit.whole(200, headers, entry.body)


def _say(visit: Visit, what: bytes) -> None:
    visit.say(b"cache-status", b"rostrum; " + what)


def _seen(reply: "asyncio.Future[object]") -> None:
    """What Redis did not take, the process has."""
    if not reply.cancelled():
        reply.exception()

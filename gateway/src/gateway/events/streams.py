"""The streams of facts in Redis: one per organization that somebody listens to, bounded in length and in time."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import cast
from uuid import UUID

from gateway.events.facts import GAP, Fact
from gateway.events.passing import Passed, Passing, passed
from gateway.redis_pipe import Argument, RedisPipe, Script, run_told

LISTEN = Script(files("gateway.events").joinpath("listen.lua").read_text(encoding="utf-8"))
FEED = Script(files("gateway.events").joinpath("feed.lua").read_text(encoding="utf-8"))

_PAGE = 100
_AT_ONCE = 200
_PER_TURN = 64
"""Of one organization; less than a listener holds, so that a burst does not make the quick ones look slow."""


class Gap(Exception):
    """Something between these places is no longer there."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How much is kept for those who come back; seconds and facts."""

    seconds: float = 3600.0
    facts: int = 1000
    epoch_seconds: float = 600.0
    """Less than messages live in the queue of the feed: a feed that was away for longer may have lost some."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the stream of an organization: which Redis, which beginning, how many facts since."""

    run: str
    began: int
    count: int

    def __str__(self) -> str:
        return f"{self.run}-{self.began}-{self.count}"

    @classmethod
    def parse(cls, text: str) -> "Place | None":
        """The place that a client names, or None when it is not one of ours."""
        run, _, rest = text.partition("-")
        began, _, count = rest.partition("-")
        if len(text) > 64 or not (began.isascii() and began.isdigit() and count.isascii() and count.isdigit()):
            return None
        return cls(run, int(began), int(count))


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact as it stands in a stream."""

    began: int
    count: int
    roles: frozenset[str]
    body: bytes


class Streams:
    """Reads and writes the streams over a connection that may be held up without harm to the limits."""

    def __init__(self, redis: RedisPipe, namespace: str, kept: Kept | None = None) -> None:
        self._redis = redis
        self.passing = Passing(redis, namespace)
        self.kept = kept or Kept()
        self._prefix = f"{namespace}:events:"
        self._epoch = f"{namespace}:events:epoch"
        self._wake = f"{namespace}:events:wake:{secrets.token_hex(6)}"
        self._woken: bytes = b"0-0"

    def key(self, organization_id: UUID) -> str:
        """The stream of an organization."""
        return f"{self._prefix}{organization_id}"

    def _state(self, organization_id: UUID) -> str:
        return f"{self._prefix}{organization_id}:state"

    # Writing

    async def begin_feeding(self, *, after_loss: bool) -> None:
        """Say that the feed works; a new epoch after a loss makes all streams begin anew.

        Raises:
            RedisAway: nobody was told.
        """
        condition = () if after_loss else ("NX",)
        await self._redis.ask("SET", self._epoch, secrets.token_hex(8), "PX", self._epoch_ms, *condition)

    @property
    def _epoch_ms(self) -> int:
        return round(self.kept.epoch_seconds * 1000)

    @property
    def _kept_ms(self) -> int:
        return round(self.kept.seconds * 1000)

    async def feed(self, facts: Sequence[Fact]) -> int:
        """Write facts in this order, those of organizations without listeners not at all, repetitions once.

        Without facts it only says that the feed works.

        Raises:
            RedisAway: perhaps some were written; feeding them again does no harm.
        """
        keys = [self._epoch]
        arguments: list[Argument] = [self._kept_ms, self._epoch_ms, self.kept.facts]
        for fact in facts:
            stream = self.key(fact.organization_id)
            keys += (self._state(fact.organization_id), stream, f"{stream}:seen")
            arguments += (fact.id.bytes, ",".join(sorted(fact.roles)), fact.body)
        written = cast("int", await self._redis.run(FEED, keys, arguments))
        if written >= 0:
            return written
        await self.begin_feeding(after_loss=False)
        return cast("int", await self._redis.run(FEED, keys, arguments))

    # Reading

    async def places(self, organizations: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
        """When each stream began and how many facts it has had; kept for another while. Nothing while nobody feeds.

        Raises:
            RedisAway: they cannot be asked.
        """
        found: dict[UUID, tuple[int, int]] = {}
        for at in range(0, len(organizations), _AT_ONCE):
            some = organizations[at : at + _AT_ONCE]
            keys = [self._epoch, *(key for each in some for key in (self._state(each), self.key(each)))]
            numbers = cast("list[int]", await self._redis.run(LISTEN, keys, [self._kept_ms]))
            found |= dict(zip(some, zip(numbers[::2], numbers[1::2], strict=True), strict=False))
        return found

    async def between(self, organization_id: UUID, after: Place, upto: int) -> AsyncIterator[list[Entry]]:
        """The facts after a place up to a count, page by page.

        Raises:
            Gap: some have made room for newer ones, or the stream has gone.
            RedisAway: it cannot be read.
        """
        count = after.count
        while count < upto:
            last = min(count + _PAGE, upto)
            bounds = (f"{after.began}-{count + 1}", f"{after.began}-{last}")
            page = entries(await self._redis.ask("XRANGE", self.key(organization_id), *bounds))
            counts = [entry.count for entry in page if entry.body != GAP]
            if counts != list(range(count + 1, last + 1)):
                raise Gap
            yield page
            count = last

    async def follow(
        self,
        tail: RedisPipe,
        places: Sequence[tuple[str, int, int]],
        passing: Sequence[tuple[str, str]] = (),
        *,
        wait: float,
    ) -> tuple[list[tuple[str, list[Entry]]], list[tuple[str, list[Passed]]]]:
        """Wait on `tail` for what comes after these places, of facts and of passing news, or for `interrupt`.

        Raises:
            RedisAway: nothing can be said.
        """
        fleeting = {key for key, _ in passing}
        keys = [self._wake, *(key for key, _, _ in places), *(key for key, _ in passing)]
        after: list[Argument] = [self._woken, *(f"{began}-{count}" for _, began, count in places)]
        after += [last for _, last in passing]
        answer = await tail.ask("XREAD", "COUNT", _PER_TURN, "BLOCK", round(wait * 1000), "STREAMS", *keys, *after)
        found, passed_by = [], []
        for key, raw in cast("list[tuple[bytes, list[tuple[bytes, object]]]]", answer or []):
            if key.decode() == self._wake:
                self._woken = raw[-1][0]
            elif key.decode() in fleeting:
                passed_by.append((key.decode(), passed(raw)))
            else:
                found.append((key.decode(), entries(raw)))
        return found, passed_by

    async def interrupt(self) -> None:
        """Let `follow` return at once.

        Raises:
            RedisAway: it could not be told.
        """
        await asyncio.gather(
            self._redis.ask("XADD", self._wake, "MAXLEN", 1, "*", "w", 1),
            self._redis.ask("EXPIRE", self._wake, 60),
        )


def entries(raw: object) -> list[Entry]:
    """What Redis answers, as entries."""
    read = []
    for place, fields in cast("list[tuple[bytes, list[bytes]]]", raw):
        began, _, count = place.partition(b"-")
        roles = frozenset(fields[1].decode().split(","))
        read.append(Entry(int(began), int(count), roles, fields[3]))
    return read


async def run_of(tail: RedisPipe) -> str:
    """Which run of which Redis server this is: another one may lack what the last one had.

    Raises:
        RedisAway: it cannot be asked.
    """
    return run_told(await tail.ask("INFO", "server"))

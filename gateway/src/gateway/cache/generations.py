"""Generations in Redis: names that hold for as long as nothing has changed, and are never given twice.

What is kept carries the generations that held before its service was asked, and is good while the same ones hold.
To end a generation is to delete it; whoever reads next gives a new name. So an answer that was read before a change
and comes after it is dead on arrival, whoever keeps it, and nobody need be told of what has ended. They live under
the run of the Redis server: another server, or the same one restarted from an old copy, knows none of them.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final, cast

import hiredis

from gateway.cache.figures import ENDED
from gateway.cache.policy import Policy
from gateway.events.facts import Fact
from gateway.redis_pipe import Argument, RedisAway, RedisPipe

Stamp = tuple[bytes, ...]
"""The generations that held when a service was asked: the feed's, the service's, the row's."""

KEPT_SECONDS: Final = 3600.0
FEED_SECONDS: Final = 15.0
_MOST_OWED: Final = 1000
_FEED: Final = "feed"
_own, _numbers = secrets.token_hex(8), count()


def _fresh() -> str:
    return f"{_own}{next(_numbers):x}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


@dataclass(slots=True)
class Question:
    """What was asked of Redis for one read, in the same turn as its limits."""

    names: list[str]
    reply: asyncio.Future[object]


class Generations:
    """Asks for generations and ends them, over the connection that the limits use."""

    def __init__(self, redis: RedisPipe, namespace: str) -> None:
        self._redis = redis
        self._namespace = namespace
        self._owed: set[str] = set()

    def name(self, what: str) -> str:
        """A key of the server that we are connected to just now."""
        return f"{self._namespace}:cache:{self._redis.server_run}:{what}"

    def ask(self, whats: Sequence[str]) -> Question | None:
        """Ask which generations hold; None while Redis is away."""
        names = [self.name(what) for what in (_FEED, *whats)]
        try:
            if self._owed:
                self._pay()
            reply = self._redis.ask("MGET", *names)
        except RedisAway:
            return None
        reply.add_done_callback(_seen)  # the request may be refused before it looks
        return Question(names, reply)

    async def told(self, question: Question) -> list[bytes | None] | None:
        """The generations that held then; None when Redis was late, or nobody proves that events arrive."""
        with contextlib.suppress(RedisAway, hiredis.ReplyError):
            await question.reply
        return self.said(question)

    def said(self, question: Question) -> list[bytes | None] | None:
        """The same without waiting; None, too, when Redis has not answered yet."""
        reply = question.reply
        if not reply.done() or reply.exception() is not None:
            return None
        held = cast("list[bytes | None]", reply.result())
        return None if held[0] is None else held

    async def begin(self, question: Question, *asides: Sequence[Argument]) -> tuple[Stamp | None, list[object]]:
        """The generations that hold now, new ones where there were none; and what Redis says to the asides."""
        redis, names = self._redis, question.names
        held = cast("list[bytes | None]", question.reply.result())
        missing = [name for name, value in zip(names, held, strict=True) if value is None]
        try:
            made = [redis.ask("SET", name, _fresh(), "NX", "PX", _ms(KEPT_SECONDS)) for name in missing]
            again = [redis.ask("MGET", *names)] if missing else []
            answers = await asyncio.gather(*made, *again, *(redis.ask(*aside) for aside in asides))
        except (RedisAway, hiredis.ReplyError):
            return None, []
        if missing:
            held = cast("list[bytes | None]", answers[len(missing)])
        stamp = tuple(value for value in held if value is not None)
        return (stamp if len(stamp) == len(names) else None), list(answers[len(made) + len(again) :])

    async def end(self, whats: Sequence[str]) -> None:
        """End generations; while Redis is away they are owed, and ended before anything is asked again."""
        if not whats:
            return
        self._owed.update(whats)
        if len(self._owed) > _MOST_OWED:
            self._owed = {_FEED}  # everything ends, as if the feed had been lost
        try:
            await self._pay()
        except (RedisAway, hiredis.ReplyError):
            return
        ENDED.labels("change").inc(len(whats))

    def _pay(self) -> "asyncio.Future[object]":
        owed = frozenset(self._owed)
        reply = self._redis.ask("DEL", *(self.name(what) for what in owed))

        def paid(reply: "asyncio.Future[object]") -> None:
            if not reply.cancelled() and reply.exception() is None:
                self._owed -= owed

        reply.add_done_callback(paid)
        return reply


class Invalidation:
    """Ends generations by events, and proves with each word to Redis that events arrive."""

    def __init__(self, redis: RedisPipe, namespace: str, policy: Policy, *, holds: float = FEED_SECONDS) -> None:
        self._redis = redis
        self._names = Generations(redis, namespace)
        self._policy = policy
        self._holds = _ms(holds)

    async def begin(self, *, after_loss: bool) -> None:
        """The feed works from now on; after a loss of events nothing holds that held before.

        Raises:
            RedisAway: nobody was told.
        """
        condition = () if after_loss else ("NX",)
        await self._redis.ask("SET", self._names.name(_FEED), _fresh(), "PX", self._holds, *condition)

    async def heard(self, facts: Sequence[Fact]) -> None:
        """End what these facts end; without facts it only says that the feed works.

        Raises:
            RedisAway: perhaps some were ended; ending them again does no harm.
        """
        ended = {what for fact in facts for what in self._policy.ended_by(fact)}
        feed = self._names.name(_FEED)
        asked = [self._redis.ask("DEL", *map(self._names.name, ended))] if ended else []
        *_, known = await asyncio.gather(*asked, self._redis.ask("PEXPIRE", feed, self._holds))
        ENDED.labels("event").inc(len(ended))
        if not known:
            await self.begin(after_loss=False)


def _seen(reply: "asyncio.Future[object]") -> None:
    if not reply.cancelled():
        reply.exception()

"""Hands the facts of the streams to the browsers that are connected to this process."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from uuid import UUID

import hiredis
import structlog

from gateway.events.facts import GAP
from gateway.events.listener import Item, Listener
from gateway.events.passing import Passed, Passing
from gateway.events.streams import Entry, Gap, Place, Streams, run_of
from gateway.redis_pipe import RedisAway, RedisPipe
from kit.process import Loop

log = structlog.get_logger(__name__)

_AWAY = (RedisAway, hiredis.ReplyError)


class _Channel:
    """One organization with its listeners here, and how far they have been told."""

    __slots__ = ("key", "listeners", "organization_id", "passed", "place")

    def __init__(self, organization_id: UUID, key: str) -> None:
        self.organization_id = organization_id
        self.key = key
        self.listeners: set[Listener] = set()
        self.place: Place | None = None
        self.passed = ""
        """How far passing news have been told; empty until that is asked."""


class Hub:
    """Follows the streams of all organizations with listeners here, over one connection.

    A listener is told everything from its place on, once, or `reset`. That nothing is missing is proven by counting:
    a stream's entries are numbered, and a new beginning, a missing number or another Redis is a gap.
    """

    def __init__(self, streams: Streams, tail: RedisPipe, *, check_every: float = 5.0, wait: float = 2.0) -> None:
        self._streams = streams
        self._tail = tail
        self._check_every = check_every
        self._wait = wait
        self._run = ""
        self._following = False
        self._channels: dict[str, _Channel] = {}
        self._passing: dict[str, _Channel] = {}

    @property
    def passing(self) -> Passing:
        """Says passing news to those who listen."""
        return self._streams.passing

    @property
    def loops(self) -> tuple[Loop, ...]:
        """What must run."""
        return Loop("events", self.follow), Loop("events-check", self.check, every=self._check_every)

    # Listeners

    async def join(self, listener: Listener) -> None:
        """Let a listener hear of its organization; without Redis or feed it waits until they are back."""
        key = self._streams.key(listener.organization_id)
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = _Channel(listener.organization_id, key)
            self._passing[self._streams.passing.key(listener.organization_id)] = channel
        channel.listeners.add(listener)
        was_followed = channel.place is not None
        try:
            await self._look([channel])
        except _AWAY:
            log.warning("events.join_delayed")
            return
        if not was_followed:
            await self._interrupt()

    def leave(self, listener: Listener) -> None:
        """The browser has gone."""
        key = self._streams.key(listener.organization_id)
        channel = self._channels.get(key)
        if channel is not None:
            channel.listeners.discard(listener)
            if not channel.listeners:
                del self._channels[key]
                del self._passing[self._streams.passing.key(listener.organization_id)]

    async def replayed(self, listener: Listener) -> AsyncIterator[list[Item]]:
        """What lies between the listener's place and the live facts; a gap in it becomes a `reset`."""
        while listener.replay is not None:
            (place, upto), listener.replay = listener.replay, None
            yield [Item("ready", place)]
            try:
                async for page in self._streams.between(listener.organization_id, place, upto):
                    yield _items(place.run, (entry for entry in page if listener.may_see(entry.roles)))
            except (Gap, *_AWAY):
                channel = self._channels.get(self._streams.key(listener.organization_id))
                if channel is not None and channel.place is not None:
                    listener.reset(channel.place, "trimmed")

    async def _interrupt(self) -> None:
        try:
            await self._streams.interrupt()
        except _AWAY:
            log.debug("events.not_interrupted")  # it comes back by itself, with all channels

    # Places

    async def check(self) -> None:
        """Keep the streams alive, and find out whether one has begun anew."""
        try:
            await self._look(list(self._channels.values()))
        except _AWAY:
            log.warning("events.not_checked")

    async def _look(self, channels: list[_Channel]) -> None:
        """Compare where the channels stand with where their streams stand; let those begin who wait for it."""
        if not self._following:
            return  # which Redis will be followed is not known yet; all channels are looked at then
        before = {channel.organization_id: channel.place for channel in channels}
        run = self._run
        found = await self._streams.places([channel.organization_id for channel in channels])
        for channel in channels:
            if not channel.passed:
                channel.passed = await self._streams.passing.newest(channel.organization_id)
        for channel in channels:
            if channel.organization_id not in found or run != self._run:
                continue
            began, count = found[channel.organization_id]
            known = before[channel.organization_id]
            if channel.place is None or (known is not None and (began != known.began or count < known.count)):
                _restart(channel, Place(run, began, count))
            for listener in channel.listeners:
                if channel.place is not None and not listener.started:
                    _begin(listener, channel.place, count)

    # Following

    async def follow(self) -> None:
        """Follow for ever, through every loss of Redis."""
        while True:
            try:
                await self._connected()
                while True:
                    await self._turn()
            except _AWAY as trouble:
                log.warning("events.away", error=type(trouble).__name__)
            finally:
                self._following = False
            await asyncio.sleep(random.uniform(0.1, 0.3))

    async def _connected(self) -> None:
        run = await run_of(self._tail)
        if run != self._run:
            self._run = run
            for channel in self._channels.values():
                channel.place = None
                channel.passed = ""
        self._following = True
        await self._look(list(self._channels.values()))

    async def _turn(self) -> None:
        places = [
            (channel.key, channel.place.began, channel.place.count)
            for channel in self._channels.values()
            if channel.place is not None
        ]
        passing = [(key, channel.passed) for key, channel in self._passing.items() if channel.passed]
        facts, news = await self._streams.follow(self._tail, places, passing, wait=self._wait)
        for key, passed_by in news:
            _pass_by(self._passing.get(key), passed_by)
        for key, found in facts:
            channel = self._channels.get(key)
            if channel is not None and not self._told(channel, found):
                channel.place = None
                await self._look([channel])

    def _told(self, channel: _Channel, found: list[Entry]) -> bool:
        """Tell the listeners; False at the first entry that does not follow the one before."""
        for entry in found:
            place = channel.place
            if place is None or (entry.began == place.began and entry.count <= place.count):
                continue
            if entry.began != place.began or entry.count != place.count + 1 or entry.body == GAP:
                return False
            channel.place = Place(place.run, entry.began, entry.count)
            item = Item("fact", channel.place, entry.body)
            for listener in channel.listeners:
                listener.push(item, entry.roles)
        return True


def _pass_by(channel: _Channel | None, news: Iterable[Passed]) -> None:
    if channel is None:
        return
    for each in news:
        channel.passed = each.id
        if channel.place is None:
            continue
        item = Item("passing", channel.place, each.body)
        for listener in channel.listeners:
            if listener.user_id != each.user_id:
                listener.pass_by(item, each.roles)


def _begin(listener: Listener, place: Place, count: int) -> None:
    """Resume where the listener was, if that place is in this very stream; else let it start here."""
    asked = Place.parse(listener.asked)
    if asked is not None and (asked.run, asked.began) == (place.run, place.began) and asked.count <= count:
        listener.resume(asked, place.count)
    else:
        listener.start(place)


def _restart(channel: _Channel, place: Place) -> None:
    """A stream that is new to us: nobody who listened before can be sure to have heard everything."""
    channel.place = place
    for listener in channel.listeners:
        if listener.started:
            listener.start(place)


def _items(run: str, found: Iterable[Entry]) -> list[Item]:
    return [Item("fact", Place(run, entry.began, entry.count), entry.body) for entry in found]

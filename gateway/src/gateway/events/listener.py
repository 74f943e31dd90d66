"""One browser that listens: what is ready for it, never more than a bounded lot."""

import asyncio
from collections import deque
from functools import cached_property
from typing import Literal
from uuid import UUID

from gateway.events.facts import mark_of
from gateway.events.streams import Place
from kit.telemetry import metrics

Kind = Literal["fact", "ready", "reset", "passing"]

DELIVERED = metrics.counter("events_delivered_total", "Facts handed to listening browsers")
RESETS = metrics.counter("events_resets_total", "Listeners told to load anew", ("reason",))


class Item:
    """Something to be told, rendered once for all who hear it."""

    def __init__(self, kind: Kind, place: Place, body: bytes = b"{}") -> None:
        self.kind = kind
        self.place = place
        self.body = body

    @cached_property
    def server_sent(self) -> bytes:
        """As a server-sent event; a fact has no name, so that `onmessage` gets it."""
        if self.kind == "passing":  # it is never told again, so a browser has no place to name
            return b"event: %b\ndata: %b\n\n" % (self.kind.encode(), self.body)
        name = b"" if self.kind == "fact" else b"event: %b\n" % self.kind.encode()
        return b"%bid: %b\ndata: %b\n\n" % (name, str(self.place).encode(), self.body)

    @cached_property
    def message(self) -> bytes:
        """As the text of a WebSocket message."""
        if self.kind == "passing":
            return b'{"event":"%b","data":%b}' % (self.kind.encode(), self.body)
        return b'{"event":"%b","id":"%b","data":%b}' % (self.kind.encode(), str(self.place).encode(), self.body)


class Listener:
    """What waits for one browser. One that is too slow is told to load anew instead of being told everything."""

    def __init__(
        self, organization_id: UUID, role: str, asked: str = "", *, user_id: str = "", most: int = 256
    ) -> None:
        self.organization_id = organization_id
        self.user_id = user_id
        self._marks = frozenset({role, mark_of(user_id)})
        self.asked = asked
        """The place that the browser named; empty when it has loaded just now."""
        self.since = 0
        self.replay: tuple[Place, int] | None = None
        self.place: Place | None = None
        self._most = most
        self._items: deque[Item] = deque()
        self._wake = asyncio.Event()

    def may_see(self, roles: frozenset[str]) -> bool:
        """Whether something is for them that these may see."""
        return not self._marks.isdisjoint(roles)

    @property
    def started(self) -> bool:
        """Whether it has been told where it stands."""
        return self.place is not None

    def start(self, place: Place) -> None:
        """Let it begin here; one that named a place has missed something, since this is not that one."""
        if self.started or self.asked:
            self.reset(place, "gap" if self.started else "resume")
            return
        self._tell(Item("ready", place))

    def resume(self, place: Place, upto: int) -> None:
        """Let it go on where it was; what lies between that place and the live facts is read separately."""
        self.since = place.count
        self.place = place
        self.replay = (place, upto)
        self._wake.set()

    def reset(self, place: Place, reason: str) -> None:
        """Forget what waits; tell it to load anew, and go on from here."""
        RESETS.labels(reason).inc()
        self._items.clear()
        self.replay = None
        self.since = 0
        self._tell(Item("reset", place))

    def push(self, item: Item, roles: frozenset[str]) -> None:
        """A fact has come."""
        if not self.started or item.place.count <= self.since:
            return
        self.place = item.place
        if not self.may_see(roles):
            return
        if len(self._items) >= self._most:
            self.reset(item.place, "slow")
        else:
            self._tell(item)

    def pass_by(self, item: Item, roles: frozenset[str]) -> None:
        """Passing news have come; who is slow misses them, and nobody is told of them later."""
        if self.started and self.replay is None and self.may_see(roles) and len(self._items) < self._most:
            self._items.append(item)
            self._wake.set()

    def _tell(self, item: Item) -> None:
        self.place = item.place
        self._items.append(item)
        self._wake.set()

    def wake(self) -> None:
        """Let `wait` return."""
        self._wake.set()

    async def wait(self, seconds: float) -> None:
        """Until something is there, somebody has called `wake`, or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return
        finally:
            self._wake.clear()

    def take(self) -> list[Item]:
        """What waits."""
        items = list(self._items)
        self._items.clear()
        return items

"""Connections that outlive a request: how many there may be, and when each must end."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from gateway.problems import OVERLOADED, Problem, Refused, retry_after
from gateway.revocations import Revocations
from gateway.tokens import Session
from kit.clock import Clock
from kit.telemetry import metrics

Ending = Literal["", "expired", "revoked", "closing"]

OPEN = metrics.gauge("long_connections", "Connections that outlive a request")
ENDED = metrics.counter("long_connections_ended_total", "Long connections that the gateway ended", ("reason",))
TOO_MANY_OPEN = Problem(
    429,
    "too-many-connections",
    "Too many connections are open.",
    "Close some, or share one between the pages of a browser.",
)


@dataclass(frozen=True, slots=True)
class Most:
    """How many long connections one process holds at once, in all and of one kind of owner."""

    all: int = 3000
    organization: int = 1000
    user: int = 20


class Stay:
    """One long connection; `end` is called once, by whoever first finds a reason."""

    def __init__(self, session: Session | None) -> None:
        self.session = session
        self.ending: Ending = ""
        self.on_end: Callable[[], None] = lambda: None

    def end(self, reason: Ending) -> None:
        """Let it end, for this reason unless there was one before."""
        if not self.ending:
            self.ending = reason
            ENDED.labels(reason).inc()
            self.on_end()


class Stays:
    """All long connections of this process."""

    def __init__(self, clock: Clock, revocations: Revocations, most: Most | None = None) -> None:
        self._clock = clock
        self._revocations = revocations
        self._most = most or Most()
        self._stays: set[Stay] = set()
        self._held: Counter[str | UUID] = Counter()
        self._draining = False
        revocations.on_news = self.look
        OPEN.set_function(lambda: len(self._stays))

    def __len__(self) -> int:
        return len(self._stays)

    def admit(self, session: Session | None) -> Stay:
        """Let one more stay.

        Raises:
            Refused: 429 when the user or the organization has as many as it may; 503 when there is no room.
        """
        if self._draining or len(self._stays) >= self._most.all:
            raise Refused(OVERLOADED, [retry_after(2)])
        if session is not None:
            organization = session.organization_id
            crowded = organization is not None and self._held[organization] >= self._most.organization
            if crowded or self._held[session.user_id] >= self._most.user:
                raise Refused(TOO_MANY_OPEN, [retry_after(10)])
        stay = Stay(session)
        self._stays.add(stay)
        self._held.update(_owners(session))
        return stay

    def leave(self, stay: Stay) -> None:
        """It is over."""
        if stay in self._stays:
            self._stays.remove(stay)
            for owner in _owners(stay.session):
                self._held[owner] -= 1
                if not self._held[owner]:
                    del self._held[owner]

    def look(self) -> None:
        """End those whose token has expired or whose session has ended."""
        now = self._clock.now().timestamp()
        for stay in tuple(self._stays):
            session = stay.session
            if session is None:
                continue
            if now >= session.expires_at:
                stay.end("expired")
            elif self._revocations.cover(session):
                stay.end("revoked")

    def drain(self) -> None:
        """The process is about to end: everybody goes elsewhere, nobody new comes in."""
        self._draining = True
        for stay in tuple(self._stays):
            stay.end("closing")

    async def watch(self) -> None:
        """Look for ever."""
        while True:
            self.look()
            await asyncio.sleep(0.5)


def _owners(session: Session | None) -> tuple[str | UUID, ...]:
    if session is None:
        return ()
    return (session.user_id, session.organization_id) if session.organization_id else (session.user_id,)

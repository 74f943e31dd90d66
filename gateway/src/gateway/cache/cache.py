"""Which requests may be answered from what is kept, and which end it.

Everything is decided by generations that are read in the round trip of the limits (see `generations`), so nothing
that is kept, in whatever place, is staler than what the gateways have heard. Without Redis, or while nobody proves
that events arrive, nothing is kept and nothing that is kept is used.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Final

from contracts.names import MANAGERS
from gateway.cache.entries import Memory
from gateway.cache.figures import BYTES, ENTRIES, RATIO
from gateway.cache.generations import Generations
from gateway.cache.policy import ORGANIZATION, Found, Policy, generation, of_service
from gateway.cache.reading import Look, Reader
from gateway.cache.wishes import wishes_of
from gateway.forward import forward
from gateway.redis_pipe import RedisPipe
from gateway.routes import Route
from gateway.tokens import Session
from gateway.upstream import Upstream
from gateway.visit import Visit

MAX_AGE: Final = 60.0
"""Seconds after which an answer is asked for anew, whatever was heard."""
_LONGEST_TARGET: Final = 512
_READS: Final = ("GET", "HEAD")
_SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))


class Cache:
    """What the gateway keeps of answers."""

    def __init__(
        self,
        redis: RedisPipe,
        namespace: str,
        policy: Policy,
        *,
        most_bytes: int,
        max_age: float = MAX_AGE,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy
        self._on = most_bytes > 0
        self._memory = Memory(most_bytes)
        self._generations = Generations(redis, namespace)
        self._reader = Reader(redis, self._generations, self._memory, max_age=max_age, now=now)
        BYTES.set_function(lambda: self._memory.bytes)
        ENTRIES.set_function(lambda: len(self._memory))
        RATIO.set_function(self.hit_ratio)

    def hit_ratio(self) -> float:
        """The share of reads of rows that asked no service."""
        tallies = self._reader.tallies.values()
        reads = sum(tally.reads for tally in tallies)
        return sum(tally.hits for tally in tallies) / reads if reads else 0.0

    def look(self, visit: Visit, route: Route, session: Session | None) -> Look | None:
        """Ask for the generations of a read, in the turn in which the limits are asked; None for all else."""
        if session is None or visit.method not in _READS or not self._on:
            return None
        if visit.head.has_body or visit.head.upgrade:
            return None
        found = self._policy.find(visit.path)
        return None if found is None else self._look(visit, route, session, found)

    def _look(self, visit: Visit, route: Route, session: Session, found: Found) -> Look | None:
        row, wishes, own = found.row, wishes_of(visit.head.passed), session.organization_id
        organization = found.ids.get(ORGANIZATION) or (str(own) if own else "")
        target = visit.target
        if wishes is None or not organization or len(target) > _LONGEST_TARGET:
            return None
        whats = (of_service(organization, route.upstream), generation(organization, row, found.ids.get(row.of, "")))
        by_role = row.per == "role" or (row.per == "sight" and session.role in MANAGERS)
        reader = session.role if by_role else f"{session.user_id}:{session.epoch}"
        # who may do less, or has yet to show a second factor there, is told only what a service has told them
        if session.scopes is not None or organization != str(own):
            reader = f"{reader}:{session.session_id}"
        key = f"{row.name}\n{own}\n{reader}\n{target.decode('latin-1')}"
        return Look(visit, row, key, wishes, self._generations.ask(whats))

    def at_once(self, visit: Visit) -> bool:
        """Answer a read that was let in from memory, if nothing need be waited for; says whether it did."""
        return visit.look is not None and self._reader.at_once(visit.look)

    def concerns(self, visit: Visit, session: Session | None) -> bool:
        """Whether there is more to a request than asking its service: it is a read of a row, or a change."""
        return visit.look is not None or (visit.method not in _SAFE and session is not None and self._on)

    async def serve(self, visit: Visit, route: Route, upstream: Upstream, session: Session | None) -> None:
        """Answer a request that was let in.

        What a change may have altered ends when its service has answered, or will not, and before the client hears of
        it: whoever changes something and reads it again reads what is now, through whichever gateway.

        Raises:
            Refused, ClientGone: as `forward` does.
        """
        if visit.look is not None:
            await self._reader.read(visit.look, partial(forward, visit, route, upstream))
        elif session is None or visit.method in _SAFE or not self._on:
            await forward(visit, route, upstream)
        else:
            ended = self._policy.ended_by_change(visit.path, route.upstream, session.organization_id)
            await forward(visit, route, upstream, settled=partial(self._generations.end, ended))

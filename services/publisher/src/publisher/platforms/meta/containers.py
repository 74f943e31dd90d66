"""Publishing by containers, as Instagram and Threads do it: make one, wait until it is ready, publish it.

Nobody sees a container, so making one may be repeated; publishing it is the one effect, and a container is published
once. A carousel is a container of containers, whose children must be ready before it is made.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import orjson

from kit.http.client import NotSent
from kit.http.client import Refused as Rejected
from kit.http.client import Unanswered as Silent
from kit.ledger.model import Found, Look, NotAccepted, NotFound, Receipt, Refused, Unanswered
from publisher.platforms.base import Live, Outgoing, Processing, Quota, Ready
from publisher.platforms.meta.graph import GraphApi, Outcomes, age_of, comparable, named, token_of

SETTLED_WITHIN: Final = timedelta(minutes=2)
_AT_ONCE: Final = 5
_PERMALINK_WITHIN: Final = 3.0
_WORKING: Final = ("IN_PROGRESS", "")

Made = Mapping[str, str | bool | int | None]


@dataclass(frozen=True, slots=True)
class Edges:
    """What the two call the same things: edges of the account, and fields of its nodes."""

    containers: str
    publish: str
    published: str
    limit: str
    status: str
    why: str
    text: str
    failed: Callable[[str, Outcomes], Exception]
    """What it means when a container has failed, by what its field `why` says."""


@dataclass(frozen=True, slots=True)
class Handle:
    """Which containers there are: the children of a carousel, or the one that is to be published."""

    children: tuple[str, ...] = ()
    container: str = ""

    def packed(self) -> str:
        """As it is kept."""
        return orjson.dumps({"children": self.children, "container": self.container}).decode()

    @classmethod
    def of(cls, outgoing: Outgoing) -> "Handle":
        """What was kept."""
        kept = orjson.loads(outgoing.handle or "{}")
        return cls(tuple(kept.get("children", ())), kept.get("container", ""))


@dataclass(frozen=True, slots=True)
class Containers:
    """The steps of publishing by containers on one platform."""

    graph: GraphApi
    outcomes: Outcomes
    edges: Edges

    def among(self, edge: str) -> "Containers":
        """The same, where what is published stands at another edge of the account."""
        return replace(self, edges=replace(self.edges, published=edge))

    async def begin(self, outgoing: Outgoing, parts: Sequence[Made]) -> Processing:
        """Make the container, or the children of a carousel: nobody sees them, so what is lost is made anew."""
        token, path = token_of(outgoing.access_token), f"/{outgoing.author}/{self.edges.containers}"
        once = asyncio.Semaphore(_AT_ONCE)

        async def make(part: Made) -> str:
            async with once:
                return named(await self.graph.post(path, token, **part), "id")

        with self.outcomes.harmless():
            made = await all_of(*(make(part) for part in parts))
        slow = any(item.kind == "video" for item in outgoing.media)
        handle = Handle(container=made[0]) if len(made) == 1 else Handle(children=tuple(made))
        return Processing(handle.packed(), 5.0 if slow else 1.0)

    async def check(self, outgoing: Outgoing) -> Ready | Processing:
        """Whether all that there is can be gone on with.

        Raises:
            Refused: one has failed or expired, with which one it is.
        """
        handle = Handle.of(outgoing)
        ids = handle.children or (handle.container,)
        states = await all_of(*(self._state(each, outgoing) for each in ids))
        for place, (state, why) in enumerate(states):
            if state == "ERROR":
                raise _which(self.edges.failed(why, self.outcomes), place, len(ids))
            if state == "EXPIRED":
                raise Refused("It was not published within 24 hours of its upload.", code="container-expired")
        if any(state in _WORKING for state, _ in states):
            return Processing(handle.packed(), 5.0)
        return Ready()

    async def carousel(self, outgoing: Outgoing, parent: Made) -> Processing:
        """Make the container of the children that are ready."""
        token, path = token_of(outgoing.access_token), f"/{outgoing.author}/{self.edges.containers}"
        children = ",".join(Handle.of(outgoing).children)
        with self.outcomes.harmless():
            made = named(await self.graph.post(path, token, **parent, media_type="CAROUSEL", children=children), "id")
        return Processing(Handle(container=made).packed(), 1.0)

    async def go_on(self, outgoing: Outgoing, parent: Made, *, again: bool) -> Receipt | Processing:
        """Make the carousel of the children, or publish the container."""
        if Handle.of(outgoing).children:
            return await self.carousel(outgoing, parent)
        return await self.publish(outgoing, again=again)

    async def publish(self, outgoing: Outgoing, *, again: bool) -> Receipt:
        """Publish the container: the one call that shows something; then see its address, if that is quick."""
        token, path = token_of(outgoing.access_token), f"/{outgoing.author}/{self.edges.publish}"
        with self.outcomes.of(again=again):
            body = await self.graph.post(path, token, creation_id=Handle.of(outgoing).container)
            media = named(body, "id")
        return Receipt(media, said=f"published {media}", result=Live(await self._permalink(media, token)))

    async def look(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Ask the container whether it was published, then the account which post it has become.

        A container that is not published two minutes after the call proves that the call did nothing.
        """
        handle = Handle.of(outgoing)
        if not handle.container:
            return NotFound("nothing was to be seen yet", proven=True)
        with self.outcomes.of(again=False):
            state, _ = await self._state(handle.container, outgoing)
        if state != "PUBLISHED":
            return NotFound(f"the container is {state}", proven=now - called_at > SETTLED_WITHIN)
        return await self.search(outgoing, self.edges.published, age_of(outgoing, called_at, now))

    async def search(self, outgoing: Outgoing, edge: str, age: timedelta) -> Look:
        """Find it among what the account has published since, by its text.

        Raises:
            NotAccepted: it is not shown yet.
        """
        wanted, text, token = comparable(outgoing.text), self.edges.text, token_of(outgoing.access_token)
        path, asked = f"/{outgoing.author}/{edge}", {"fields": f"id,{text},timestamp,permalink", "limit": "50"}
        with self.outcomes.of(again=False):
            async for post in self.graph.recent(path, token, age=age, by="timestamp", **asked):
                if post.get("id") not in outgoing.taken and comparable(post.get(text)) == wanted:
                    url = str(post.get("permalink") or "")
                    return Found(Receipt(str(post["id"]), said=f"found {post['id']}", result=Live(url)))
        raise NotAccepted("It is published and not shown yet.", code="not-shown")

    async def quota(self, external_id: str, access_token: str) -> Quota | None:
        """What the account may publish in a window that slides; 50 where only the use is told."""
        path = f"/{external_id}/{self.edges.limit}"
        with self.outcomes.of(again=False):
            body = await self.graph.get(path, access_token, fields="config,quota_usage")
        told = (body.get("data") or [{}])[0]
        config = told.get("config") or {}
        limit, window = int(config.get("quota_total") or 50), float(config.get("quota_duration") or 86_400)
        return Quota(limit, int(told.get("quota_usage") or 0), window)

    async def _state(self, container: str, outgoing: Outgoing) -> tuple[str, str]:
        fields = f"id,{self.edges.status},{self.edges.why}"
        with self.outcomes.of(again=False):
            body = await self.graph.get(f"/{container}", token_of(outgoing.access_token), fields=fields)
        return str(body.get(self.edges.status) or ""), str(body.get(self.edges.why) or "")

    async def _permalink(self, media: str, token: str) -> str:
        """Best effort: it is live whatever comes of this."""
        with suppress(Rejected, NotSent, Silent, Unanswered):
            body = await self.graph.get(f"/{media}", token, within=_PERMALINK_WITHIN, fields="permalink")
            return str(body.get("permalink") or "")
        return ""


class ByContainers:
    """What Instagram and Threads leave to their containers."""

    graph: GraphApi
    outcomes: ClassVar[Outcomes]
    edges: ClassVar[Edges]

    @property
    def _containers(self) -> Containers:
        return Containers(self.graph, self.outcomes, self.edges)

    async def check(self, outgoing: Outgoing, now: datetime) -> Receipt | Ready | Processing:
        """Whether the containers are ready."""
        _ = now
        return await self._containers.check(outgoing)

    async def quota(self, external_id: str, access_token: str) -> Quota | None:
        """What the edge of the publishing limit tells."""
        return await self._containers.quota(external_id, access_token)

    def url_of(self, external_id: str) -> str:
        """An id does not tell the address of a post."""
        _ = external_id
        return ""


async def all_of(*awaited: Any) -> list[Any]:
    """All of them at once; the first trouble is the trouble, when the others have ended."""
    came = await asyncio.gather(*awaited, return_exceptions=True)
    for each in came:
        if isinstance(each, BaseException):
            raise each
    return came


def _which(trouble: Exception, place: int, of: int) -> Exception:
    """Say which of several files it is about."""
    if of > 1 and isinstance(trouble, Refused):
        return Refused(f"File {place + 1}: {trouble.reason}", code=trouble.code, said=trouble.said)
    return trouble

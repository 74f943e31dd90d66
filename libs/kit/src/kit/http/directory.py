"""Finds the routes that a request may mean by how its path begins, so that it is not compared with all others first.

A service has hundreds of routes, and comparing one takes microseconds: the last was found after a millisecond.
"""

import copy
from collections.abc import Iterator

from fastapi import APIRouter
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

_ANY = None
"""The beginning of what may match whatever a path begins with."""


class Directory:
    """Stands before an application's router, which it asks about the routes of one beginning only."""

    def __init__(self, router: APIRouter) -> None:
        self._router = router
        self._known = 0
        self._by_beginning: dict[str, APIRouter] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to its routes; what begins like none of them is answered as ever."""
        if self._known != len(self._router.routes):
            self._learn()
        router = None
        if scope["type"] == "http" and not scope.get("root_path"):
            router = self._by_beginning.get(_beginning(scope["path"]))
        await (router or self._router).app(scope, receive, send)

    def _learn(self) -> None:
        """Routes keep their order, in which they are tried."""
        routes = list(self._router.routes)
        beginnings = [set(_beginnings(each)) for each in routes]
        self._known, self._by_beginning = len(routes), {}
        for beginning in set[str | None]().union(*beginnings) - {_ANY}:
            few = copy.copy(self._router)
            few.routes = [
                route for route, theirs in zip(routes, beginnings, strict=True) if theirs & {beginning, _ANY}
            ]
            self._by_beginning[str(beginning)] = few


def _beginning(path: str) -> str:
    """The first two parts of a path."""
    return "/".join(path.split("/", 3)[1:3])


def _beginnings(route: BaseRoute, before: str = "") -> Iterator[str | None]:
    """How the paths begin that a route, or one of an included router's, may match."""
    included = getattr(route, "original_router", None)
    if included is not None:
        prefix = before + getattr(getattr(route, "include_context", None), "prefix", "")
        for each in included.routes:
            yield from _beginnings(each, prefix)
    elif isinstance(route, Route):
        beginning = _beginning(before + route.path)
        yield _ANY if "{" in beginning else beginning
    else:
        yield _ANY

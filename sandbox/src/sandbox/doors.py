"""Where the platform enters: calls to a member are recorded and meet its fault rules."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import orjson
from fastapi import Depends, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.faults import Plan
from sandbox.member import Member
from sandbox.received import Call, header_text
from sandbox.rules import Answer, DropAfterEffect, Occurrence, RefuseBeforeEffect

ABORT = "sandbox.abort"
VISIBLE_AFTER = "sandbox.visible_after"


class AbortableProtocol(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, and the application may cut the connection: an extension of the scope."""

    def on_message_begin(self) -> None:
        """Begin a request that carries the means to cut its connection."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}


class Doors:
    """ASGI middleware: a path below one of a member's doors belongs to that member, the longest door first."""

    def __init__(self, app: ASGIApp, *, members: Sequence[Member]) -> None:
        self.app = app
        by_door = [(door, member) for member in members for door in member.doors]
        self._by_door = sorted(by_door, key=lambda pair: len(pair[0]), reverse=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a visitor in where the path is a member's, and pass all others by."""
        member = self._member_at(scope["path"]) if scope["type"] == "http" else None
        if member is None:
            await self.app(scope, receive, send)
        else:
            await _Visit(self.app, member, scope, receive, send).happen()

    def _member_at(self, path: str) -> Member | None:
        return next((member for door, member in self._by_door if _is_below(path, door)), None)


def _is_below(path: str, door: str) -> bool:
    return path == door or path.startswith(f"{door.rstrip('/')}/")


class _Visit:
    """One call to a member: recorded at arrival, then done, refused or spoiled as the rules say."""

    def __init__(self, app: ASGIApp, member: Member, scope: Scope, receive: Receive, send: Send) -> None:
        self.app, self.scope, self._receive, self._send = app, scope, receive, send
        self._faults = member.faults
        self.call = member.received.begin(
            Call(
                scope["method"],
                scope["path"],
                query=scope["query_string"].decode("latin-1"),
                headers=header_text(scope["headers"]),
            )
        )
        self._body = bytearray()
        self._repeated = False

    async def happen(self) -> None:
        """Hear the call out, then let it have its effect and its end; what breaks is recorded as failed."""
        try:
            if not await self._hear_out():
                self.call.ended("failed")
                return
            plan = self._faults.plan(Occurrence(self.call.method, self.call.path))
            self.scope[VISIBLE_AFTER] = plan.visible_after
            await asyncio.sleep(plan.delay)
            await self._end(plan)
        except BaseException as end:
            self.call.ended("failed")
            if isinstance(end, asyncio.CancelledError):  # the sandbox stops: no answer is truer than a made-up one
                self._abort()
            raise

    async def _hear_out(self) -> bool:
        """Take the whole body, so that it is recorded whatever comes of it; False when the caller left before."""
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return False
            self._body += message.get("body", b"")
            self.call.took(message.get("body", b""))
            if not message.get("more_body", False):
                return True

    async def _end(self, plan: Plan) -> None:
        outcome = plan.outcome
        if outcome is None:
            await self.app(self.scope, self._repeat, self._record_and_send)
        elif isinstance(outcome, RefuseBeforeEffect):
            self.call.ended("refused", outcome.status)
            await answer(outcome)(self.scope, self._receive, self._send)
        elif isinstance(outcome, DropAfterEffect):
            await self.app(self.scope, self._repeat, _swallow)
            self.call.ended("dropped")
            await self._cut()
        else:
            await self.app(self.scope, self._repeat, _swallow)
            self.call.ended("error", outcome.status)
            await answer(outcome)(self.scope, self._receive, self._send)

    async def _repeat(self) -> Message:
        """The body once more, for the member; after it, whatever the connection still says."""
        if self._repeated:
            return await self._receive()
        self._repeated = True
        return {"type": "http.request", "body": bytes(self._body), "more_body": False}

    async def _record_and_send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.call.ended("answered", message["status"])
        await self._send(message)

    async def _cut(self) -> None:
        """Cut the connection and wait until the server has seen it, so that it answers nothing itself."""
        self._abort()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _abort(self) -> None:
        self.scope["extensions"][ABORT]["abort"]()


async def _swallow(_: Message) -> None:
    """An answer nobody gets."""


def answer(spoiled: Answer) -> Response:
    """What a rule lets the member say over HTTP: text as text, anything else as JSON, null as nothing."""
    body = spoiled.body
    headers = {name.lower(): value for name, value in spoiled.headers.items()}
    if body is None:
        return Response(b"", spoiled.status, headers)
    if isinstance(body, str):
        headers.setdefault("content-type", "text/plain; charset=utf-8")
        return Response(body.encode(), spoiled.status, headers)
    headers.setdefault("content-type", "application/json")
    return Response(orjson.dumps(body), spoiled.status, headers)


async def _visible_after(request: Request) -> float:
    return float(request.scope.get(VISIBLE_AFTER, 0.0))


VisibleAfterSeconds = Annotated[float, Depends(_visible_after)]
"""For a door's endpoint: how long what it accepts stays invisible."""

"""One window's WebSocket: what it says is stored, what it may see is told as soon as it may be seen."""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from fastapi import WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from inbox.chat import topics
from inbox.chat.errors import TooFast
from inbox.chat.schemas import FRAMES, Acknowledge, Resume, Say, ShownOut, Type
from inbox.chat.service import PAGE, ChatService, Present
from inbox.chat.waking import Waking
from inbox.conversations.topics import of_conversation
from kit.errors import DomainError, FieldError, Invalid, TransientError

log = structlog.get_logger(__name__)

POLL: Final = 20.0
"""Seconds after which a window looks although nothing was told; a lost hint costs no more."""
GONE: Final = 4001
"""Closed with it when visitor or channel are there no more: the page begins a new visit, or none."""
TOO_MUCH: Final = 4008
_BROKEN: Final = 1011
_LONGEST: Final = 32 * 1024
_KEPT: Final = 1000
_TYPES_EVERY: Final = 3.0
_FRAMES: Final = 60
_FRAMES_EVERY: Final = 0.5


class Line:
    """One connection. Its reader and its teller end together."""

    def __init__(self, socket: WebSocket, chats: ChatService, present: Present, token: str, origin: str) -> None:
        self._socket = socket
        self._chats = chats
        self._present = present
        self._token, self._origin = token, origin
        self._told: OrderedDict[UUID, None] = OrderedDict()
        self._last: UUID | None = None
        self._again = asyncio.Event()
        self._own: list[UUID] = []
        self._typed_at = 0.0
        self._room = float(_FRAMES)
        self._room_at = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Until either side ends it."""
        teller = asyncio.create_task(self._tell(), name="chat teller")
        reader = asyncio.create_task(self._read(), name="chat reader")
        try:
            await asyncio.wait((teller, reader), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (teller, reader):
                task.cancel()
            await asyncio.gather(teller, reader, return_exceptions=True)
        for task in (teller, reader):
            error = None if task.cancelled() else task.exception()
            if error is not None and not isinstance(error, WebSocketDisconnect | RuntimeError):
                log.error("chat.line_broke", error=type(error).__name__)
                await self._close(_BROKEN)

    async def _read(self) -> None:
        """Do what the page asks, in its order."""
        while True:
            text = await self._socket.receive_text()
            if not self._may_speak() or len(text) > _LONGEST:
                await self._close(TOO_MUCH)
                return
            try:
                frame = FRAMES.validate_json(text)
            except (ValidationError, ValueError):
                await self._send({"event": "refused", "code": "invalid"})
                continue
            await self._do(frame)

    async def _do(self, frame: Say | Acknowledge | Type | Resume) -> None:
        about: dict[str, Any] = {"id": str(frame.id)} if isinstance(frame, Say) else {}
        try:
            match frame:
                case Say():
                    await self._chats.say(self._present, frame)
                    await self._send({"event": "taken", **about})
                case Acknowledge():
                    await self._chats.acknowledge(self._present, frame.status, frame.messages)
                case Type():
                    await self._types()
                case Resume():
                    self._last = frame.after
                    self._again.set()
        except Invalid as wrong:
            errors = [{"pointer": each.pointer, "detail": each.detail} for each in _errors(wrong)]
            await self._send({"event": "refused", "code": wrong.code, "errors": errors, **about})
        except TooFast as wait:
            await self._send({"event": "refused", "code": wait.code, "retry_after": wait.retry_after, **about})
        except TransientError as trouble:
            await self._send({"event": "refused", "code": trouble.code, "retry_after": 2, **about})
        except DomainError as wrong:
            await self._send({"event": "refused", "code": wrong.code, **about})

    async def _types(self) -> None:
        """Tell the team, at most once in some seconds; before there is a conversation nobody could be shown it."""
        now = asyncio.get_running_loop().time()
        if now - self._typed_at < _TYPES_EVERY:
            return
        self._typed_at = now
        for conversation_id in self._own:
            await self._chats.contact_types(self._present.entered.organization_id, conversation_id)

    async def _tell(self) -> None:
        """Tell what may be seen, whenever there may be more."""
        present = self._present
        typing = {topics.of_typing(present.key, each.value) for each in present.visitor.known_as}
        reading = {topics.of_reading(present.key, each.value) for each in present.visitor.known_as}
        with Waking(self._chats.database.wakeups, (*self._chats.topics(present), *typing, *reading)) as waking:
            await self._again.wait()  # the page says first what it has
            while True:
                self._again.clear()
                woken = waking.taken()
                if woken & typing:
                    await self._send({"event": "typing"})
                if woken & reading:
                    await self._send({"event": "read"})
                try:
                    more = await self._tell_once(waking)
                except TransientError:
                    await asyncio.sleep(1)
                    continue
                if more:
                    continue
                if not woken and not await self._still_good():
                    await self._close(GONE)
                    return
                await self._wait(waking)

    async def _wait(self, waking: Waking) -> None:
        again = asyncio.create_task(self._again.wait())
        woken = asyncio.create_task(waking.wait(POLL))
        try:
            await asyncio.wait((again, woken), return_when=asyncio.FIRST_COMPLETED)
        finally:
            again.cancel()
            woken.cancel()

    async def _tell_once(self, waking: Waking) -> bool:
        """Tell what this window does not know yet; whether there may be more."""
        shown, own = await self._chats.history(self._present, self._last)
        self._own = own
        waking.also(of_conversation(each) for each in own)
        fresh = [each for each in shown if each.id not in self._told]
        if fresh:
            await self._send({"event": "messages", "items": [each.model_dump(mode="json") for each in fresh]})
            self._remember(fresh)
        elif self._last is None:
            await self._send({"event": "messages", "items": []})
        self._last = shown[-1].id if fresh else self._last
        return len(fresh) >= PAGE

    def _remember(self, fresh: list[ShownOut]) -> None:
        for each in fresh:
            self._told[each.id] = None
        while len(self._told) > _KEPT:
            self._told.popitem(last=False)

    async def _still_good(self) -> bool:
        """Whether channel, page and visitor are still what they were."""
        try:
            entered = await self._chats.enter(self._present.key, self._origin)
            await self._chats.known(entered, self._token)
        except DomainError:
            return False
        except TransientError:
            return True
        return True

    def _may_speak(self) -> bool:
        """Whether so many frames are still within reason; what is written is counted beside it, wherever it comes."""
        now = asyncio.get_running_loop().time()
        self._room = min(float(_FRAMES), self._room + (now - self._room_at) / _FRAMES_EVERY) - 1
        self._room_at = now
        return self._room >= 0

    async def _send(self, told: dict[str, Any]) -> None:
        await self._socket.send_text(orjson.dumps(told).decode())

    async def _close(self, code: int) -> None:
        with suppress(RuntimeError, WebSocketDisconnect):
            await self._socket.close(code)


def _errors(wrong: Invalid) -> list[FieldError]:
    return list(wrong.errors or ())

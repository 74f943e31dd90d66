from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.problems import problem

LARGEST_BODY = 32 * 1024 * 1024


class BodyLimit:
    """ASGI middleware that answers 413 to a body larger than the limit, announced or not."""

    def __init__(self, app: ASGIApp, *, largest: int = LARGEST_BODY) -> None:
        self.app = app
        self.largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request within the limit."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif _announced(scope) > self.largest:
            await _too_large(scope, receive, send)
        else:
            counted = _Counted(self.largest, scope, receive, send)
            await self.app(scope, counted.receive, counted.send)


class _Counted:
    """One request whose body is counted; past the limit it is answered here and the app hears no more."""

    def __init__(self, largest: int, scope: Scope, receive: Receive, send: Send) -> None:
        self._left = largest
        self._scope, self._receive, self._send = scope, receive, send
        self._started = False
        self._over = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left >= 0:
            return message
        if not self._over and not self._started:
            self._over = True
            await _too_large(self._scope, self._receive, self._send)
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self._started = True
        if not self._over:
            await self._send(message)


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    await problem(413, "The body is too large.")(scope, receive, send)


def _announced(scope: Scope) -> int:
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(value) if value.isdigit() else 0

"""The door of one source, as plain ASGI: verify the raw bytes, store them, answer after the commit."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

import structlog
from prometheus_client import Counter
from starlette.types import Receive, Scope, Send

from kit.errors import DomainError, Forbidden, TransientError
from kit.http import problem
from kit.http.middleware import BodyTooLarge, BodyTooSlow
from kit.intake import measures
from kit.intake.model import Acknowledging, Source
from kit.intake.storing import IntakeBusy, Store

log = structlog.get_logger(__name__)

_PATIENCE = 30.0
_SMALL = 64 * 1024
MOST_ARRIVING: Final = 64 * 1024 * 1024
_CHUNKS = 100_000  # a body in more pieces than that is sent to keep us busy


class SignatureRefused(Forbidden):
    """The signature is missing or does not fit."""

    code = "signature-refused"


class ChallengeRefused(Forbidden):
    """This is not a challenge that we answer."""

    code = "challenge-refused"


class _Room:
    """Bytes that all bodies together may hold while they arrive and nobody knows yet whether they are genuine.

    What is small always has room: strangers who send much and slowly keep no delivery of a few kilobytes out.
    """

    def __init__(self, most: int) -> None:
        self._left = most

    def take(self, size: int) -> None:
        if size > self._left:
            raise IntakeBusy(retry_after=2.0)
        self._left -= size

    def give_back(self, size: int) -> None:
        self._left += size


class _Gone(Exception):
    """The client left before its body was whole."""


class Door:
    """Answers one source's challenges and takes its deliveries.

    A delivery is answered with 200 once it is committed, with 403 when its signature does not fit, 413 or 408 when it
    is too large or too slow, and 503 with `Retry-After` when it cannot be stored now. It does not ask how whatever
    comes after is doing.
    """

    def __init__(
        self, source: Source, store: Store, *, patience: float = _PATIENCE, arriving: int = MOST_ARRIVING
    ) -> None:
        self._source = source
        self._store = store
        self._patience = patience
        self._room = _Room(arriving)
        self._bytes = measures.BYTES.labels(source.name)
        self._outcomes: dict[str, Counter] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if scope["method"] == "POST":
            await self._delivered(scope, receive, send)
        elif scope["method"] == "GET":
            await self._challenged(scope, receive, send)
        else:
            answer = problem.answer_status(HTTPStatus.METHOD_NOT_ALLOWED, headers={"allow": "GET, POST"})
            await answer(scope, receive, send)

    async def _challenged(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = dict(reversed(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)))
        answer = self._source.challenge(query)
        if answer is None:
            await problem.answer_to(ChallengeRefused())(scope, receive, send)
            return
        await _answer(send, answer.encode(errors="replace"), _kind_of(answer))

    async def _delivered(self, scope: Scope, receive: Receive, send: Send) -> None:
        outcome = "failed"
        try:
            headers = _headers(scope)
            body = await self._body(receive, headers.get("content-length"))
            if not _genuine(self._source, headers, body):
                raise SignatureRefused
            self._bytes.observe(len(body))
            await self._store.put(self._source.name, body)
            outcome = "stored"
            await self._acknowledge(send, body)
        except (DomainError, TransientError) as error:
            outcome = error.code
            await problem.answer_to(error)(scope, receive, send)
        except _Gone:
            outcome = "gone"
        finally:
            self._count(outcome)

    async def _acknowledge(self, send: Send, body: bytes) -> None:
        said = self._source.acknowledgement(body) if isinstance(self._source, Acknowledging) else ""
        await _answer(send, said.encode(), _kind_of(said))

    async def _body(self, receive: Receive, length: str | None) -> bytes:
        """The whole body, if it is not too large, comes in time, and there is room for it."""
        limit = self._source.body_limit
        if length is not None and not (length.isascii() and length.isdigit() and int(length[:19]) <= limit):
            raise BodyTooLarge(f"At most {limit} bytes.")
        chunks: list[bytes] = []
        size = taken = 0
        try:
            async with asyncio.timeout(self._patience):
                while True:
                    piece, more = await _piece(receive)
                    chunks.append(piece)
                    size += len(piece)
                    if size > limit or len(chunks) > _CHUNKS:
                        raise BodyTooLarge(f"At most {limit} bytes.")
                    if size > _SMALL:
                        self._room.take(size - taken)
                        taken = size
                    if not more:
                        return b"".join(chunks)
        except TimeoutError as error:
            raise BodyTooSlow from error
        finally:
            self._room.give_back(taken)

    def _count(self, outcome: str) -> None:
        if outcome not in self._outcomes:
            self._outcomes[outcome] = measures.DELIVERIES.labels(self._source.name, outcome)
        self._outcomes[outcome].inc()


def _kind_of(text: str) -> bytes:
    return b"application/json" if text.startswith("{") else b"text/plain; charset=utf-8"


def _genuine(source: Source, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        return source.genuine(headers, body)
    except Exception:
        log.exception("intake.signature_check_failed", source=source.name)
        return False


def _headers(scope: Scope) -> dict[str, str]:
    """By lower-case name; of a name that comes twice all values, so that a signature beside another fits nothing."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


async def _piece(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] != "http.request":
        raise _Gone
    return message.get("body", b""), message.get("more_body", False)


async def _answer(send: Send, body: bytes = b"", kind: bytes = b"text/plain; charset=utf-8") -> None:
    headers = [
        (b"content-length", str(len(body)).encode()),
        (b"content-type", kind),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})

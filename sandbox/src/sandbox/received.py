"""What came to a member's door, as it came."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import BaseModel

from sandbox.ring import Ring

KEPT_CALLS = 1_000
KEPT_BODY = 64 * 1024

Outcome = Literal["open", "answered", "refused", "dropped", "error", "failed"]


@dataclass(slots=True)
class Call:
    """One call on its way: recorded at arrival, completed as its body and its end are known."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    body: bytearray = field(default_factory=bytearray)
    body_size: int = 0
    outcome: Outcome = "open"
    status: int | None = None

    def took(self, chunk: bytes) -> None:
        """Keep the beginning of the body and count all of it."""
        self.body_size += len(chunk)
        self.body += chunk[: max(0, KEPT_BODY - len(self.body))]

    def ended(self, outcome: Outcome, status: int | None = None) -> None:
        """Note what the caller got; `status` is what it saw, if it saw any."""
        self.outcome = outcome
        self.status = status


class CallOut(BaseModel):
    """One received call; `body` is null where it is no text, `body_base64` always holds it."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    at: datetime
    body: str | None
    body_base64: str
    body_size: int
    body_truncated: bool
    outcome: Outcome
    status: int | None

    @classmethod
    def of(cls, call: Call) -> Self:
        """The call as the control API shows it."""
        return cls(
            method=call.method,
            path=readable(call.path),
            query=call.query,
            headers=dict(call.headers),
            at=call.at,
            body=_text(bytes(call.body)),
            body_base64=base64.b64encode(call.body).decode(),
            body_size=call.body_size,
            body_truncated=call.body_size > len(call.body),
            outcome=call.outcome,
            status=call.status,
        )


class Received:
    """The newest calls of one member."""

    def __init__(self) -> None:
        self.calls: Ring[Call] = Ring(most=KEPT_CALLS)

    def begin(self, call: Call) -> Call:
        """Record a call at its arrival."""
        self.calls.add(call)
        return call

    def clear(self) -> None:
        """Forget all calls."""
        self.calls.clear()


def header_text(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; a repeated one is joined by commas, as HTTP allows."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def readable(text: str) -> str:
    """The text with what is no valid Unicode replaced, so it can be written as JSON."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _text(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None

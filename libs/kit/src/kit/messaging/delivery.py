"""A message as it arrived from a queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, Self
from uuid import NAMESPACE_OID, UUID, uuid5

from contracts.event import Event
from kit.messaging.wire import Properties

GENERATION: Final = "generation"
ATTEMPT: Final = "attempt"
FIRST_FAILED_AT: Final = "first_failed_at"
NOT_BEFORE: Final = "not_before"

Key = tuple[UUID, int]


@dataclass(slots=True)
class Delivery:
    """One delivery: its message and what our headers and the broker's say about its past.

    `attempt` counts failed attempts so far, `returned` how often a consumer took it and was gone before its ack.
    Times are in milliseconds since 1970.
    """

    tag: int
    body: bytes
    message_id: UUID
    type: str | None = None
    generation: int = 0
    attempt: int = 0
    returned: int = 0
    first_failed_at: int = 0
    not_before: int = 0
    event: Event | None = None

    @classmethod
    def of(cls, tag: int, body: bytes, properties: Properties) -> Self:
        """Read a message from the wire; headers that are not what they should be count as absent."""
        headers = properties.headers
        delivery = cls(tag, body, _identity(properties.message_id, body), properties.type or None)
        if headers:
            delivery.generation = _number(headers, GENERATION)
            delivery.attempt = _number(headers, ATTEMPT)
            delivery.returned = _number(headers, "x-delivery-count")
            delivery.first_failed_at = _number(headers, FIRST_FAILED_AT)
            delivery.not_before = _number(headers, NOT_BEFORE)
        return delivery

    @property
    def key(self) -> Key:
        """What it is deduplicated by, within its queue."""
        return (self.message_id, self.generation)

    def failed_first(self, now: datetime) -> datetime:
        """When its first attempt failed; now, if none has failed before."""
        return datetime.fromtimestamp(self.first_failed_at / 1000, UTC) if self.first_failed_at else now


def milliseconds(time: datetime) -> int:
    """A time as the headers carry it."""
    return int(time.timestamp() * 1000)


def _identity(given: str, body: bytes) -> UUID:
    """The id the publisher gave; without a usable one, a name that follows from the body."""
    try:
        return UUID(given)
    except ValueError:
        return uuid5(NAMESPACE_OID, sha256(body).hexdigest())


def _number(headers: Mapping[str, Any], name: str) -> int:
    value = headers.get(name)
    return value if type(value) is int and 0 <= value < 2**63 else 0

"""AMQP 0-9-1 as bytes, for the hot paths of publishing and reading."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from pamqp import commands, decode, encode, frame
from pamqp.common import FieldValue

CONTENT_TYPE: Final = "application/cloudevents+json"
CHANNEL: Final = 1
PROTOCOL_HEADER: Final = b"AMQP\x00\x00\x09\x01"
HEARTBEAT: Final = b"\x08\x00\x00\x00\x00\x00\x00\xce"
FRAME_END: Final = 0xCE
FRAME_OVERHEAD: Final = 8

METHOD, HEADER, BODY, BEAT = 1, 2, 3, 8
ACK: Final = b"\x00\x3c\x00\x50"
NACK: Final = b"\x00\x3c\x00\x78"
DELIVER: Final = b"\x00\x3c\x00\x3c"

_CHANNEL: Final = CHANNEL.to_bytes(2, "big")
_HEADER: Final = b"\x02" + _CHANNEL
_BODY: Final = b"\x03" + _CHANNEL
_END: Final = b"\xce"
_CLASS_AND_WEIGHT: Final = b"\x00\x3c\x00\x00"
_HAS_CONTENT_TYPE, _HAS_CONTENT_ENCODING, _HAS_HEADERS, _HAS_DELIVERY_MODE = 0x8000, 0x4000, 0x2000, 0x1000
_HAS_PRIORITY, _HAS_MESSAGE_ID, _HAS_TIMESTAMP, _HAS_TYPE = 0x0800, 0x0080, 0x0040, 0x0020
_HAS_CORRELATION_ID, _HAS_REPLY_TO, _HAS_EXPIRATION = 0x0400, 0x0200, 0x0100
_PERSISTENT: Final = b"\x02"
_ROUTES_KEPT: Final = 2_000


class Message(NamedTuple):
    """One durable message to publish.

    A `mandatory` message that no queue takes is refused instead of dropped.
    """

    exchange: str
    routing_key: str
    body: bytes
    message_id: str = ""
    type: str = ""
    headers: Mapping[str, FieldValue] | None = None
    mandatory: bool = False


class Properties(NamedTuple):
    """What is read of a message's properties."""

    headers: Mapping[str, FieldValue]
    message_id: str
    type: str


NO_PROPERTIES: Final = Properties({}, "", "")


class Encoder:
    """Turns messages into frames no larger than the broker allows."""

    def __init__(self, frame_max: int) -> None:
        self._largest = frame_max - FRAME_OVERHEAD
        self._routes: dict[tuple[str, str, bool], bytes] = {}

    def append(self, message: Message, out: list[bytes]) -> None:
        """Add the frames of one message: basic.publish, content header, body.

        Raises:
            ValueError: a name is longer than 255 bytes, or the headers do not fit one frame.
        """
        out.append(self._publish(message))
        properties = _properties(message)
        payload = _CLASS_AND_WEIGHT + len(message.body).to_bytes(8, "big") + properties
        if len(payload) > self._largest:
            raise ValueError("the headers of a message must fit one frame")
        out += (_HEADER, len(payload).to_bytes(4, "big"), payload, _END)
        body = message.body
        if len(body) <= self._largest:
            if body:
                out += (_BODY, len(body).to_bytes(4, "big"), body, _END)
            return
        for at in range(0, len(body), self._largest):
            part = body[at : at + self._largest]
            out += (_BODY, len(part).to_bytes(4, "big"), part, _END)

    def _publish(self, message: Message) -> bytes:
        route = (message.exchange, message.routing_key, message.mandatory)
        method = self._routes.get(route)
        if method is None:
            if len(self._routes) >= _ROUTES_KEPT:
                self._routes.clear()
            command = commands.Basic.Publish(
                exchange=message.exchange, routing_key=message.routing_key, mandatory=message.mandatory
            )
            method = self._routes[route] = frame.marshal(command, CHANNEL)
        return method


def _properties(message: Message) -> bytes:
    if message.message_id and message.type and not message.headers:  # every event
        return b"".join((_EVENT, _short(message.message_id), _kind(message.type)))
    flags = _HAS_CONTENT_TYPE | _HAS_DELIVERY_MODE
    values = [_short(CONTENT_TYPE)]
    if message.headers:
        flags |= _HAS_HEADERS
        values.append(encode.field_table(dict(message.headers)))
    values.append(_PERSISTENT)
    if message.message_id:
        flags |= _HAS_MESSAGE_ID
        values.append(_short(message.message_id))
    if message.type:
        flags |= _HAS_TYPE
        values.append(_short(message.type))
    return flags.to_bytes(2, "big") + b"".join(values)


def _short(text: str) -> bytes:
    encoded = text.encode()
    if len(encoded) > 255:
        raise ValueError("a property is longer than 255 bytes")
    return _LENGTHS[len(encoded)] + encoded


_LENGTHS: Final = tuple(bytes((length,)) for length in range(256))
_kind = lru_cache(_ROUTES_KEPT)(_short)
_EVENT: Final = b"".join(
    (
        (_HAS_CONTENT_TYPE | _HAS_DELIVERY_MODE | _HAS_MESSAGE_ID | _HAS_TYPE).to_bytes(2, "big"),
        _short(CONTENT_TYPE),
        _PERSISTENT,
    )
)


def acknowledgement(channel: int, tag: int, *, multiple: bool) -> bytes:
    """A `basic.ack` as one frame."""
    payload = ACK + tag.to_bytes(8, "big") + (b"\x01" if multiple else b"\x00")
    return b"".join((b"\x01", channel.to_bytes(2, "big"), len(payload).to_bytes(4, "big"), payload, _END))


def read_properties(data: bytes) -> Properties:
    """The properties in a content header frame; text or headers that cannot be read count as absent.

    Whoever may publish could otherwise end our connection, again and again, with one message.
    """
    flags, at = int.from_bytes(data[19:21], "big"), 21
    headers: Mapping[str, FieldValue] = NO_PROPERTIES.headers
    for flag in (_HAS_CONTENT_TYPE, _HAS_CONTENT_ENCODING):
        if flags & flag:
            at += 1 + data[at]
    if flags & _HAS_HEADERS:
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        headers, at = _table(data[at:end]), end
    at += bool(flags & _HAS_DELIVERY_MODE) + bool(flags & _HAS_PRIORITY)
    for flag in (_HAS_CORRELATION_ID, _HAS_REPLY_TO, _HAS_EXPIRATION):
        if flags & flag:
            at += 1 + data[at]
    message_id = kind = ""
    if flags & _HAS_MESSAGE_ID:
        message_id, at = _text(data, at)
    if flags & _HAS_TIMESTAMP:
        at += 8
    if flags & _HAS_TYPE:
        kind, at = _text(data, at)
    return Properties(headers, message_id, kind)


def _table(data: bytes) -> Mapping[str, FieldValue]:
    try:
        return decode.field_table(data)[1]
    except (ValueError, KeyError, IndexError, TypeError):
        return NO_PROPERTIES.headers


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + data[at]
    return data[at + 1 : end].decode(errors="replace"), end

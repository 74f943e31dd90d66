"""The history: a stream that keeps every event for some days; the relay writes it, one entry for a batch of events.

A binding of the stream to the exchange would be simpler. But an entry per event takes a third of the broker's rate,
and in the first half second after a power cut RabbitMQ confirms what a binding does not reach yet. An entry is
`mandatory`: what the stream does not take is refused, and its events are sent again.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from kit.ids import new_id
from kit.messaging.topology import Topology
from kit.messaging.wire import Message

KIND: Final = "rostrum.history.events"
"""The message type of an entry: its body holds one event per line, each as it was published."""

_ROOM: Final = 256 * 1024


def entries(topology: Topology, bodies: Sequence[bytes]) -> list[Message]:
    """What to publish beside these events so that a replay finds them; entries of up to 256 KiB, or of one event."""
    return [
        Message("", topology.history, b"\n".join(packed), str(new_id()), KIND, mandatory=True)
        for packed in _packed(bodies)
    ]


def events_of(kind: str | None, body: bytes) -> list[bytes]:
    """The events of an entry; none when this is a message of another kind. JSON holds no bare line break."""
    return body.split(b"\n") if kind == KIND else []


def _packed(bodies: Sequence[bytes]) -> Iterator[list[bytes]]:
    packed, size = list[bytes](), 0
    for body in bodies:
        if packed and size + len(body) > _ROOM:
            yield packed
            packed, size = [], 0
        packed.append(body)
        size += len(body) + 1
    if packed:
        yield packed

"""What services say to each other: events, their envelope, and the promise that they only grow."""

from typing import TYPE_CHECKING, Any

from contracts.event import Event, Malformed, UnknownEvent, encode, new_id, peek

if TYPE_CHECKING:
    from contracts.registry import EVENTS, decode

__all__ = ["EVENTS", "Event", "Malformed", "UnknownEvent", "decode", "encode", "new_id", "peek"]


def __getattr__(name: str) -> Any:
    """All events when somebody asks for them: a service that knows its own does not pay for building every class."""
    if name not in ("EVENTS", "decode"):
        raise AttributeError(name)
    from contracts import registry  # noqa: PLC0415 - that is the point

    return getattr(registry, name)

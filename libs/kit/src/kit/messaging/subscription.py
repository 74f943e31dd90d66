"""What a service wants to hear, and what it does about it."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from contracts.event import Event
from kit.db.database import Transaction

Heard = TypeVar("Heard", bound=Event)


@dataclass(frozen=True, slots=True)
class Subscription(Generic[Heard]):
    """One event type and its handler, which changes only our own rows.

    `one(event, tx)` runs for each event, its transaction bound to that event's organization. A batch is worked in
    `abreast` transactions at once, but in no more than half of the pool has; what one organization is told stays in
    one of them, in order. `many(events, tx)` runs once per batch, bound to all organizations in it; its SQL must be
    set-based, and it is the form for busy types. Either may run again for the same events after a rollback, so it
    must do nothing but use `tx`.

    `gate` names a group of event types that write the same fact: an event is handled only when its version is newer
    than what was applied through that gate for its subject, and of a batch only the newest. Every type of the group
    must therefore carry, or lead to, the whole fact. A replayed event is let through at the same version too.

    Where `batch` is not given it is 100 for `one` and 300 for `many`; `prefetch` is three times that.
    """

    event: type[Heard]
    one: Callable[[Heard, Transaction], Awaitable[None]] | None = None
    many: Callable[[Sequence[Heard], Transaction], Awaitable[None]] | None = None
    gate: str | None = None
    prefetch: int = 0
    batch: int = 0
    abreast: int = 3
    within: float = 30.0

    def __post_init__(self) -> None:
        if (self.one is None) == (self.many is None):
            raise ValueError(f"{self.event.type}: give either `one` or `many`")
        object.__setattr__(self, "batch", self.batch or (100 if self.one else 300))
        object.__setattr__(self, "prefetch", self.prefetch or min(3 * self.batch, 65_535))
        if not 1 <= self.batch <= self.prefetch <= 65_535:
            raise ValueError(f"{self.event.type}: 1 <= batch <= prefetch <= 65535")
        if self.abreast < 1:
            raise ValueError(f"{self.event.type}: 1 <= abreast")


def types_of(subscriptions: Iterable[Subscription[Any]]) -> tuple[str, ...]:
    """The event types, for the topology.

    Raises:
        ValueError: a type is subscribed to twice; its messages would go to either handler.
    """
    types = tuple(subscription.event.type for subscription in subscriptions)
    twice = {each for each in types if types.count(each) > 1}
    if twice:
        raise ValueError(f"subscribed to twice: {', '.join(sorted(twice))}")
    return types

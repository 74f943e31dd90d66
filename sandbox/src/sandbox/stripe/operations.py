"""What an operation of the API is, and the shapes and steps that many share."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.stripe import errors
from sandbox.stripe.params import Either, Flag, Hash, Integer, List, Metadata, Shape, Text
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World

TIME: Final = Integer(least=0)
PERIOD: Final = Either(Hash(gt=TIME, gte=TIME, lt=TIME, lte=TIME), TIME)
"""A time, or a span of times: a filter of lists."""
LIST: Final[Mapping[str, Shape]] = {
    "limit": Integer(least=1, most=100),
    "starting_after": Text(unsets=False),
    "ending_before": Text(unsets=False),
}
METADATA: Final = Metadata()
FLAG: Final = Flag()
ID: Final = Text(unsets=False)
EXPAND: Final = List(Text(unsets=False), most=100)
ADDRESS_FIELDS: Final[Mapping[str, Shape]] = {
    name: Text() for name in ("city", "country", "line1", "line2", "postal_code", "state")
}
ADDRESS: Final = Hash(ADDRESS_FIELDS, unsets=True)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation, its parameters read and checked."""

    world: World
    ids: tuple[str, ...]
    """What stands in the path's places."""
    given: dict[str, Any]
    path: str

    def has(self, name: str) -> bool:
        """Whether a parameter was given, if only to unset something."""
        return name in self.given

    def get(self, name: str, otherwise: Any = None) -> Any:
        """A parameter, or what holds where it was not given."""
        return self.given.get(name, otherwise)

    def named(self, kind: str, param: str) -> Record | None:
        """The object that a parameter names.

        Raises:
            Refusal: There is none of that id.
        """
        identifier = self.given.get(param)
        if identifier is None:
            return None
        return self.world.need(kind, identifier, param=param, status=400)


Run = Callable[[Call], Record | Doc]


@dataclass(frozen=True, slots=True)
class Operation:
    """A method and a path, `{}` where an id stands, what may be given, and what is done."""

    method: str
    path: str
    run: Run
    params: Mapping[str, Shape] = field(default_factory=dict)


def page(call: Call, records: Iterable[Record], *, kind: str) -> Doc:
    """The part of a list that was asked for; the records come newest first.

    Raises:
        Refusal: The cursor is of no object, or there are two.
    """
    limit = call.get("limit", 10)
    after, before = call.get("starting_after"), call.get("ending_before")
    if after and before:
        raise errors.invalid("You may only specify one of these parameters: starting_after, ending_before.")
    if before:
        newer_than = call.world.need(kind, before, param="ending_before", status=400).number
        newer = [one for one in records if one.number > newer_than]
        return _list(call, newer[-limit:], has_more=len(newer) > limit)
    older_than = call.world.need(kind, after, param="starting_after", status=400).number if after else None
    found: list[Record] = []
    for one in records:
        if older_than is None or one.number < older_than:
            found.append(one)
        if len(found) > limit:
            break
    return _list(call, found[:limit], has_more=len(found) > limit)


def listing(kind: str, *equal: str, path: str, **filters: Shape) -> Operation:
    """The operation that lists a kind; `equal` are the filters that compare a field of the same name."""

    def keeps(call: Call, one: Record) -> bool:
        if not within(one.data.get("created", 0), call.get("created")):
            return False
        return all(one.data.get(name) == call.given[name] for name in equal if name in call.given)

    def run(call: Call) -> Doc:
        return page(call, (one for one in call.world.store.all(kind) if keeps(call, one)), kind=kind)

    return Operation("GET", path, run, {**LIST, **filters})


def reading(kind: str, path: str) -> Operation:
    """The operation that reads one object."""
    return Operation("GET", path, lambda call: call.world.need(kind, call.ids[0]))


def within(at: int, period: Any) -> bool:
    """Whether a time lies in the span that a filter says; no filter holds all."""
    if period is None:
        return True
    if isinstance(period, int):
        return at == period
    least = max(period.get("gte", 0), period.get("gt", -1) + 1)
    most = min(period.get("lte", at), period.get("lt", at + 1) - 1)
    return bool(least <= at <= most)


def address(given: Mapping[str, Any] | None, before: Mapping[str, Any] | None = None) -> Doc | None:
    """An address with all its fields, changed in those that were given; None where it is unset."""
    if given is None:
        return None
    return {name: given.get(name, (before or {}).get(name)) for name in ADDRESS_FIELDS}


def _list(call: Call, records: list[Record], *, has_more: bool) -> Doc:
    return {
        "object": "list",
        "data": [one.shown() for one in records],
        "has_more": has_more,
        "url": call.path,
    }

"""The objects of the account, by kind and id, in the order in which they came."""

import itertools
import time
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import orjson

from sandbox.stripe import errors

Doc: TypeAlias = dict[str, Any]
"""An object as Stripe writes it."""

KEPT: Final = 50_000
"""Objects of one kind; the oldest fall out."""


@dataclass(slots=True, eq=False)
class Record:
    """An object and what Stripe knows of it beside what it shows.

    `data` is shown as it is. `more` holds what is shown on demand only, and what is never shown. `clock` is the test
    clock on which the object hangs.
    """

    kind: str
    data: Doc
    more: Doc = field(default_factory=dict)
    clock: str | None = None
    number: int = 0
    deleted: bool = False
    visible_at: float = 0.0

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.data["id"])

    def shown(self) -> Doc:
        """A copy of what Stripe shows."""
        if self.deleted:
            return {"id": self.id, "object": self.data["object"], "deleted": True}
        return copied(self.data)


def copied(data: Doc) -> Doc:
    """Another document that says the same; far quicker by way of JSON, which is all that documents hold."""
    found: Doc = orjson.loads(orjson.dumps(data))
    return found


class Store:
    """All objects of all kinds."""

    def __init__(self) -> None:
        self._kinds: defaultdict[str, OrderedDict[str, Record]] = defaultdict(OrderedDict)
        self._numbers = itertools.count(1)
        self.newest: list[Record] = []
        """What the call under way has made."""

    def add(self, kind: str, data: Doc, *, more: Doc | None = None, clock: str | None = None) -> Record:
        """Keep a new object."""
        record = Record(kind, data, more or {}, clock, next(self._numbers))
        kept = self._kinds[kind]
        kept[record.id] = record
        if len(kept) > KEPT:
            kept.popitem(last=False)
        self.newest.append(record)
        return record

    def get(self, kind: str, identifier: str) -> Record | None:
        """The object, deleted ones too, if it can be seen yet."""
        found = self._kinds[kind].get(identifier)
        return found if found is not None and found.visible_at <= time.time() else None

    def find(self, identifier: str) -> Record | None:
        """The object of that id, of whatever kind."""
        return next((kept[identifier] for kept in self._kinds.values() if identifier in kept), None)

    def need(self, kind: str, identifier: str, *, param: str = "id", status: int = 404, noun: str = "") -> Record:
        """The object.

        Raises:
            Refusal: There is none, or there is none any more.
        """
        found = self.get(kind, identifier)
        if found is None or found.deleted:
            raise errors.no_such(noun or kind.replace("_", " "), identifier, param, status)
        return found

    def all(self, kind: str) -> Iterator[Record]:
        """All of a kind that can be seen, newest first."""
        now = time.time()
        kept = self._kinds[kind]
        return (one for one in reversed(kept.values()) if not one.deleted and one.visible_at <= now)

    def hide(self, record: Record, seconds: float) -> None:
        """Let an object be found only after a while."""
        record.visible_at = time.time() + seconds

    def remove(self, record: Record) -> None:
        """Forget an object."""
        self._kinds[record.kind].pop(record.id, None)

    def clear(self) -> None:
        """Forget all."""
        self._kinds.clear()
        self.newest.clear()

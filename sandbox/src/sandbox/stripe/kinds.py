"""What there is to know of a kind of object: its name in errors, what may be expanded in it, what is searched."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe.store import Doc, Record, Store

OnDemand = Callable[[Store, Record], Any]
"""Makes what is shown only to who asks for it with `expand`."""

ANY = "*"
"""A link to objects of several kinds."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object, registered under the name in its `object`.

    `links` says which places hold an id (or a list of them) and of which kind; a place is its names with dots.
    `on_demand` makes what is left out unless it is expanded. `searched` are the fields of the search language beside
    `created` and `metadata`, and where they stand.
    """

    name: str
    noun: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    on_demand: Mapping[str, OnDemand] = field(default_factory=dict)
    searched: Mapping[str, str] = field(default_factory=dict)

    @property
    def spoken(self) -> str:
        """As it is named in "No such …"."""
        return self.noun or self.name


Kinds = dict[str, Kind]


def sublist(url: str, items: list[Doc]) -> Doc:
    """A list that is part of an object: its first ten, and whether there are more."""
    return {"object": "list", "data": items[:10], "has_more": len(items) > 10, "url": url}

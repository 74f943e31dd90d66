"""The doors of an application, and whom each lets in."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from kit.http.caller import Door

INTERNAL = "/internal"
"""Below this path are doors for our own programs: the gateway leads to none of them."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path, and the doors that its dependencies declare: one, where all is well."""

    method: str
    path: str
    doors: tuple[Door, ...]

    @property
    def internal(self) -> bool:
        """Whether the gateway does not lead here."""
        return self.path.startswith(f"{INTERNAL}/")

    @property
    def door(self) -> Door:
        """The one door.

        Raises:
            ValueError: it declares none, or several.
        """
        if len(self.doors) != 1:
            raise ValueError(f"{self.method} {self.path} declares {len(self.doors)} doors")
        return self.doors[0]


def routes_of(app: FastAPI) -> list[Route]:
    """Every route of an application."""
    found = []
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute):
            doors = tuple(dict.fromkeys(_doors(context.dependant)))
            found += [Route(method, context.path or "", doors) for method in sorted(context.methods or ())]
    return found


def _doors(dependant: Dependant) -> Iterator[Door]:
    """What the dependencies declare; one that is asked by another is not asked by the route."""
    for each in dependant.dependencies:
        door: Any = getattr(each.call, "door", None)
        if isinstance(door, Door):
            yield door
        else:
            yield from _doors(each)

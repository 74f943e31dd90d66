"""What a browser is told of an event: its envelope and its own fields, without the sealed ones."""

from dataclasses import dataclass
from functools import cache
from uuid import UUID

import orjson

from contracts.event import SEALED, Event, rfc3339
from contracts.names import MANAGERS

GAP = b""
"""In place of a fact that could not be read: whoever comes to it must load anew."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One event, ready for the stream of its organization."""

    id: UUID
    organization_id: UUID
    roles: frozenset[str]
    """Who may see it: roles, and users as `mark_of` writes them."""
    body: bytes
    event: Event | None = None
    """What it tells; None for a gap."""


def fact_of(event: Event) -> Fact | None:
    """The event as browsers see it, or None when it is not for them."""
    if event.browsers is None or event.organization_id is None:
        return None
    data = event.__pydantic_serializer__.to_python(event, mode="json", exclude=_kept_back(type(event)))
    body = {
        "id": str(event.id),
        "type": event.type,
        "subject": event.subject_id,
        "time": rfc3339(event.time),
        "version": event.version,
        "data": data,
    }
    return Fact(event.id, event.organization_id, _seen_by(event.browsers, event), orjson.dumps(body), event)


def mark_of(user_id: object) -> str:
    """A user among the roles that may see something."""
    return f"user:{user_id}"


def _seen_by(roles: frozenset[str], event: Event) -> frozenset[str]:
    """The event's roles; of one that not all of them see, those who see everything, and whom it names."""
    if event.listeners is None:
        return roles
    return (roles & MANAGERS) | {mark_of(each) for each in event.listeners}


@cache
def _kept_back(kind: type[Event]) -> set[str]:
    """What is sealed, and whom it is for: each hears it alone."""
    fields = kind.model_fields.items()
    return {"seen_by"} | {
        name
        for name, field in fields
        if isinstance(field.json_schema_extra, dict) and SEALED.items() <= field.json_schema_extra.items()
    }

"""What a browser is told of an event: its envelope and its own fields, without the sealed ones."""

from dataclasses import dataclass
from functools import cache
from uuid import UUID

import orjson

from contracts.event import SEALED, Event, rfc3339

GAP = b""
"""In place of a fact that could not be read: whoever comes to it must load anew."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One event, ready for the stream of its organization."""

    id: UUID
    organization_id: UUID
    roles: frozenset[str]
    body: bytes
    event: Event | None = None
    """What it tells; None for a gap."""


def fact_of(event: Event) -> Fact | None:
    """The event as browsers see it, or None when it is not for them."""
    if event.browsers is None or event.organization_id is None:
        return None
    data = event.__pydantic_serializer__.to_python(event, mode="json", exclude=_sealed(type(event)))
    body = {
        "id": str(event.id),
        "type": event.type,
        "subject": event.subject_id,
        "time": rfc3339(event.time),
        "version": event.version,
        "data": data,
    }
    return Fact(event.id, event.organization_id, event.browsers, orjson.dumps(body), event)


@cache
def _sealed(kind: type[Event]) -> set[str]:
    fields = kind.model_fields.items()
    return {
        name
        for name, field in fields
        if isinstance(field.json_schema_extra, dict) and SEALED.items() <= field.json_schema_extra.items()
    }

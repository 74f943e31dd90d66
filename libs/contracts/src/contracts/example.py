"""One example of each event, always the same, made from what its fields say."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from contracts.event import Event
from contracts.schema import Schema, promise

_TIME = datetime(2026, 1, 15, 9, 30, 0, 250_000, tzinfo=UTC)
_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def example(event: type[Event]) -> Event:
    """An event as a consumer may receive it; a field shows its first example, or a plain value of its kind."""
    ids = (UUID(int=0x019BC1A2_7F00_7000_8000_000000000000 + number) for number in count(1))
    envelope: dict[str, Any] = {"id": next(ids), "time": _TIME, "traceparent": _TRACE}
    if event.audience == "partners" or event.subject == "organization_id":
        envelope["organization_id"] = next(ids)
    schema = promise(event)
    parts = schema.get("$defs", {})
    data = {name: _value(field, parts, ids) for name, field in schema["properties"].items()}
    return event.model_validate({**envelope, **data}, strict=False)


def _value(schema: Schema, parts: Schema, ids: Iterator[UUID]) -> Any:
    """A value that the schema of a field accepts."""
    for keyword in ("examples", "enum"):
        if keyword in schema:
            return schema[keyword][0]
    if "$ref" in schema:
        return _value(parts[schema["$ref"].removeprefix("#/$defs/")], parts, ids)
    if "anyOf" in schema:
        return _value(schema["anyOf"][0], parts, ids)
    return _plain(schema, parts, ids)


def _plain(schema: Schema, parts: Schema, ids: Iterator[UUID]) -> Any:
    """A value of a field that says no more than its type."""
    match schema.get("format", schema.get("type")):
        case "uuid":
            return next(ids)
        case "date-time":
            return _TIME
        case "object":
            return {name: _value(field, parts, ids) for name, field in schema.get("properties", {}).items()}
        case "array":
            return [_value(schema["items"], parts, ids)] if "items" in schema else []
        case "integer" | "number":
            return max(schema.get("minimum", 1), 1)
        case "boolean":
            return True
        case kind:
            raise ValueError(f"a field of type {kind} needs examples")

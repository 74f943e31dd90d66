"""What an event promises, as JSON Schema 2020-12: as its class has it now, and as it was frozen."""

import json
from collections.abc import Iterable, Mapping
from inspect import getdoc
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema

from contracts.event import ENVELOPE, Event, schema_of

FROZEN = Path(__file__).with_name("schemas")

Schema = dict[str, Any]


class _WithoutTitles(GenerateJsonSchema):
    """Leaves out titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never: the name of the field is enough."""
        del schema
        return False

    def generate(self, schema: CoreSchema, mode: Any = "validation") -> JsonSchemaValue:
        """The schema, open to fields that come later, as decoding is."""
        document = super().generate(schema, mode)
        for part in (document, *document.get("$defs", {}).values()):
            if part.get("additionalProperties") is False:
                del part["additionalProperties"]
        return document


def promise(event: type[Event]) -> Schema:
    """The schema of an event's data with the facts of its envelope that may not change."""
    generated = event.model_json_schema(by_alias=False, schema_generator=_WithoutTitles)
    properties = generated.get("properties", {})
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": schema_of(event),
        "title": event.__name__,
        "description": getdoc(event) or "",
        "x-event": {"type": event.type, "subject": event.subject, "audience": event.audience},
        "type": "object",
        "properties": {name: field for name, field in properties.items() if name not in ENVELOPE},
        "required": [name for name in generated.get("required", ()) if name not in ENVELOPE],
    }
    if "$defs" in generated:
        document["$defs"] = generated["$defs"]
    return document


def promises(events: Iterable[type[Event]]) -> dict[str, Schema]:
    """The promise of each event by its type."""
    return {event.type: promise(event) for event in events}


def frozen(folder: Path = FROZEN) -> dict[str, Schema]:
    """The frozen schemas by the type that their file is named after."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))}


def freeze(schemas: Mapping[str, Schema], folder: Path = FROZEN) -> list[str]:
    """Write the schemas that are new or say something new; returns their types."""
    before = frozen(folder)
    changed = [name for name, schema in schemas.items() if before.get(name) != schema]
    for name in changed:
        text = json.dumps(schemas[name], indent=2, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", "utf-8")
    return changed

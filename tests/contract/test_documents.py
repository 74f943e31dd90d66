import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, FormatChecker

from contracts import EVENTS, Event, encode
from contracts.__main__ import documents
from contracts.consumers import CONSUMERS, LISTENERS
from contracts.example import example

ROOT = Path(__file__).parents[2]
OFFICIAL = Path(__file__).with_name("data") / "asyncapi-3.0.0.schema.json"

each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)


@cache
def written() -> Mapping[str, str]:
    """The documents as they are written now, once: there are hundreds of events."""
    return documents()


@cache
def read() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(written()["asyncapi.yaml"])
    return document


@pytest.fixture
def asyncapi() -> dict[str, Any]:
    """The AsyncAPI document as another YAML reader sees it; not to be changed."""
    return read()


def followed(document: dict[str, Any], reference: str) -> Any:
    place: Any = document
    for step in reference.removeprefix("#/").split("/"):
        place = place[step]
    return place


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for part in value.values() for found in references(part)]
    return [found for part in value for found in references(part)] if isinstance(value, list) else []


@pytest.mark.parametrize("name", sorted(written()))
def test_the_committed_documents_are_current(name: str) -> None:
    """Run `python -m contracts docs` after changing an event."""
    assert (ROOT / "docs" / name).read_text("utf-8") == written()[name]


def test_the_asyncapi_document_is_valid_by_the_official_schema(asyncapi: dict[str, Any]) -> None:
    official = Draft7Validator(json.loads(OFFICIAL.read_text("utf-8")), format_checker=FormatChecker())
    assert [f"{list(fault.path)}: {fault.message}" for fault in official.iter_errors(asyncapi)] == []


def test_the_official_schema_does_find_faults(asyncapi: dict[str, Any]) -> None:
    official = Draft7Validator(json.loads(OFFICIAL.read_text("utf-8")))
    damaged = asyncapi | {"operations": {"emit": {"action": "shout", "channel": {"$ref": "#/channels/X"}}}}
    assert not official.is_valid(damaged)


def test_every_reference_of_the_document_leads_somewhere(asyncapi: dict[str, Any]) -> None:
    found = references(asyncapi)
    assert found
    assert all(followed(asyncapi, reference) for reference in found)


@each_event
def test_an_event_has_channel_operation_and_message(event: type[Event], asyncapi: dict[str, Any]) -> None:
    name = event.__name__
    assert asyncapi["channels"][name]["address"] == event.type
    assert asyncapi["operations"][f"emit{name}"]["channel"] == {"$ref": f"#/channels/{name}"}
    assert asyncapi["components"]["messages"][name]["name"] == event.type


@each_event
def test_a_real_message_satisfies_the_payload_that_the_document_states(
    event: type[Event], asyncapi: dict[str, Any]
) -> None:
    payload = asyncapi["components"]["messages"][event.__name__]["payload"]
    stated = Draft7Validator({**asyncapi, **payload}, format_checker=FormatChecker())
    message = json.loads(encode(example(event)))
    stated.validate(message)
    assert not stated.is_valid(message | {"type": "shop.order.placed.v1"})
    assert not stated.is_valid(message | {"data": []})


def test_a_partner_queue_holds_the_events_for_partners_and_no_other(asyncapi: dict[str, Any]) -> None:
    for_partners = {event.__name__ for event in EVENTS if event.audience == "partners"}
    assert set(asyncapi["channels"]["PartnerQueue"]["messages"]) == for_partners


@each_event
def test_an_event_has_its_row_and_its_section_in_the_catalogue(event: type[Event]) -> None:
    text = written()["events.md"]
    assert f"| [`{event.type}`](#{event.__name__.lower()}) |" in text
    section = text.split(f"\n## {event.__name__}\n")[1].split("\n## ")[0]
    assert f"`{event.type}`" in section
    assert all(f"| `{field}` |" in section for field in event.data_fields())
    assert all(hearer in section for hearer in (*CONSUMERS.get(event, ()), *LISTENERS.get(event, ())))
    shown = json.loads(section.split("```json\n")[1].split("```")[0])
    assert shown == json.loads(encode(example(event)))

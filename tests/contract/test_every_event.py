import json
import re
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from inspect import getdoc
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker

from contracts import EVENTS, Event, auth, billing, compliance, decode, encode, generation, inbox, money, publisher
from contracts.compatibility import breaches
from contracts.event import ENVELOPE, TRACEPARENT
from contracts.example import example
from contracts.names import ROLES
from contracts.registry import FOR_BROWSERS
from contracts.schema import frozen, promise, promises

DATA = Path(__file__).with_name("data")
CLOUDEVENT = Draft7Validator(
    json.loads((DATA / "cloudevents-1.0.schema.json").read_text("utf-8")), format_checker=FormatChecker()
)
TELLTALES = re.compile(
    r"(?:^|_)(?:e?mail|phone|names?|text|body|content|message|title|comment|note|token|address|password|secret"
    r"|ur[li]|ip|link|picture|avatar|birthday|latitude|longitude|iban|card)(?:_|$)"
)

each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)

identifiers = st.uuids()
times = st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 31))  # noqa: DTZ001
envelopes = {
    "id": identifiers,
    "time": times,
    "organization_id": identifiers,
    "version": st.integers(1, 2**63 - 1),
    "traceparent": st.none() | st.from_regex(TRACEPARENT.replace("$", r"\Z")),
}


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Any value that the schema of a field allows."""
    if "anyOf" in schema:
        return st.one_of(*map(values, schema["anyOf"]))
    if "patternProperties" in schema:
        [(pattern, inner)] = schema["patternProperties"].items()
        return st.dictionaries(texts(pattern), values(inner), max_size=8)
    if "pattern" in schema:
        return texts(schema["pattern"])
    if schema.get("format") == "date-time":
        return times
    if schema.get("type") == "array":
        return st.lists(values(schema["items"]), max_size=8)
    plain: dict[str, st.SearchStrategy[Any]] = {
        "null": st.none(),
        "boolean": st.booleans(),
        "integer": st.integers(
            schema.get("minimum"), schema.get("maximum", schema.get("exclusiveMaximum", 2**63) - 1)
        ),
        "string": _words(schema),
    }
    return plain[schema["type"]]


def _words(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("format") == "uuid":
        return identifiers
    return st.text(min_size=schema.get("minLength", 0), max_size=schema.get("maxLength"))


def texts(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(re.compile(pattern.replace("$", r"\Z"), re.ASCII))


@cache
def promised(event: type[Event]) -> Draft202012Validator:
    """What judges the data of an event by its promise, made once: it is asked about many."""
    return Draft202012Validator(promise(event), format_checker=FormatChecker())


@cache
def instances(event: type[Event]) -> st.SearchStrategy[Event]:
    """Any event of the class, with and without its optional fields."""
    schema = promise(event)
    fields = {name: values(field) for name, field in schema["properties"].items()}
    required = {name: field for name, field in fields.items() if name in schema["required"]}
    optional = {name: field for name, field in fields.items() if name not in required}
    return st.fixed_dictionaries({**envelopes, **required}, optional=optional).map(event.model_validate)


@each_event
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_every_event_survives_the_wire_as_a_valid_cloudevent(event: type[Event], data: st.DataObject) -> None:
    fact = data.draw(instances(event))
    message = json.loads(encode(fact))
    CLOUDEVENT.validate(message)
    promised(event).validate(message["data"])
    assert decode(encode(fact)) == fact


@each_event
def test_attributes_follow_the_rules_of_the_json_format(event: type[Event]) -> None:
    """Names of lower-case letters and digits, values of the allowed kinds, data as JSON and not as base64."""
    message = json.loads(encode(example(event)))
    attributes = {name: value for name, value in message.items() if name != "data"}
    assert all(re.fullmatch(r"[a-z0-9]{1,20}", name) for name in attributes)
    assert all(isinstance(value, str) or type(value) is int for value in attributes.values())
    assert "data_base64" not in message
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", message["time"])


BESIDE: Final = {"billing": "contracts.money"}
"""Where what a service says of one field has a module beside its own."""


@each_event
def test_class_type_and_emitter_carry_one_name(event: type[Event]) -> None:
    """`MemberRoleChanged` is `auth.member.role_changed.v1`, in the module of its service.

    What several services say alike begins with the service: `AuthErasureAnswered`.
    """
    service, noun, happened, version = event.type.split(".")
    assert event.__module__ in {f"contracts.{service}", BESIDE.get(service)}
    assert version == "v1"
    spoken = "".join(part.title() for part in f"{noun}_{happened}".split("_"))
    assert event.__name__ in {spoken, spoken.replace("Session", "Sessions"), service.title() + spoken}


@each_event
def test_the_subject_is_an_id_that_is_always_there(event: type[Event]) -> None:
    assert event.subject == "organization_id" or event.model_fields[event.subject].is_required()
    assert UUID(example(event).subject_id)


@each_event
def test_every_event_and_every_field_is_explained(event: type[Event]) -> None:
    schema = promise(event)
    assert schema["description"].endswith(".")
    assert schema["description"] != getdoc(Event)
    assert all(field["description"].endswith(".") for field in schema["properties"].values())


def telltale(event: type[Event]) -> set[str]:
    """Fields whose name smells of personal data or secrets, that are no ids of ours and not marked as sealed."""
    return {
        name
        for name, field in promise(event)["properties"].items()
        if TELLTALES.search(name) and field.get("format") != "uuid" and not field.get("x-sealed")
    }


@each_event
def test_no_event_carries_personal_data_or_secrets_in_the_clear(event: type[Event]) -> None:
    assert telltale(event) == set()


def test_the_nose_for_personal_data_works() -> None:
    from pydantic import Field

    from contracts.event import SEALED

    class Told(Event):
        """Somebody told something."""

        type = "shop.story.told.v1"
        subject = "organization_id"
        audience = "internal"

        contact_email: str
        sealed_text: str = Field(json_schema_extra=SEALED)
        created_by: UUID

    assert telltale(Told) == {"contact_email"}


@each_event
def test_an_event_travels_thinly(event: type[Event]) -> None:
    assert len(encode(example(event))) < 1024


@each_event
def test_every_event_is_frozen_as_it_is(event: type[Event]) -> None:
    """Run `python -m contracts freeze` after adding an event or an optional field."""
    assert frozen()[event.type] == promise(event)


def test_nothing_that_was_frozen_is_broken() -> None:
    assert breaches(frozen(), promises(EVENTS)) == []


def test_the_frozen_schemas_are_schemas_and_travel_with_the_package() -> None:
    shipped = {path.name for path in (files("contracts") / "schemas").iterdir()}
    assert shipped == {f"{event.type}.json" for event in EVENTS}
    for schema in frozen().values():
        Draft202012Validator.check_schema(schema)


def test_every_event_class_there_is_stands_in_the_registry_once() -> None:
    def is_event(value: object) -> bool:
        return isinstance(value, type) and issubclass(value, Event) and hasattr(value, "type")

    modules = (auth, billing, compliance, generation, inbox, money, publisher)
    written = [value for module in modules for value in vars(module).values() if is_event(value)]
    assert sorted(EVENTS, key=lambda event: event.type) == sorted(written, key=lambda event: event.type)
    assert len({event.type for event in EVENTS}) == len(EVENTS)


@each_event
def test_no_field_hides_an_attribute_of_the_envelope(event: type[Event]) -> None:
    taken = {"specversion", "source", "datacontenttype", "dataschema", "organization", "data", *ENVELOPE}
    assert taken.isdisjoint(event.data_fields())


@each_event
def test_browsers_are_told_of_facts_by_roles_that_exist(event: type[Event]) -> None:
    if event.browsers is not None:
        assert event.browsers
        assert event.browsers <= set(ROLES)


def test_facts_about_accounts_and_sessions_stay_away_from_browsers() -> None:
    private = (auth.UserRegistered, auth.UserVerified, auth.SessionsRevoked)
    assert not set(private) & set(FOR_BROWSERS)

import copy
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from contracts.compatibility import breaches
from contracts.event import Audience, Event
from contracts.schema import Schema, promise


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Line(BaseModel):
    article: UUID
    quantity: int = Field(ge=1, le=99)


class OrderPlaced(Event):
    """An order was placed."""

    type: ClassVar[str] = "shop.order.placed.v1"
    subject: ClassVar[str] = "order_id"
    audience: ClassVar[Audience] = "partners"

    order_id: UUID
    amount: int = Field(ge=0, lt=1000)
    code: str = Field(min_length=2, max_length=8, pattern="^[a-z]+$")
    size: Size
    due_at: datetime
    lines: list[Line] = Field(min_length=1, max_length=9)
    limits: dict[Annotated[str, Field(pattern="^[a-z]+$")], int]
    weights: dict[str, float]
    either: int | str
    rebate: int | None = None
    remark: str = "none"


NAME = OrderPlaced.type
PROMISED = promise(OrderPlaced)
Mutation = Callable[[Schema], object]


def broken_by(mutation: Mutation) -> list[str]:
    changed = copy.deepcopy(PROMISED)
    mutation(changed)
    return breaches({NAME: PROMISED}, {NAME: changed})


def field(name: str, **changes: Any) -> Mutation:
    """Replace keywords of one field; `...` takes one away."""

    def mutate(schema: Schema) -> None:
        replaced = schema["properties"][name] | changes
        schema["properties"][name] = {word: value for word, value in replaced.items() if value is not ...}

    return mutate


def part(name: str, inner: str, **changes: Any) -> Mutation:
    return lambda schema: schema["$defs"][name]["properties"][inner].update(changes)


def test_an_unchanged_event_breaks_nothing() -> None:
    assert breaches({NAME: PROMISED}, {NAME: copy.deepcopy(PROMISED)}) == []


def test_a_new_event_breaks_nothing() -> None:
    assert breaches({}, {NAME: PROMISED}) == []


def test_an_event_that_vanished_is_named() -> None:
    assert breaches({NAME: PROMISED}, {}) == [f"{NAME}: the event vanished"]


@pytest.mark.parametrize(
    ("mutation", "words"),
    [
        (lambda s: s["x-event"].update(type="shop.order.made.v1"), "the type changed from shop.order.placed.v1"),
        (lambda s: s["x-event"].update(subject="code"), "the subject changed from order_id to code"),
        (lambda s: s["x-event"].update(audience="internal"), "the audience was narrowed from partners to internal"),
        (lambda s: s["properties"].pop("code"), "data.code was removed"),
        (field("amount", type="string"), "data.amount changed its type from integer to string"),
        (lambda s: s["required"].append("rebate"), "data.rebate became required"),
        (lambda s: s["required"].remove("code"), "data.code became optional"),
        (field("amount", minimum=1), "data.amount was narrowed (minimum 0 → 1)"),
        (field("amount", minimum=...), "data.amount was widened beyond what earlier consumers take"),
        (field("amount", exclusiveMaximum=999), "data.amount was narrowed (exclusiveMaximum 1000 → 999)"),
        (field("amount", exclusiveMaximum=1001), "data.amount was widened"),
        (field("amount", maximum=5), "data.amount was narrowed (maximum none → 5)"),
        (field("amount", multipleOf=5), "data.amount changed its multipleOf from None to 5"),
        (field("code", minLength=3), "data.code was narrowed (minLength 2 → 3)"),
        (field("code", maxLength=7), "data.code was narrowed (maxLength 8 → 7)"),
        (field("code", pattern="^[a-f]+$"), "data.code changed its pattern from '^[a-z]+$' to '^[a-f]+$'"),
        (field("code", enum=["ab"]), "data.code is an enumeration now"),
        (field("due_at", format="date"), "data.due_at changed its format from 'date-time' to 'date'"),
        (field("order_id", format=...), "data.order_id changed its format from 'uuid' to None"),
        (field("lines", minItems=2), "data.lines was narrowed (minItems 1 → 2)"),
        (field("lines", maxItems=8), "data.lines was narrowed (maxItems 9 → 8)"),
        (field("lines", items={"type": "string"}), "data.lines[] changed its type from object to string"),
        (lambda s: s["$defs"]["Size"]["enum"].remove("large"), "data.size lost the value 'large'"),
        (lambda s: s["$defs"]["Size"]["enum"].append("huge"), "data.size gained the value 'huge'"),
        (lambda s: s["$defs"]["Size"].pop("enum"), "data.size is no enumeration any more"),
        (part("Line", "quantity", maximum=50), "data.lines[].quantity was narrowed (maximum 99 → 50)"),
        (lambda s: s["$defs"]["Line"]["properties"].pop("article"), "data.lines[].article was removed"),
        (lambda s: s["$defs"]["Line"]["required"].remove("article"), "data.lines[].article became optional"),
        (field("limits", patternProperties={"^x$": {"type": "integer"}}), "data.limits changed the pattern"),
        (
            field("limits", patternProperties={"^[a-z]+$": {"type": "string"}}),
            "data.limits{} changed its type from integer to string",
        ),
        (
            field("weights", additionalProperties={"type": "string"}),
            "data.weights{} changed its type from number to string",
        ),
        (field("weights", additionalProperties=False), "data.weights changed its additionalProperties"),
        (
            field("either", anyOf=[{"type": "integer"}, {"type": "boolean"}]),
            "data.either|2 changed its type from string to boolean",
        ),
        (
            field("either", anyOf=[{"type": "integer"}, {"type": "string"}, {"type": "boolean"}]),
            "data.either changed its alternatives",
        ),
        (field("rebate", anyOf=[{"type": "integer"}]), "data.rebate may no longer be null"),
        (field("rebate", anyOf=..., type="integer"), "data.rebate may no longer be null"),
        (
            field("code", type=..., pattern=..., anyOf=[{"type": "string", "pattern": "^[a-z]+$"}, {"type": "null"}]),
            "data.code may be null now",
        ),
        (field("remark", default="some"), "data.remark changed its default from 'none' to 'some'"),
        (field("remark", **{"x-sealed": True}), "data.remark changed its x-sealed"),
    ],
)
def test_each_kind_of_breach_is_named_with_its_place(mutation: Mutation, words: str) -> None:
    """One change, one breach, in words that a reader of the change understands."""
    [breach] = broken_by(mutation)
    assert breach.startswith(f"{NAME}: {words}")


def test_a_new_field_that_is_required_is_named() -> None:
    def mutate(schema: Schema) -> None:
        schema["properties"]["colour"] = {"type": "string"}
        schema["required"].append("colour")

    assert broken_by(mutate) == [f"{NAME}: data.colour is new and required"]


def test_every_breach_is_named_and_not_only_the_first() -> None:
    def mutate(schema: Schema) -> None:
        del schema["properties"]["code"]
        schema["properties"]["amount"]["type"] = "string"
        schema["x-event"]["subject"] = "code"

    assert len(broken_by(mutate)) == 3


def test_words_about_a_field_may_change() -> None:
    assert broken_by(field("amount", description="Now explained.", examples=[3], title="Amount")) == []


def test_an_internal_event_may_be_opened_to_partners() -> None:
    internal = copy.deepcopy(PROMISED)
    internal["x-event"]["audience"] = "internal"
    assert breaches({NAME: internal}, {NAME: PROMISED}) == []


def test_a_part_that_only_got_another_name_is_the_same() -> None:
    def mutate(schema: Schema) -> None:
        schema["$defs"]["Row"] = schema["$defs"].pop("Line")
        schema["properties"]["lines"]["items"] = {"$ref": "#/$defs/Row"}

    assert broken_by(mutate) == []


class Branch(BaseModel):
    length: int
    branches: list["Branch"] = []


class TreeGrown(Event):
    """A tree grew."""

    type: ClassVar[str] = "shop.tree.grown.v1"
    subject: ClassVar[str] = "tree_id"
    audience: ClassVar[Audience] = "internal"

    tree_id: UUID
    trunk: Branch


def test_a_schema_that_contains_itself_is_compared_once() -> None:
    old = promise(TreeGrown)
    new = copy.deepcopy(old)
    new["$defs"]["Branch"]["properties"]["length"]["type"] = "string"
    [breach] = breaches({"t": old}, {"t": new})
    assert breach == "t: data.trunk.length changed its type from integer to string"


fields = st.sampled_from(
    [
        {"type": "string"},
        {"type": "integer", "minimum": 3},
        {"type": "boolean", "default": False},
        {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}], "default": None},
        {"type": "array", "items": {"$ref": "#/$defs/Line"}},
        {"$ref": "#/$defs/Size"},
    ]
)
additions = st.dictionaries(st.from_regex(r"\Anew_[a-z]{1,8}\Z"), fields, min_size=1, max_size=5)


@settings(deadline=None)
@given(to_the_event=additions, to_a_part=additions)
def test_adding_optional_fields_never_breaks_anything(
    to_the_event: dict[str, Schema], to_a_part: dict[str, Schema]
) -> None:
    def mutate(schema: Schema) -> None:
        schema["properties"].update(to_the_event)
        schema["$defs"]["Line"]["properties"].update(to_a_part)

    assert broken_by(mutate) == []


@settings(deadline=None)
@given(removed=st.sets(st.sampled_from(sorted(PROMISED["properties"])), min_size=1))
def test_each_removed_field_is_named_whatever_else_is_removed(removed: set[str]) -> None:
    def mutate(schema: Schema) -> None:
        for name in removed:
            del schema["properties"][name]

    assert set(broken_by(mutate)) == {f"{NAME}: data.{name} was removed" for name in removed}

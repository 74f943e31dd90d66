"""Attributes: defined once, with values that suit them, sealed where they are about the contact."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.attributes.errors import ValueRefused
from inbox.attributes.model import Attribute, Type, Value
from kit.clock import SystemClock
from kit.ids import new_id
from kit.privacy.person import Person

from .house import House
from .lives import Asking


def of_type(kind: Type, *choices: str) -> Attribute:
    return Attribute(new_id(), "conversation", "key", "Name", kind, choices, False, 1, SystemClock().now())


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("text", "words", "words"),
        ("number", 3, 3),
        ("number", -2.5, -2.5),
        ("number", 1e15, 1e15),
        ("date", "2026-11-30", "2026-11-30"),
        ("list", "red", "red"),
        ("checkbox", True, True),
        ("checkbox", False, False),
        ("link", "https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
    ],
)
def test_a_value_is_shown_as_it_was_given(kind: Type, value: Value, shown: Value) -> None:
    attribute = of_type(kind, *(["red", "blue"] if kind == "list" else []))
    assert attribute.read(attribute.written(value)) == shown


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", ""),
        ("text", "x" * 1001),
        ("text", "a\0b"),
        ("text", 3),
        ("number", "3"),
        ("number", True),
        ("number", float("nan")),
        ("number", float("inf")),
        ("number", 1e16),
        ("date", "2026-02-30"),
        ("date", "20261130"),
        ("date", "2026-W01-1"),
        ("list", "green"),
        ("checkbox", "true"),
        ("checkbox", 1),
        ("link", "javascript:alert(1)"),
        ("link", "https://user@example.com"),
        ("link", "https://"),
        ("link", "https://exa mple.com"),
        ("link", "//example.com"),
    ],
)
def test_a_value_that_is_none_is_refused_at_its_place(kind: Type, value: Value) -> None:
    with pytest.raises(ValueRefused) as refused:
        of_type(kind, *(["red"] if kind == "list" else [])).written(value)
    assert refused.value.errors[0].pointer == "#/values/key"


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_a_number_comes_back_as_it_was(number: float) -> None:
    attribute = of_type("number")
    assert attribute.read(attribute.written(number)) == number


async def made(house: House, key: str, kind: Type, by: UUID | None = None, **more: Any) -> dict[str, Any]:
    body = {"key": key, "name": key.title(), "type": kind, **more}
    answer = await house.ask("POST", "/v1/attributes", by=by, json=body)
    assert answer.status_code == 201, answer.text
    attribute: dict[str, Any] = answer.json()
    return attribute


async def test_values_are_set_shown_sealed_and_used_in_texts(house: House) -> None:
    conversation = await house.open_conversation()
    await made(house, "order", "number")
    await made(house, "diagnosis", "text", personal=True)
    await made(house, "colour", "list", choices=["red", "blue"])
    path = f"/v1/conversations/{conversation['id']}/attributes"
    values = {"order": 4711, "diagnosis": "a secret of theirs", "colour": "red"}
    answer = await house.ask("PATCH", path, role="agent", json={"values": values})
    assert answer.json() == {"values": values}
    assert (await house.ask("PATCH", path, json={"values": {"order": None}})).json()["values"] == {
        "diagnosis": "a secret of theirs",
        "colour": "red",
    }
    assert await house.get(path) == {"values": {"diagnosis": "a secret of theirs", "colour": "red"}}
    rows = await house.rows("SELECT v::text AS text FROM conversation_attributes AS v")
    assert not [row for row in rows if "secret" in row["text"]]
    assert (await house.conversation())["version"] == conversation["version"] + 2
    text = "{{conversation.attributes.diagnosis}} {{conversation.attributes.order|none}}"
    body = {"text": text, "conversation_id": conversation["id"]}
    shown = await house.ask("POST", "/v1/variables/preview", json=body)
    assert shown.json() == {"text": "a secret of theirs none", "missing": []}
    for wrong in ({"order": "x"}, {"colour": "green"}, {"unknown": 1}, {"order": 1, "colour": "green"}):
        refused = await house.ask("PATCH", path, json={"values": wrong})
        assert refused.status_code == 422, wrong
        assert refused.json()["errors"][0]["pointer"] == f"#/values/{list(wrong)[-1]}"
    assert "order" not in (await house.get(path))["values"], "all or none"


async def test_conversations_are_listed_by_values_that_are_shown_with_them(house: House) -> None:
    """Numbers and days in their order, the rest as they are; another organization's and personal ones not at all."""
    await house.connected()
    for person in ("16505550001", "16505550002", "16505550003"):
        await house.say("Hello", person=person, name=person)
    await house.reduce()
    found = {each["contact_name"][-1]: each["id"] for each in (await house.get("/v1/conversations"))["items"]}
    kinds: dict[str, Type] = {"amount": "number", "due": "date", "plan": "text", "vip": "checkbox", "page": "link"}
    for key, kind in kinds.items():
        await made(house, key, kind)
    await made(house, "colour", "list", choices=["red", "blue"])
    await made(house, "secret", "text", personal=True)
    long = "https://example.com/" + "x" * 1500
    values: dict[str, dict[str, Any]] = {
        "1": {"amount": 9, "due": "2026-01-31", "plan": "gold", "vip": True, "colour": "red", "page": long + "1"},
        "2": {"amount": 10.5, "due": "2026-02-01", "plan": "gold: more", "vip": False, "page": long + "2"},
        "3": {"amount": -100, "secret": "theirs"},
    }
    for which, told in values.items():
        path = f"/v1/conversations/{found[which]}/attributes"
        assert (await house.ask("PATCH", path, json={"values": told})).status_code == 200
        assert (await house.get(f"/v1/conversations/{found[which]}"))["attributes"] == told
    shown = {each["id"]: each["attributes"] for each in (await house.get("/v1/conversations"))["items"]}
    assert shown == {found[which]: told for which, told in values.items()}

    async def listed(*wanted: str) -> str:
        answer = await house.ask("GET", "/v1/conversations", params={"attribute": list(wanted)})
        assert answer.status_code == 200, answer.text
        names = {value: key for key, value in found.items()}
        return "".join(sorted(names[each["id"]] for each in answer.json()["items"]))

    for wanted, expected in (
        ("amount:is:9.0", "1"),
        ("amount:from:9", "12"),
        ("amount:to:10", "13"),
        ("due:from:2026-02-01", "2"),
        ("due:to:2026-01-31", "1"),
        ("plan:is:gold", "1"),
        ("plan:is:gold: more", "2"),
        ("vip:is:false", "2"),
        ("colour:is:red", "1"),
        (f"page:is:{long}2", "2"),
        ("colour:is:blue", ""),
    ):
        assert await listed(wanted) == expected, wanted
    assert await listed("amount:from:9", "amount:to:10", "plan:is:gold") == "1"
    for wrong in (
        "secret:is:theirs",
        "nothing:is:1",
        "plan:from:a",
        "amount:is:x",
        "due:is:soon",
        "plan",
        "amount:is:nan",
    ):
        answer = await house.ask("GET", "/v1/conversations", params={"attribute": wrong})
        assert answer.status_code == 422, wrong
    assert (await house.ask("PATCH", path, json={"values": {"amount": None}})).status_code == 200
    assert await listed("amount:to:10") == "1"


async def test_an_attribute_is_defined_once_changed_and_deleted(house: House) -> None:
    conversation, other = await house.open_conversation(), new_id()
    colour = await made(house, "colour", "list", choices=["red", "blue"])
    await made(house, "colour", "text", applies_to="contact")
    await made(house, "colour", "text", by=other)
    again = await house.ask("POST", "/v1/attributes", json={"key": "colour", "name": "x", "type": "text"})
    assert again.status_code == 409
    for wrong in (
        {"key": "a", "name": "A", "type": "list"},
        {"key": "a", "name": "A", "type": "text", "choices": ["x"]},
        {"key": "a", "name": "A", "type": "list", "choices": ["x", "x"]},
        {"key": "A b", "name": "A", "type": "text"},
        {"key": "a", "name": "A", "type": "secret"},
    ):
        assert (await house.ask("POST", "/v1/attributes", json=wrong)).status_code == 422, wrong
    assert (await house.ask("POST", "/v1/attributes", role="agent", json={})).status_code == 403
    path, tag = f"/v1/attributes/{colour['id']}", {"if-match": '"v1"'}
    values = f"/v1/conversations/{conversation['id']}/attributes"
    assert (await house.ask("PATCH", values, json={"values": {"colour": "red"}})).status_code == 200
    changed = await house.ask("PATCH", path, json={"choices": ["green"]}, headers=tag)
    assert (changed.json()["choices"], changed.headers["etag"]) == (["green"], '"v2"')
    assert (await house.ask("PATCH", path, json={"name": "late"}, headers=tag)).status_code == 412
    assert (await house.get(values))["values"] == {"colour": "red"}, "what was chosen before stays"
    assert (await house.ask("DELETE", path, by=other)).status_code == 404
    assert (await house.ask("PATCH", values, by=other, json={"values": {"colour": "x"}})).status_code == 404
    assert (await house.ask("DELETE", path)).status_code == 204
    assert (await house.get(values))["values"] == {}
    while await house.parts.attribute_sweeping.run():
        pass
    assert await house.count("SELECT count(*) FROM conversation_attributes") == 0
    kept = await house.get("/v1/attributes")
    assert [(each["key"], each["applies_to"]) for each in kept["items"]] == [("colour", "contact")]


async def test_values_of_a_forgotten_contact_go(house: House) -> None:
    conversation, asking = await house.open_conversation(), Asking(house)
    await made(house, "order", "number")
    path = f"/v1/conversations/{conversation['id']}/attributes"
    assert (await house.ask("PATCH", path, json={"values": {"order": 1}})).status_code == 200
    person = Person("contact", UUID(conversation["contact_id"]), house.organization_id)
    await asking.erasure(person, "anonymise")
    await asking.work()
    assert await house.get(path) == {"values": {}}

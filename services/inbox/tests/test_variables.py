"""Texts with places for values: what may stand in them, what may not, and that a value stays in its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inbox.variables.catalogue import VARIABLES
from inbox.variables.errors import VariableMalformed, VariableUnknown
from inbox.variables.rendering import LONGEST_VALUE, parsed, plain
from kit.ids import new_id

from .house import House


@pytest.mark.parametrize(
    ("source", "said", "missing"),
    [
        ("Hello {{contact.name}}!", "Hello Sheena!", ()),
        ("Hello {{ contact.name | there }}!", "Hello Sheena!", ()),
        ("Hello {{contact.email|friend}}!", "Hello friend!", ()),
        ("Hello {{contact.email|}}!", "Hello !", ()),
        ("Hello {{contact.email}}!", "Hello !", ("contact.email",)),
        ("{{contact.email}} {{contact.email}}", " ", ("contact.email",)),
        ("{single} } braces }}", "{single} } braces }}", ()),
        ("", "", ()),
    ],
)
def test_a_place_is_filled_or_says_what_stands_there_instead(
    source: str, said: str, missing: tuple[str, ...]
) -> None:
    filled = parsed(source, VARIABLES).filled({"contact.name": "Sheena"})
    assert (filled.text, filled.missing) == (said, missing)


@pytest.mark.parametrize(
    "source",
    [
        "{{contact.name",
        "{{}}",
        "{{name}}",
        "{{contact..name}}",
        "{{Contact.Name}}",
        "{{contact.name|{{agent.name}}}}",
        "{{{contact.name}}}",
        "{{contact.name}}" * 51,
        "{{contact.name|" + "x" * 201 + "}}",
    ],
)
def test_what_is_no_place_is_refused_when_it_is_saved(source: str) -> None:
    with pytest.raises(VariableMalformed):
        parsed(source, VARIABLES)


def test_a_variable_that_there_is_not_is_refused_by_its_name() -> None:
    with pytest.raises(VariableUnknown) as refused:
        parsed("{{contact.shoe_size}}", VARIABLES, "#/actions/3/text")
    (error,) = refused.value.errors
    assert error.pointer == "#/actions/3/text"
    assert "contact.shoe_size" in error.detail


@given(st.text(), st.text())
def test_a_value_never_leaves_its_place_whatever_it_is(name: str, mail: str) -> None:
    text = parsed("a {{contact.name|nobody}} b {{contact.email|none}} c", VARIABLES)
    filled = text.filled({"contact.name": name, "contact.email": mail})
    assert filled.text == f"a {plain(name) or 'nobody'} b {plain(mail) or 'none'} c"
    assert not set(plain(name)) & set("\n\r\t\0\u202e\u2028\x1b")
    assert len(plain(name)) <= LONGEST_VALUE


def test_a_name_that_looks_like_a_variable_is_just_a_name() -> None:
    filled = parsed("Hello {{contact.name}}", VARIABLES).filled(
        {"contact.name": "{{agent.name}}\nSecond line", "agent.name": "Robin"}
    )
    assert filled.text == "Hello {{agent.name}} Second line"


async def test_a_text_is_shown_as_it_will_be_in_a_conversation_and_with_samples(house: House) -> None:
    conversation = await house.open_conversation()
    agent, text = str(new_id()), "{{contact.first_name}} {{contact.phone}} {{agent.name}} {{conversation.channel}}"

    async def preview(**more: str) -> dict[str, object]:
        token = house.issuer.token(house.database.clock.now(), house.organization_id, "agent", sub=agent)
        answer = await house.client.post(
            "/v1/variables/preview", json={"text": text, **more}, headers={"authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 200, answer.text
        shown: dict[str, object] = answer.json()
        return shown

    assert await preview() == {"text": "Sheena +16505551234 Robin whatsapp", "missing": []}
    shown = await preview(conversation_id=conversation["id"])
    assert shown == {"text": "Sheena +16505551234  whatsapp", "missing": ["agent.name"]}
    token = house.issuer.token(house.database.clock.now(), house.organization_id, "agent", sub=agent)
    headers = {"authorization": f"Bearer {token}"}
    for name in ("Robin", "Robyn"):
        answer = await house.client.put("/v1/signature", json={"name": name}, headers=headers)
        assert answer.json() == {"name": name}
    assert (await house.client.get("/v1/signature", headers=headers)).json() == {"name": "Robyn"}
    assert (await preview(conversation_id=conversation["id"]))["text"] == "Sheena +16505551234 Robyn whatsapp"
    names = {each["name"] for each in (await house.get("/v1/variables"))["items"]}
    assert names >= set(VARIABLES)


async def test_another_organizations_conversation_shows_nothing(house: House) -> None:
    conversation = await house.open_conversation()
    body = {"text": "{{contact.name}}", "conversation_id": conversation["id"]}
    answer = await house.ask("POST", "/v1/variables/preview", by=new_id(), json=body)
    assert (answer.status_code, "Sheena" in answer.text) == (404, False)
    assert (await house.ask("POST", "/v1/variables/preview", json={"text": "{{x.y}}"})).status_code == 422

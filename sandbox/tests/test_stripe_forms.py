import contextlib
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe._encode import _api_encode

from sandbox.stripe.cards import CARDS, is_number
from sandbox.stripe.errors import Refusal
from sandbox.stripe.form import read_form
from sandbox.stripe.params import Choice, Flag, Hash, Integer, List, Map, Metadata, Number, Text, noted, read_fields
from sandbox.stripe.world import difference

NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8)
VALUES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=20)
TREES = st.recursive(
    VALUES,
    lambda below: st.dictionaries(NAMES, below, min_size=1, max_size=3) | st.lists(below, min_size=1, max_size=3),
    max_leaves=12,
)


def numbered(tree: Any) -> Any:
    """Lists as a form shows them before a shape reads them."""
    if isinstance(tree, list):
        return {str(i): numbered(one) for i, one in enumerate(tree)}
    return {name: numbered(one) for name, one in tree.items()} if isinstance(tree, dict) else tree


@given(st.dictionaries(NAMES, TREES, max_size=4))
def test_what_the_sdk_writes_is_read_as_it_was_meant(tree: dict[str, Any]) -> None:
    form = urlencode(list(_api_encode(tree)))
    assert read_form(form) == numbered(tree)


@given(st.text(max_size=200))
def test_any_text_is_a_form_or_is_refused(text: str) -> None:
    for form in (text, quote_plus(text, safe="[]=&%")):
        with contextlib.suppress(Refusal):
            read_form(form)


@pytest.mark.parametrize(
    "form", ["a[b]=1&a=2", "a=1&a[b]=2", "a[=1", "a]=1", "[a]=1", "a%00=1", "a=%FF", "a[b][c]=1&a[b]=2"]
)
def test_a_form_that_contradicts_itself_is_refused(form: str) -> None:
    with pytest.raises(Refusal):
        read_form(form)


SHAPE = {
    "flag": Flag(),
    "items": List(Hash(price=Text(required=True), quantity=Integer(least=0)), most=3),
    "kind": Choice("one", "two"),
    "name": Text(5),
    "notes": Metadata(),
    "options": Map(Integer()),
    "percent": Number(places=2),
}


@pytest.mark.parametrize(
    ("form", "meant"),
    [
        ("flag=true&kind=two&name=", {"flag": True, "kind": "two", "name": None}),
        (
            "items[1][price]=b&items[0][price]=a&items[0][quantity]=2",
            {"items": [{"price": "a", "quantity": 2}, {"price": "b"}]},
        ),
        ("options[eur]=5&options[usd]=-6", {"options": {"eur": 5, "usd": -6}}),
        ("notes[a]=&notes[b]=x", {"notes": {"a": "", "b": "x"}}),
        ("notes=", {"notes": None}),
    ],
)
def test_a_shape_reads_what_a_form_means(form: str, meant: dict[str, Any]) -> None:
    assert read_fields(SHAPE, read_form(form)) == meant


@pytest.mark.parametrize(
    ("form", "param", "said"),
    [
        ("flag=yes", "flag", "Invalid boolean: yes"),
        ("items[0][quantity]=1", "items[0][price]", "Missing required param: items[0][price]."),
        ("items[0][price]=", "items[0][price]", "You passed an empty string"),
        ("items[0][price]=a&items[0][cost]=1", "items[0][cost]", "Received unknown parameter: items[0][cost]"),
        ("items[x][price]=a", "items", "Invalid array"),
        ("items=a", "items", "Invalid array"),
        ("kind=three", "kind", "Invalid kind: must be one of one, or two"),
        ("nam=x", "nam", "Received unknown parameter: nam. Did you mean name?"),
        ("a=1&b=2", "a", "Received unknown parameters: a, b"),
        ("name=abcdef", "name", "Invalid string"),
        ("name[a]=b", "name", "Invalid string"),
        ("options[eur]=1.0", "options[eur]", "Invalid integer: 1.0"),
        ("percent=1.001", "percent", "Invalid decimal"),
        ("percent=NaN", "percent", "Invalid decimal"),
        ("notes[" + "k" * 41 + "]=x", "notes", "Metadata keys"),
    ],
)
def test_what_does_not_fit_is_refused_where_it_stands(form: str, param: str, said: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_fields(SHAPE, read_form(form))
    assert (refused.value.param, str(refused.value).startswith(said)) == (param, True)


def test_notes_are_merged_and_what_changed_is_told_as_it_was() -> None:
    assert noted({"a": "1", "b": "2"}, {"a": "", "c": "3"}) == {"b": "2", "c": "3"}
    assert noted({"a": "1"}, None) == {}
    before = {"name": "A", "notes": {"a": "1"}, "items": [1], "same": 0}
    after = {"name": "B", "notes": {"a": "1", "b": "2"}, "items": [2], "same": 0, "new": 1}
    assert difference(before, after) == {"name": "A", "notes": {"b": None}, "items": [1], "new": None}


def test_every_test_card_has_a_number_of_its_own() -> None:
    assert all(is_number(card.number) for card in CARDS)
    assert len({card.number for card in CARDS}) == len({card.name for card in CARDS}) == len(CARDS)
    assert not is_number("4242424242424241")

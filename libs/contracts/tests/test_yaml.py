from typing import Any

import pytest
import yaml as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.yaml import dump

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(deadline=None)
@given(values)
def test_what_is_written_is_read_back_by_another_reader(value: Any) -> None:
    assert reference.safe_load(dump(value)) == value


@pytest.mark.parametrize(
    "text", ["no", "NULL", "1e3", "012", "2026-01-01", "a: b", "- a", "#", "", "~", "'", "é\n", "="]
)
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    assert reference.safe_load(dump({text: [text]})) == {text: [text]}


def test_values_stand_in_blocks_with_one_per_line() -> None:
    assert dump({"a": {"b": [1, {"c": "x y", "d": []}]}, "e": {}}) == (
        'a:\n  b:\n    - 1\n    - c: "x y"\n      d: []\ne: {}\n'
    )

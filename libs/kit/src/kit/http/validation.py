"""Validation errors told in our own words: where and what, never the value that came in."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError

from kit.errors import FieldError

_SAFE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_WORDS = {
    "missing": "This is required.",
    "extra_forbidden": "This is not known here.",
    "string_type": "This must be a text.",
    "string_pattern_mismatch": "This does not have the right form.",
    "uuid_parsing": "This must be a UUID.",
    "uuid_type": "This must be a UUID.",
    "uuid_version": "This must be a UUID of the right version.",
    "model_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
    "dict_type": "This must be an object.",
    "list_type": "This must be a list.",
    "int_type": "This must be a whole number.",
    "int_parsing": "This must be a whole number.",
    "int_parsing_size": "This number is too large.",
    "int_from_float": "This must be a whole number.",
    "bool_type": "This must be true or false.",
    "bool_parsing": "This must be true or false.",
    "datetime_parsing": "This must be a date and time (RFC 3339).",
    "datetime_from_date_parsing": "This must be a date and time (RFC 3339).",
    "datetime_object_invalid": "This must be a date and time (RFC 3339).",
    "datetime_type": "This must be a date and time (RFC 3339).",
    "timezone_aware": "This time must say its offset from UTC.",
    "url_parsing": "This must be a URL.",
    "union_tag_invalid": "This kind is not known.",
    "union_tag_not_found": "The kind is missing.",
}
# Pydantic's own words for these hold our bounds and choices, not the caller's value.
_THEIRS = frozenset(
    {
        *("greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of", "finite_number"),
        *("enum", "literal_error", "string_too_short", "string_too_long", "too_short", "too_long"),
        *("date_parsing", "date_type", "time_parsing", "decimal_parsing", "decimal_max_digits", "float_parsing"),
        *("float_type", "decimal_type", "date_from_datetime_parsing", "time_type", "url_scheme", "none_required"),
    }
)


def field_errors(error: RequestValidationError) -> list[FieldError]:
    """Each thing that is wrong with a request."""
    return [FieldError(_place(item["loc"], error.body), _words(item)) for item in error.errors()]


def _words(item: Mapping[str, Any]) -> str:
    kind = item["type"]
    if kind in _WORDS:
        return _WORDS[kind]
    if kind in _THEIRS:
        return str(item["msg"]) + "."
    if kind == "value_error" and "reason" in item.get("ctx", {}):
        return "This is not a valid e-mail address."
    if kind in ("value_error", "assertion_error"):  # a validator of our own; it must not repeat its input
        return str(item["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return "This value is not acceptable."


def _place(loc: Sequence[int | str], body: Any) -> str:
    """A pointer into the body, or the name of a parameter."""
    if not loc or loc[0] != "body":
        return str(loc[-1]) if loc else "#"
    return "#" + "".join(f"/{_escaped(part)}" for part in _steps(loc[1:], body))


def _steps(loc: Sequence[int | str], node: Any) -> list[int | str]:
    """The parts of `loc` that lead somewhere in the body; names of union members and the like are left out."""
    steps: list[int | str] = []
    for at, part in enumerate(loc):
        if _leads(node, part):
            node = node[part]
        elif at + 1 < len(loc) or not isinstance(node, dict):
            continue
        if isinstance(part, str) and not _SAFE_NAME.fullmatch(part):
            break
        steps.append(part)
    return steps


def _leads(node: Any, part: int | str) -> bool:
    if isinstance(node, dict):
        return part in node
    return isinstance(node, list) and isinstance(part, int) and 0 <= part < len(node)


def _escaped(part: int | str) -> str:
    return quote(str(part).replace("~", "~0").replace("/", "~1"), safe="~")

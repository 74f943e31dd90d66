"""Strict JSON (RFC 8259 and I-JSON): what two parsers could read differently is refused."""

import json
import math
from typing import Any, NoReturn

from kit.errors import DomainError, FieldError, Invalid

_DEEPEST = 64


class MalformedJson(DomainError):
    """The body is not valid JSON."""

    code = "malformed-json"


class TextNotAllowed(Invalid):
    """A text holds characters that are not allowed."""

    code = "text-not-allowed"


def loads(body: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        MalformedJson: it is not JSON, not UTF-8, says NaN or Infinity or a number beyond a double, names a member
            twice, or nests too deep.
        TextNotAllowed: a text or a name holds NUL or half of a surrogate pair; databases cannot store them.
    """
    try:
        value = _DECODER.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedJson("The body is not UTF-8.") from error
    except json.JSONDecodeError as error:
        raise MalformedJson(f"Line {error.lineno}, column {error.colno} cannot be read.") from error
    except RecursionError as error:
        raise MalformedJson("The body is nested too deep.") from error
    _check(value, b"\\u" in body)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise MalformedJson("An object names the same member twice.")
    return made


def _constant(_name: str) -> NoReturn:
    raise MalformedJson("NaN and Infinity are not JSON.")


def _integer(digits: str) -> int:
    if len(digits) > 40:
        raise MalformedJson("A number is too long.")
    return int(digits)


def _real(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise MalformedJson("A number is too large.")
    return number


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_real
)


def _check(value: Any, escapes: bool) -> None:
    """Walk the value without recursion: its depth, and its texts when escapes could have smuggled something in."""
    waiting: list[tuple[Any, str, int]] = [(value, "#", 0)]
    found: list[FieldError] = []
    while waiting:
        item, pointer, depth = waiting.pop()
        if depth > _DEEPEST:
            raise MalformedJson("The body is nested too deep.")
        if isinstance(item, dict):
            if escapes and not all(map(is_clean, item)):
                found.append(FieldError(pointer, "A name holds a character that is not allowed."))
                continue
            waiting += [
                (child, f"{pointer}/{name}", depth + 1) for name, child in item.items() if _deep(child, escapes)
            ]
        elif isinstance(item, list):
            waiting += [
                (child, f"{pointer}/{at}", depth + 1) for at, child in enumerate(item) if _deep(child, escapes)
            ]
        elif isinstance(item, str) and not is_clean(item):
            found.append(FieldError(pointer, "This text holds a character that is not allowed."))
    if found:
        raise TextNotAllowed(errors=found)


def _deep(child: Any, escapes: bool) -> bool:
    return isinstance(child, dict | list) or (escapes and isinstance(child, str))


def is_clean(text: str) -> bool:
    """Whether a text can be stored: no NUL, no half of a surrogate pair."""
    if "\0" in text:
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True

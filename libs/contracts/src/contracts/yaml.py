"""Writes JSON values as YAML in block style, so that a generated document can be read and compared by lines."""

import json
import re
from collections.abc import Iterator
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_.$-]*\Z")
_NOT_TEXT = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def dump(value: Any) -> str:
    """The value as a YAML document; keys keep their order."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _placed(f"{_scalar(key)}:", part)
    elif isinstance(value, list) and value:
        for part in value:
            first, *rest = _lines(part)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield _scalar(value)


def _placed(key: str, part: Any) -> Iterator[str]:
    """A key with its value beside it, or below it when it has several lines."""
    if isinstance(part, dict | list) and part:
        yield key
        yield from (f"  {line}" for line in _lines(part))
    else:
        yield f"{key} {_scalar(part)}"


def _scalar(value: Any) -> str:
    """A single value; text is quoted unless nothing could mistake it."""
    if isinstance(value, str):
        return value if _PLAIN.match(value) and value.lower() not in _NOT_TEXT else _quoted(value)
    written = json.dumps(value)
    bare_exponent = isinstance(value, float) and "." not in written
    return written.replace("e", ".0e") if bare_exponent else written


def _quoted(text: str) -> str:
    """Text as JSON writes it, with everything that YAML wants escaped beyond that."""
    written = json.dumps(text, ensure_ascii=False)
    return "".join(one if one.isprintable() else f"\\U{ord(one):08X}" for one in written)

"""Form bodies and queries with brackets, as Stripe reads them: a[b]=1, a[]=1, a[0][b]=1."""

import re
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from sandbox.stripe import errors

LARGEST: Final = 5_000
"""Parameters in one request."""
DEEPEST: Final = 12

_NAME: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_STEP: Final = re.compile(r"\[([^\[\]]*)\]")


def read_form(text: str) -> dict[str, Any]:
    """The tree that a form says; numbers as names of a hash stay a hash, which a list's shape reads as a list.

    Raises:
        Refusal: It is no form, or one thing is said to be two kinds.
    """
    pairs = [pair for pair in text.split("&") if pair]
    if len(pairs) > LARGEST:
        raise errors.invalid("Too many parameters.")
    tree: dict[str, Any] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        _put(tree, _plain(name), _plain(value))
    return tree


def _plain(text: str) -> str:
    try:
        found = unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "strict")
    except UnicodeError:
        raise errors.invalid("Invalid UTF-8 in the request.") from None
    if "\x00" in found:
        raise errors.invalid("Invalid request: null bytes are not allowed.")
    return found


def _put(tree: dict[str, Any], name: str, value: str) -> None:
    matched = _NAME.fullmatch(name)
    if matched is None:
        raise errors.invalid(f"Received unknown parameter: {name}", name, "parameter_unknown")
    steps = [matched[1], *_STEP.findall(matched[2])]
    if len(steps) > DEEPEST:
        raise errors.invalid("Parameters are nested too deeply.", matched[1])
    here = tree
    for i, step in enumerate(steps[:-1]):
        beneath = here.setdefault(_key(here, step), {})
        if not isinstance(beneath, dict):
            raise _twofold(steps[: i + 1])
        here = beneath
    last = _key(here, steps[-1])
    if isinstance(here.get(last), dict):
        raise _twofold(steps)
    here[last] = value


def _key(here: dict[str, Any], step: str) -> str:
    """An empty step is the next of a list."""
    return step or str(len(here))


def _twofold(steps: list[str]) -> errors.Refusal:
    at = steps[0] + "".join(f"[{step}]" for step in steps[1:])
    return errors.invalid(f"Invalid request: {at} is used both as a value and as a hash.", at)

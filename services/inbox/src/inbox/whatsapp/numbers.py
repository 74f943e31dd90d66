"""Numbers as WhatsApp writes them: digits of an international number, with or without what a country once added."""

import re
from typing import Final

_DIGITS: Final = re.compile(r"[0-9]{5,20}", re.ASCII)
_SEVERAL: Final = frozenset(["55", "52", "54"])
_FIRST: Final = tuple(f"{plus}{each}" for plus in ("", "+") for each in sorted(_SEVERAL))
_BRAZIL: Final = re.compile(r"55([1-9][0-9])(9?)([6-9][0-9]{7})", re.ASCII)
_MEXICO: Final = re.compile(r"52(1?)([2-9][0-9]{9})", re.ASCII)
_ARGENTINA: Final = re.compile(r"54(9?)([1-9][0-9]{9})", re.ASCII)


def is_number(text: str) -> bool:
    """Whether this can be a WhatsApp id made of a number."""
    return _DIGITS.fullmatch(text) is not None


def variants(number: str) -> tuple[str, ...]:
    """The number and the other spelling of it by which the same person may be known, the given one first.

    Brazil's mobile numbers exist with and without the ninth digit, Mexico's with and without a 1, Argentina's with
    and without a 9. Only for looking up: nothing is rewritten, and Brazil's landlines (2 to 5) have one spelling.
    """
    if number[:2] not in _SEVERAL:
        return (number,)
    if match := _BRAZIL.fullmatch(number):
        area, nine, rest = match.groups()
        return number, f"55{area}{'' if nine else '9'}{rest}"
    for pattern, country, digit in ((_MEXICO, "52", "1"), (_ARGENTINA, "54", "9")):
        if match := pattern.fullmatch(number):
            present, rest = match.groups()
            return number, f"{country}{'' if present else digit}{rest}"
    return (number,)


def may_vary(number: str) -> bool:
    """Whether a number, with or without a plus before it, may have another spelling; only a yes can be wrong."""
    return number.startswith(_FIRST)


def canonical(number: str) -> str:
    """One spelling of those that mean the same person, with or without a plus before it; anything else stays."""
    plus = "+" if number.startswith("+") else ""
    return plus + min(variants(number.removeprefix(plus)))

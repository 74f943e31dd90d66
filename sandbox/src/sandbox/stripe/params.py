"""The shapes of parameters: read from a form, checked as Stripe checks them.

A shape reads text or a tree of text and gives what an operation works with: None where an empty string unsets.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Protocol

from sandbox.stripe import errors

LARGEST_NUMBER: Final = 99_999_999_999_999
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,15}")


class Shape(Protocol):
    """How one parameter is read."""

    required: bool
    """Whether it must be there."""

    def read(self, value: Any, at: str) -> Any:
        """What it means.

        Raises:
            Refusal: It is not what it should be.
        """


@dataclass(frozen=True, slots=True)
class Text(Shape):
    """Text of a length; an empty one unsets, where it may."""

    most: int = 5_000
    required: bool = False
    unsets: bool = True
    pattern: str | None = None

    def read(self, value: Any, at: str) -> str | None:
        """The text."""
        if not isinstance(value, str):
            raise errors.invalid("Invalid string: " + _shown(value), at)
        if value == "":
            if self.unsets and not self.required:
                return None
            raise empty(at)
        if len(value) > self.most:
            raise errors.invalid(
                f"Invalid string: {value[:20]}…{value[-4:]}; must be at most {self.most} characters", at
            )
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise errors.invalid(f"Invalid {at}: {value}", at)
        return value


@dataclass(frozen=True, slots=True)
class Integer(Shape):
    """A whole number."""

    least: int = -LARGEST_NUMBER
    most: int = LARGEST_NUMBER
    required: bool = False
    unsets: bool = False

    def read(self, value: Any, at: str) -> int | None:
        """The number."""
        if value == "" and self.unsets:
            return None
        if not isinstance(value, str) or not _INTEGER.fullmatch(value):
            raise errors.invalid(f"Invalid integer: {_shown(value)}", at, "parameter_invalid_integer")
        number = int(value)
        if number < self.least:
            code = "parameter_invalid_integer"
            raise errors.invalid(f"This value must be greater than or equal to {self.least}.", at, code)
        if number > self.most:
            code = "parameter_invalid_integer"
            raise errors.invalid(f"This value must be less than or equal to {self.most}.", at, code)
        return number


@dataclass(frozen=True, slots=True)
class Number(Shape):
    """A decimal number, kept exactly."""

    least: Decimal = Decimal(0)
    most: Decimal = Decimal(LARGEST_NUMBER)
    places: int = 12
    required: bool = False

    def read(self, value: Any, at: str) -> Decimal:
        """The number."""
        try:
            number = Decimal(value)
        except (InvalidOperation, TypeError, ValueError):
            raise errors.invalid(f"Invalid decimal: {_shown(value)}", at) from None
        if not number.is_finite() or not self.least <= number <= self.most:
            raise errors.invalid(f"Invalid decimal: {value}; must be between {self.least} and {self.most}", at)
        exponent = number.as_tuple().exponent
        if isinstance(exponent, int) and -exponent > self.places:
            raise errors.invalid(
                f"Invalid decimal: {value}; must contain at maximum {self.places} decimal places.", at
            )
        return number


@dataclass(frozen=True, slots=True)
class Flag(Shape):
    """True or false."""

    required: bool = False

    def read(self, value: Any, at: str) -> bool:
        """Which of the two."""
        if value in {"true", "1"}:
            return True
        if value in {"false", "0"}:
            return False
        raise errors.invalid(f"Invalid boolean: {_shown(value)}", at)


class Choice(Shape):
    """One of a few words."""

    def __init__(self, *words: str, required: bool = False, unsets: bool = False) -> None:
        self.words, self.required, self.unsets = words, required, unsets

    def read(self, value: Any, at: str) -> str | None:
        """The word."""
        if value == "" and self.unsets:
            return None
        if value in self.words:
            return str(value)
        one_of = self.words[0]
        if len(self.words) > 1:
            one_of = f"one of {', '.join(self.words[:-1])}, or {self.words[-1]}"
        raise errors.invalid(f"Invalid {at}: must be {one_of}", at)


class Hash(Shape):
    """Parameters with names, each of its own shape."""

    def __init__(
        self,
        fields: Mapping[str, Shape] | None = None,
        *,
        required: bool = False,
        unsets: bool = False,
        **more: Shape,
    ) -> None:
        self.required, self.unsets, self.fields = required, unsets, {**(fields or {}), **more}

    def read(self, value: Any, at: str) -> dict[str, Any] | None:
        """All that were given."""
        if value == "":
            if self.unsets:
                return None
            raise empty(at)
        if not isinstance(value, dict):
            raise errors.invalid("Invalid object", at)
        return read_fields(self.fields, value, at)


@dataclass(frozen=True, slots=True)
class Map(Shape):
    """Parameters whose names are the caller's, all of one shape."""

    of: Shape
    most: int = 200
    unsets: bool = False
    required: bool = False

    def read(self, value: Any, at: str) -> dict[str, Any] | None:
        """By their names."""
        if value == "":
            if self.unsets:
                return None
            raise empty(at)
        if not isinstance(value, dict):
            raise errors.invalid("Invalid object", at)
        if len(value) > self.most:
            raise errors.invalid(f"Invalid object: at most {self.most} keys are allowed", at)
        return {name: self.of.read(one, f"{at}[{name}]") for name, one in value.items()}


@dataclass(frozen=True, slots=True)
class List(Shape):
    """Parameters in an order."""

    of: Shape
    least: int = 0
    most: int = 500
    unsets: bool = False
    required: bool = False

    def read(self, value: Any, at: str) -> list[Any] | None:
        """In their order; by number or by the order in which they came."""
        if value == "":
            if self.unsets:
                return None
            raise errors.invalid("Invalid array", at, "parameter_invalid_empty")
        if not isinstance(value, dict) or not all(name.isascii() and name.isdigit() for name in value):
            raise errors.invalid("Invalid array", at)
        if len(value) > self.most:
            raise errors.invalid(f"Invalid array: must have at most {self.most} elements", at)
        if len(value) < self.least:
            raise errors.invalid(f"Invalid array: must have at least {self.least} elements", at)
        in_order = sorted(value, key=int)
        return [self.of.read(value[name], f"{at}[{i}]") for i, name in enumerate(in_order)]


class Either(Shape):
    """One of several shapes: a hash or a list where the value has parts, else the first that reads it."""

    def __init__(self, *shapes: Shape, required: bool = False) -> None:
        self.shapes, self.required = shapes, required

    def read(self, value: Any, at: str) -> Any:
        """As the shape that fits."""
        has_parts = [shape for shape in self.shapes if isinstance(shape, (Hash, Map, List))]
        plain = [shape for shape in self.shapes if shape not in has_parts]
        fitting = has_parts if isinstance(value, dict) and has_parts else plain or has_parts
        for shape in fitting[:-1]:
            try:
                return shape.read(value, at)
            except errors.Refusal:
                continue
        return fitting[-1].read(value, at)


@dataclass(frozen=True, slots=True)
class Metadata(Shape):
    """What a caller notes on an object: at most 50 keys of 40 characters, values of 500; an empty one removes it.

    Reads None where all of it is unset.
    """

    required: bool = False

    def read(self, value: Any, at: str) -> dict[str, str] | None:
        """The notes, an empty text where one is to be removed."""
        if value == "":
            return None
        if not isinstance(value, dict):
            raise errors.invalid(f"Invalid metadata: {_shown(value)}; must be a hash", at)
        if len(value) > 50:
            raise errors.invalid("You cannot have more than 50 metadata keys on an object.", at)
        for name, one in value.items():
            if len(name) > 40:
                raise errors.invalid(
                    f"Metadata keys must be at most 40 characters; '{name[:40]}…' is {len(name)}.", at
                )
            if not isinstance(one, str):
                raise errors.invalid("Metadata values must be strings, but you passed in a hash.", f"{at}[{name}]")
            if len(one) > 500:
                raise errors.invalid(
                    f"Metadata values can have up to 500 characters, but you passed in a value that is {len(one)} "
                    f"characters. Invalid value: {one[:20]}…",
                    f"{at}[{name}]",
                )
        return dict(value)


def read_fields(fields: Mapping[str, Shape], tree: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    """All parameters of a level.

    Raises:
        Refusal: One is unknown, missing or not what it should be: the unknown ones are named first, as at Stripe.
    """
    strange = [name for name in tree if name not in fields]
    if strange:
        raise _unknown(strange, fields, at)
    for name, shape in fields.items():
        if shape.required and name not in tree:
            raise errors.missing(_below(at, name))
    return {name: fields[name].read(value, _below(at, name)) for name, value in tree.items()}


def empty(at: str) -> errors.Refusal:
    """An empty string where nothing can be unset."""
    return errors.invalid(
        f"You passed an empty string for '{at}'. We assume empty values are an attempt to unset a parameter; however "
        f"'{at}' cannot be unset. You should remove '{at}' from your request or supply a non-empty value.",
        at,
        "parameter_invalid_empty",
    )


def noted(before: Mapping[str, str], change: Mapping[str, str] | None) -> dict[str, str]:
    """Metadata after a change: merged key by key, an empty value removes, None removes all."""
    if change is None:
        return {}
    return {name: value for name, value in {**before, **change}.items() if value != ""}


def _unknown(strange: Sequence[str], fields: Mapping[str, Shape], at: str) -> errors.Refusal:
    if len(strange) > 1:
        named = ", ".join(_below(at, name) for name in strange)
        return errors.invalid(f"Received unknown parameters: {named}", _below(at, strange[0]), "parameter_unknown")
    close = difflib.get_close_matches(strange[0], fields, n=1, cutoff=0.75)
    return errors.unknown(_below(at, strange[0]), close[0] if close else None)


def _below(at: str, name: str) -> str:
    return f"{at}[{name}]" if at else name


def _shown(value: Any) -> str:
    return str(value)[:100] if isinstance(value, str) else "{...}"

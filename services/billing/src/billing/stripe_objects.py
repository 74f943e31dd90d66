"""Reading values out of Stripe's objects: what is not as documented is refused, and never repeated in the reason."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Json = Mapping[str, Any]

_LARGEST = 2**53
_CURRENCY = re.compile(r"[a-z]{3}")


class Unreadable(ValueError):
    """The object is not as Stripe documents it; says where, never what it contains."""


def readable(what: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Whatever is missing or of another kind in the object becomes `Unreadable`."""

    def around(read: Callable[P, T]) -> Callable[P, T]:
        @wraps(read)
        def reads(*args: P.args, **named: P.kwargs) -> T:
            try:
                return read(*args, **named)
            except (KeyError, IndexError) as missing:
                raise Unreadable(f"{what} without {missing}") from missing
            except (TypeError, ValueError, AttributeError, OverflowError, OSError) as wrong:
                raise Unreadable(f"{what} of another shape: {type(wrong).__name__}") from wrong

        return reads

    return around


def whole(number: Any) -> int:
    """A whole number that travels unharmed, such as an amount in the minor unit."""
    if not isinstance(number, int) or isinstance(number, bool) or abs(number) >= _LARGEST:
        raise TypeError("a whole number")
    return number


def amount_of(number: Any, *, least: int = 0) -> int:
    """A whole number that is not less than this: what was paid, given back, or counted."""
    if whole(number) < least:
        raise ValueError("too little")
    return int(number)


def currency_of(code: Any) -> str:
    """A currency as ISO 4217 has it, in small letters."""
    if not isinstance(code, str) or not _CURRENCY.fullmatch(code):
        raise ValueError("a currency")
    return code


def instant(seconds: Any) -> datetime:
    """A time of Stripe's, in whole seconds since 1970."""
    return datetime.fromtimestamp(whole(seconds), UTC)


def instant_or_none(seconds: Any) -> datetime | None:
    """The same where there may be none."""
    return None if seconds is None else instant(seconds)


def id_of(reference: Any) -> str:
    """The id of what Stripe names by its id or, expanded, by the whole object."""
    found = reference["id"] if isinstance(reference, Mapping) else reference
    if not isinstance(found, str) or not found:
        raise TypeError("an id")
    return found


def id_or_none(reference: Any) -> str | None:
    """The same where there may be none."""
    return None if reference is None else id_of(reference)

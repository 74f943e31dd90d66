"""The language in which a segment is asked: JSON, each object one condition; read here, compiled in `plan`.

    {"all": [{"attribute": "city", "is": "Berlin"}, {"not": {"label": "0190…"}}]}

Conditions: `all`, `any` (lists), `not`; `attribute` with `is`, `in`, `begins`, `contains`, `at_least`/`at_most` or
`known`; `label`; `consent`; `identity`; `created`; `spoken`. Nothing of it ever becomes SQL text: words are compared
with those that stand here, values are literals.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from inbox.consent.model import CHANNEL_KINDS, PURPOSES

MOST_CONDITIONS: Final = 50
DEEPEST: Final = 6
MOST_VALUES: Final = 200
LONGEST_VALUE: Final = 200
MOST_DAYS: Final = 36_500
IDENTITY_KINDS: Final = (
    "phone",
    "whatsapp_id",
    "bsuid",
    "messenger_id",
    "instagram_id",
    "email",
    "customer_id",
    "visitor",
)
TESTS: Final = ("is", "in", "begins", "contains", "at_least", "at_most", "known")
Json = Mapping[str, Any]


@dataclass(slots=True)
class Reading:
    """A query while it is read: what is wrong with it, and how much there is of it."""

    breaches: list[tuple[str, str]] = field(default_factory=list)
    conditions: int = 0

    def wrong(self, at: str, detail: str) -> None:
        """Note a fault."""
        self.breaches.append((at, detail))


def breaches_of(query: object, at: str = "#/query") -> list[tuple[str, str]]:
    """What is wrong with a query, each with its pointer; nothing when it can be compiled."""
    reading = Reading()
    _condition(reading, query, at, 0)
    return reading.breaches[:20]


def _condition(reading: Reading, told: object, at: str, depth: int) -> None:
    reading.conditions += 1
    if reading.conditions > MOST_CONDITIONS:
        if reading.conditions == MOST_CONDITIONS + 1:
            reading.wrong(at, f"A segment has {MOST_CONDITIONS} conditions at most.")
        return
    if depth > DEEPEST:
        reading.wrong(at, f"Conditions stand within one another {DEEPEST} times at most.")
    elif not isinstance(told, dict):
        reading.wrong(at, "Write an object.")
    else:
        words = [word for word in _READERS if word in told]
        if len(words) != 1:
            reading.wrong(at, f"Write exactly one of {', '.join(_READERS)}.")
        else:
            _READERS[words[0]](reading, told, at, depth)


def _only(reading: Reading, told: Json, allowed: Sequence[str], at: str) -> None:
    for name in told:
        if name not in allowed:
            reading.wrong(f"{at}/{str(name)[:60]}", f"Nobody knows this word here; known are {', '.join(allowed)}.")


def _several(word: str) -> Callable[[Reading, Json, str, int], None]:
    def read(reading: Reading, told: Json, at: str, depth: int) -> None:
        _only(reading, told, (word,), at)
        if not isinstance(told[word], list) or not told[word]:
            reading.wrong(f"{at}/{word}", "Write a list of conditions.")
            return
        for place, each in enumerate(told[word]):
            _condition(reading, each, f"{at}/{word}/{place}", depth + 1)

    return read


def _not(reading: Reading, told: Json, at: str, depth: int) -> None:
    _only(reading, told, ("not",), at)
    _condition(reading, told["not"], f"{at}/not", depth + 1)


def _attribute(reading: Reading, told: Json, at: str, _depth: int) -> None:
    _only(reading, told, ("attribute", *TESTS), at)
    if not _text(told["attribute"]):
        reading.wrong(f"{at}/attribute", "Name an attribute of contacts by its key.")
    given = {word for word in TESTS if word in told}
    if not (len(given) == 1 or given == {"at_least", "at_most"}):
        reading.wrong(at, f"Write one of {', '.join(TESTS)}, or both at_least and at_most.")
    for word in given:
        value = told[word]
        right = {
            "in": isinstance(value, list) and 0 < len(value) <= MOST_VALUES and all(map(_plain, value)),
            "known": isinstance(value, bool),
            "begins": _text(value),
            "contains": _text(value),
        }.get(word, _plain(value))
        if not right:
            reading.wrong(f"{at}/{word}", _WANTED.get(word, f"Write a value of {LONGEST_VALUE} characters at most."))


_WANTED: Final = {
    "in": f"Write a list of 1 to {MOST_VALUES} values.",
    "known": "Write true or false.",
}


def _label(reading: Reading, told: Json, at: str, _depth: int) -> None:
    _only(reading, told, ("label",), at)
    if not _is_id(told["label"]):
        reading.wrong(f"{at}/label", "Name a label by its id.")


def _consent(reading: Reading, told: Json, at: str, _depth: int) -> None:
    _only(reading, told, ("consent",), at)
    inner, at = told["consent"], f"{at}/consent"
    if not isinstance(inner, dict):
        reading.wrong(at, "Write an object with channel_kind, purpose and state.")
        return
    _only(reading, inner, ("channel_kind", "purpose", "state"), at)
    for name, words in (
        ("channel_kind", CHANNEL_KINDS),
        ("purpose", PURPOSES),
        ("state", ("granted", "withdrawn")),
    ):
        if inner.get(name) not in words:
            reading.wrong(f"{at}/{name}", f"Write one of {', '.join(words)}.")


def _identity(reading: Reading, told: Json, at: str, _depth: int) -> None:
    _only(reading, told, ("identity",), at)
    if told["identity"] not in IDENTITY_KINDS:
        reading.wrong(f"{at}/identity", f"Write one of {', '.join(IDENTITY_KINDS)}.")


def _times(word: str, *more: str) -> Callable[[Reading, Json, str, int], None]:
    def read(reading: Reading, told: Json, at: str, _depth: int) -> None:
        _only(reading, told, (word,), at)
        inner, place = told[word], f"{at}/{word}"
        if not isinstance(inner, dict) or not inner:
            reading.wrong(place, "Write an object with after, before or within_days.")
            return
        _only(reading, inner, ("after", "before", "within_days", *more), place)
        if "within_days" in inner and ("after" in inner or not _is_days(inner["within_days"])):
            reading.wrong(f"{place}/within_days", f"Write 1 to {MOST_DAYS} days, and no `after` beside it.")
        for name in ("after", "before"):
            if name in inner and moment(inner[name]) is None:
                reading.wrong(f"{place}/{name}", "Write a time with its offset, as 2026-11-30T12:00:00Z.")
        if "channel_kind" in inner and inner["channel_kind"] not in CHANNEL_KINDS:
            reading.wrong(f"{place}/channel_kind", f"Write one of {', '.join(CHANNEL_KINDS)}.")

    return read


_READERS: Final[Mapping[str, Callable[[Reading, Json, str, int], None]]] = {
    "all": _several("all"),
    "any": _several("any"),
    "not": _not,
    "attribute": _attribute,
    "label": _label,
    "consent": _consent,
    "identity": _identity,
    "created": _times("created"),
    "spoken": _times("spoken", "channel_kind"),
}


def moment(value: object) -> datetime | None:
    """A time with its offset; None when it is none."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) and len(value) < 40 else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def _text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_VALUE and "\0" not in value


def _plain(value: object) -> bool:
    if isinstance(value, bool):
        return True
    return _text(value) or (isinstance(value, int | float) and abs(value) <= 1e15)


def _is_days(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_DAYS


def _is_id(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False

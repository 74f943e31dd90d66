"""Amounts in words, as people say them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from postrules.limits import Limit, Unit, Value

_SHAPES: Final = {0.5625: "9:16", 0.8: "4:5", 1.0: "1:1", 1.91: "1.91:1", 0.3333: "1:3", 0.4167: "1:2.4"}
_COUNTED: Final = {
    "weighted": "characters as X counts them",
    "graphemes": "characters",
    "code_points": "characters",
    "utf16_units": "characters (UTF-16)",
    "emoji_bytes": "characters (an emoji counts as its bytes)",
    "pixels": "pixels",
    "fps": "frames a second",
}
_TYPES: Final = {
    "image/jpeg": "JPEG",
    "video/quicktime": "MOV",
    "video/x-msvideo": "AVI",
    "video/*": "any video",
    "application/msword": "DOC",
    "application/vnd.ms-powerpoint": "PPT",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "DOCX",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PPTX",
}
_MINUTE: Final = 60
_HOUR: Final = 3600


def amount(value: Value, unit: Unit) -> str:
    """A value with its unit."""
    if isinstance(value, tuple):
        return listed([named(each) for each in value])
    say = _WAYS.get(unit)
    if say:
        return say(value)
    return f"{number(value)} {_COUNTED[unit]}" if unit in _COUNTED else number(value)


def text_amount(value: float, unit: Unit) -> str:
    """A length of text; bytes of text are said as such."""
    return f"{number(value)} bytes" if unit == "bytes" else amount(value, unit)


def of(limit: Limit) -> str:
    """What a limit says."""
    about_text = limit.rule.split(".")[0] in ("text", "title", "comment", "alt", "tags")
    if about_text and isinstance(limit.value, int | float) and limit.unit == "bytes":
        return text_amount(limit.value, limit.unit)
    return amount(limit.value, limit.unit)


def number(value: float) -> str:
    """A number with commas between thousands."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}".rstrip("0")


def size(value: float) -> str:
    """Bytes in the unit that fits; a thousand of one make the next, as platforms say it."""
    for name, worth in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if value >= worth:
            return f"{value / worth:.1f}".removesuffix(".0") + f" {name}"
    return f"{value:.0f} bytes"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours."""
    if seconds >= 2 * _HOUR and seconds % _HOUR == 0:
        return f"{seconds / _HOUR:g} hours"
    if seconds >= 2 * _MINUTE and seconds % _MINUTE == 0:
        return f"{seconds / _MINUTE:g} minutes"
    return f"{round(seconds, 1):g} seconds"


def shape(ratio: float) -> str:
    """Width to height."""
    return _SHAPES.get(ratio) or f"{ratio:.2f}".rstrip("0").rstrip(".") + ":1"


def named(name: str) -> str:
    """A media type or name as people call it."""
    return _TYPES.get(name) or (name.rsplit("/", 1)[1].upper() if "/" in name else name)


def listed(names: Sequence[str]) -> str:
    """A, B or C."""
    return names[0] if len(names) == 1 else " or ".join((", ".join(names[:-1]), names[-1])) if names else "none"


def _yes(value: float) -> str:
    return "yes" if value else "no"


def _rate(value: float) -> str:
    return f"{value:g} calls a second"


_WAYS: Final[Mapping[str, Callable[[float], str]]] = {
    "yes_no": _yes,
    "bytes": size,
    "seconds": duration,
    "ratio": shape,
    "calls_per_second": _rate,
}

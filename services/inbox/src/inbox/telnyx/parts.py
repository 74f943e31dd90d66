"""How a text is cut into parts: 7 bits where all its characters allow it, else 16."""

from collections.abc import Mapping
from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
"""Those take two places each, and are never parted."""

GSM: Final = "GSM-7"
UCS: Final = "UCS-2"
MOST_PARTS: Final = 10
_ALONE: Final[Mapping[str, int]] = {GSM: 160, UCS: 70}
_EACH: Final[Mapping[str, int]] = {GSM: 153, UCS: 67}


def parts_of(text: str) -> tuple[str, int]:
    """Alphabet and parts of a text; a character outside the basic plane takes two places and is never parted."""
    basic = all(char in _BASIC or char in _EXTENDED for char in text)
    encoding = GSM if basic else UCS
    sizes = [2 if (char in _EXTENDED if basic else ord(char) > 0xFFFF) else 1 for char in text]
    if sum(sizes) <= _ALONE[encoding]:
        return encoding, 1
    count, room = 1, _EACH[encoding]
    for size in sizes:
        if size > room:
            count, room = count + 1, _EACH[encoding]
        room -= size
    return encoding, count

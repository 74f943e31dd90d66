"""The form of API keys: what auth writes, what gateways and scanners of leaked secrets recognise without asking.

A key is `rk_live_`, its bytes in base62 and six characters of their CRC-32, also in base62. The checksum tells a key
from junk and from one that was cut off or mistyped; whether a key is a real one only auth can say.
"""

import zlib
from typing import Final

PREFIX: Final = "rk_live_"
SIZE: Final = 72
"""Bytes in a key."""

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
_LETTERS: Final = _ALPHABET.encode()
_WIDTH: Final = 97
"""Letters that any 72 bytes fit in."""
_CHECK: Final = 6
LENGTH: Final = len(PREFIX) + _WIDTH + _CHECK

_START: Final = PREFIX.encode()


def written(payload: bytes) -> str:
    """The key that holds these bytes."""
    if len(payload) != SIZE:
        raise ValueError(f"a key holds {SIZE} bytes")
    body = PREFIX + _base62(int.from_bytes(payload), _WIDTH)
    return body + _base62(zlib.crc32(body.encode()), _CHECK)


def read(text: str) -> bytes | None:
    """The bytes in a key; None for whatever was not written by `written`."""
    if not text.isascii() or not is_well_formed(text.encode()):
        return None
    number = 0
    for letter in text[len(PREFIX) : -_CHECK]:
        number = number * 62 + _VALUES[letter]
    return number.to_bytes(SIZE) if number.bit_length() <= SIZE * 8 else None


def is_meant(token: bytes) -> bool:
    """Whether this was meant to be an API key, good or bad."""
    return token.startswith(b"rk_")


def is_well_formed(token: bytes) -> bool:
    """Whether this has the form of a key and its checksum is right."""
    if len(token) != LENGTH or not token.startswith(_START) or token[len(_START) :].strip(_LETTERS):
        return False
    return token[-_CHECK:] == _base62(zlib.crc32(token[:-_CHECK]), _CHECK).encode()


def _base62(number: int, width: int) -> str:
    letters = []
    for _ in range(width):
        number, value = divmod(number, 62)
        letters.append(_ALPHABET[value])
    return "".join(reversed(letters))

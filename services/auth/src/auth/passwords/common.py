"""Passwords that everybody tries: a sorted set of truncated hashes, so that the list itself stands nowhere in clear.

A file is `form ‖ entries`: eight bytes that name the form, then the first five bytes of the SHA-256 of each
case-folded password, sorted. With the 8,354 entries of the shipped list, one good password in 130 million is refused
by chance. That list was made of Django's (see the licence beside it), of what has eight characters or more.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Final, Self

_FORM: Final = b"rstrpw1\n"
_WIDTH: Final = 5
SHIPPED: Final = "common-passwords.bin"


class NotAList(ValueError):
    """The file is not a list of passwords as `python -m auth.passwords` makes them."""


@dataclass(frozen=True, slots=True)
class KnownPasswords:
    """One or more such lists."""

    lists: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def shipped(cls, *more: Path) -> Self:
        """The list that comes with the service, and those of the operator.

        Raises:
            NotAList, OSError: a file cannot be used.
        """
        own = (files("auth.passwords") / SHIPPED).read_bytes()
        return cls(tuple(_entries(each) for each in (own, *(path.read_bytes() for path in more))))

    def __contains__(self, password: str) -> bool:
        wanted = _entry(password)
        return any(_stands_in(entries, wanted) for entries in self.lists)


def made_of(passwords: Iterable[str], shortest: int) -> bytes:
    """The file for these passwords; those that are too short are refused anyway, and left out."""
    return _FORM + b"".join(sorted({_entry(each) for each in passwords if len(each) >= shortest}))


def _entry(password: str) -> bytes:
    return hashlib.sha256(password.casefold().encode("utf-8", "surrogatepass")).digest()[:_WIDTH]


def _entries(file: bytes) -> bytes:
    if not file.startswith(_FORM) or (len(file) - len(_FORM)) % _WIDTH:
        raise NotAList("not a list made by python -m auth.passwords")
    return file[len(_FORM) :]


def _stands_in(entries: bytes, wanted: bytes) -> bool:
    low, high = 0, len(entries) // _WIDTH
    while low < high:
        middle = (low + high) // 2
        if entries[middle * _WIDTH : (middle + 1) * _WIDTH] < wanted:
            low = middle + 1
        else:
            high = middle
    return entries[low * _WIDTH : (low + 1) * _WIDTH] == wanted

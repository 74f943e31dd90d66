"""What stands in the index instead of words: keyed hashes that mean nothing without the organization's key.

Another organization's hash of the same word is another number, so one index over all of them finds nobody else's. Who
reads the table learns how many different words a message has and which messages share one, and no word.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from inbox.search.words import Query, beginning, beginnings, folded, pieces, split_run, words
from kit.seal import Keyring

_PURPOSE: Final = "inbox search"
_SHORTEST_NAME: Final = 2
_LONGEST_NAME: Final = 20
_FEWEST_DIGITS: Final = 4
_MOST_OF_CONTACT: Final = 600


@dataclass(frozen=True, slots=True)
class Tokens:
    """Hashes words of one organization to 64 bits."""

    key: bytes = field(repr=False)

    def of_text(self, text: str) -> list[int]:
        """What a message or note is found by: its words, and their beginnings."""
        found = words(text)
        told = [("w", each) for each in found] + [("p", each) for word in found for each in beginnings(word)]
        return self._hashed(told)

    def of_query(self, wanted: Query) -> list[int]:
        """What a text that is found must have all of."""
        told = [("w", each) for each in wanted.whole]
        told += [("w", each) for run in wanted.runs for each in split_run(run)]
        told += [("p", beginning(wanted.begun))] if wanted.begun else []
        return self._hashed(told)

    def of_contact(self, name: str, identities: list[str]) -> list[int]:
        """What a contact is found by: every beginning of every word of name and addresses, every part of a number."""
        told = [("n", each) for text in (name, *identities) for each in _begun(text)]
        told += [("d", each) for text in identities for each in _parts(digits(text))]
        return self._hashed(told)[:_MOST_OF_CONTACT]

    def of_contact_query(self, text: str) -> list[int]:
        """What a contact that is found must have all of; a number is looked for whole, however it is written."""
        number = digits(text)
        if len(number) >= _FEWEST_DIGITS and not any(each.isalpha() for each in text):
            return self._hashed([("d", number[:_LONGEST_NAME])])
        found = [each.folded[:_LONGEST_NAME] for each in pieces(text) if len(each.folded) >= _SHORTEST_NAME]
        return self._hashed([("n", each) for each in found])

    def _hashed(self, told: list[tuple[str, str]]) -> list[int]:
        return [self._hash(kind, word) for kind, word in dict.fromkeys(told)]

    def _hash(self, kind: str, word: str) -> int:
        digest = hmac.digest(self.key, f"{kind}\0{word}".encode(errors="surrogatepass"), "sha256")
        return int.from_bytes(digest[:8], "big", signed=True)


async def tokens_of(keyring: Keyring, organization_id: UUID) -> Tokens:
    """The hashes of this organization; the same for ever."""
    return Tokens(await keyring.secret(organization_id, _PURPOSE))


def digits(text: str) -> str:
    """Only the digits."""
    return "".join(each for each in folded(text) if each.isdigit())


def _begun(text: str) -> Iterator[str]:
    for each in pieces(text):
        word = each.folded[:_LONGEST_NAME]
        yield from (word[:length] for length in range(_SHORTEST_NAME, len(word) + 1))
        if len(word) < _SHORTEST_NAME:
            yield word


def _parts(number: str) -> Iterator[str]:
    """Every run of at least four digits that begins the number or ends it."""
    number = number[:_LONGEST_NAME]
    yield from (number[:length] for length in range(_FEWEST_DIGITS, len(number) + 1))
    yield from (number[at:] for at in range(1, len(number) - _FEWEST_DIGITS + 1))

"""What a model says passes here before anybody sees it: nothing in it makes a browser ask anything of strangers.

A model that reads hostile text can be talked into a link or a picture whose address carries what it has read. So an
address passes only where the person themselves wrote it, or the platform gave it as one, letter by letter; pictures
and HTML never do. The check is of words as browsers would read them: entities decoded, backslashes taken away or read
as slashes.
"""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

GONE: Final = "[link removed]"

_ADDRESS: Final = re.compile(
    r"(?:[a-z][a-z0-9+.\-]*:[/\\]{1,}|(?<![\w:/])//|\bwww\.|\b(?:data|javascript|vbscript|mailto|tel|sms|file|blob):)"
    r"[^\s\"'<>)\]}]*",
    re.IGNORECASE,
)
_PLAIN: Final = re.compile(r"https?://[^\s\"'<>)\]}|\\^`{]+", re.IGNORECASE)
_TAG: Final = re.compile(r"<(?=[a-z/!?])", re.IGNORECASE)
_PICTURE: Final = re.compile(r"!(?=\s*\[)")
_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_ENDS: Final = ".,;:!?"
_SPACE: Final = re.compile(r"(\s+)")
_LONGEST: Final = 4_000
"""Characters of one word that are held back at most; a longer one is taken for no word of a language."""


def addresses(text: str) -> set[str]:
    """The addresses that stand in a text as its writer meant them."""
    return {found.rstrip(_ENDS) for found in _PLAIN.findall(text)}


@dataclass(slots=True)
class Screen:
    """Lets text through in words; `known` are the addresses that may pass."""

    known: set[str] = field(default_factory=set)
    held: str = ""

    def allow(self, found: Iterable[str]) -> None:
        """These may pass from now on."""
        self.known |= set(found)

    def more(self, text: str) -> str:
        """What of it, and of what was held back, can be shown by now."""
        self.held += _UNSEEN.sub("", text)
        if len(self.held) > _LONGEST and not _SPACE.search(self.held):
            self.held = ""
            return GONE
        *words, self.held = _SPACE.split(self.held)
        return "".join(self._word(each) for each in words)

    def rest(self) -> str:
        """What was held back, at the end."""
        held, self.held = self.held, ""
        return self._word(held)

    def whole(self, text: str) -> str:
        """A whole text at once."""
        return self.more(text) + self.rest()

    def _word(self, word: str) -> str:
        if not word or word.isspace():
            return word
        if any(self._strange(form) for form in _forms(word)):
            return GONE
        return _PICTURE.sub("", _TAG.sub("\u2039", word))

    def _strange(self, form: str) -> bool:
        left = form
        for known in sorted(addresses(form) & self.known, key=len, reverse=True):
            left = left.replace(known, " ")
        return _ADDRESS.search(left) is not None


def _forms(word: str) -> set[str]:
    """A word as browsers may read it."""
    decoded = word
    for _ in range(3):
        decoded = html.unescape(decoded)
    return {word, decoded, decoded.replace("\\", ""), decoded.replace("\\", "/")}

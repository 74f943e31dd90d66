"""How much a message through a form looks like spam: a sum of points, each with its reason."""

import re
from collections.abc import Collection, Iterator
from typing import Final

from inbox.forms.model import Submission
from inbox.forms.stamps import Shown

_STAMPS: Final[dict[Shown, int]] = {"good": 0, "missing": 1, "too-old": 1, "too-fast": 4, "forged": 5}
_TRAP: Final = 10
_BLOCKED: Final = 10
_LINK_IN_NAME: Final = 4
_MOST_FOR_LINKS: Final = 4
_WORD: Final = 2
_LINK: Final = re.compile(r"https?://|\bwww\.|\[url|<a\s", re.IGNORECASE)
_WORDS: Final = (
    "viagra",
    "cialis",
    "casino",
    "crypto investment",
    "backlink",
    "guest post",
    "seo service",
    "rank your website",
    "payday loan",
    "forex signals",
    "buy followers",
    "adult dating",
)
"""Words of what is sent to every form there is. Points, not a verdict: a travel agency is asked about casinos."""


def suspicion(
    submission: Submission, *, shown: Shown, trapped: bool, blocked: Collection[str] = ()
) -> tuple[int, list[str]]:
    """Points and reasons. `trapped` says that a field which people do not see was filled in."""
    found = list(_points(submission, shown, trapped=trapped, blocked=blocked))
    return sum(points for points, _ in found), [reason for _, reason in found]


def _points(
    submission: Submission, shown: Shown, *, trapped: bool, blocked: Collection[str]
) -> Iterator[tuple[int, str]]:
    if trapped:
        yield _TRAP, "hidden-field"
    if _STAMPS[shown]:
        yield _STAMPS[shown], f"stamp-{shown}"
    if _LINK.search(submission.name) or _LINK.search(submission.subject):
        yield _LINK_IN_NAME, "link-in-name"
    words = "\n".join((submission.subject, submission.message, *submission.fields.values())).casefold()
    links = len(_LINK.findall(words))
    if links > 1:
        yield min(links - 1, _MOST_FOR_LINKS), "links"
    known = sum(word in words for word in _WORDS)
    if known:
        yield min(known, 3) * _WORD, "words"
    if any(word.casefold() in words for word in blocked):
        yield _BLOCKED, "blocked-word"

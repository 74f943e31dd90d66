"""What people did to a post, as LinkedIn notifies of it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

COUNTED: Final = {
    "LIKE": ("reactions", 1),
    "COMMENT": ("comments", 1),
    "ADMIN_COMMENT": ("comments", 1),
    "COMMENT_DELETE": ("comments", -1),
    "SHARE": ("shares", 1),
}
"""Which figure an action changes, and by how much; other actions change none and are kept as they came."""


@dataclass(frozen=True, slots=True)
class Change:
    """By how much the figures of a post change."""

    reactions: int = 0
    comments: int = 0
    shares: int = 0

    def __bool__(self) -> bool:
        return bool(self.reactions or self.comments or self.shares)


def change_of(actions: Iterable[str]) -> Change:
    """The change that these actions make together."""
    figures: Counter[str] = Counter()
    for action in actions:
        if action in COUNTED:
            figure, by = COUNTED[action]
            figures[figure] += by
    return Change(figures["reactions"], figures["comments"], figures["shares"])

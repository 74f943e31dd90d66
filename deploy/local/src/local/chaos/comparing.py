"""One comparison of two books; functions of values."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison; nothing may be lost, doubled or unexplained."""

    what: str
    expected: int
    seen: int
    lost: Sequence[str] = ()
    doubled: Sequence[str] = ()
    unexplained: Sequence[str] = ()
    note: str = ""

    @property
    def clean(self) -> bool:
        """Whether the books agree."""
        return not (self.lost or self.doubled or self.unexplained)


def compare(
    what: str, expected: Collection[str], seen: Counter[str], allowed: Collection[str] = (), **more: Any
) -> Line:
    """Each expected mark once; of the allowed ones each at most once; no other."""
    wanted, may = set(expected), set(allowed)
    return Line(
        what,
        len(wanted),
        seen.total(),
        lost=sorted(wanted - set(seen)),
        doubled=sorted(mark for mark, count in seen.items() if count > 1),
        unexplained=sorted(set(seen) - wanted - may) + list(more.get("unexplained", ())),
        note=more.get("note", ""),
    )

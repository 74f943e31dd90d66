"""What was asked of the platform and what it answered, kept by those who asked."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

ORGANIZATION, PERSON, INVITATION, MEMBER = "organization", "person", "invitation", "member"
POST, REPLY, REPLY_ID, SAID = "post", "reply", "reply's id", "message"
CHECKOUT, CHANGE, REFUND, CREDIT_NOTE = "checkout", "change", "refund", "credit note"
LOT, SPEND = "credits", "spend"


@dataclass(slots=True)
class Book:
    """Everything that is asked for carries a mark of its own, by which it is found again anywhere.

    What was asked for and never answered may have happened or not; what was accepted must have happened, once; what
    was refused must not have.
    """

    asked: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    accepted: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    refused: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    removed: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)
    twins: list[str] = field(default_factory=list)
    """Requests whose second answer named another thing than the first."""
    strangers: list[str] = field(default_factory=list)
    """What an organization saw of another one."""
    probes: int = 0
    longest: float = 0.0
    """Seconds that the request waited that waited longest until it was answered."""

    def accept(self, kind: str, mark: str, found: str) -> None:
        """It was answered with the id of what was made; the same mark again must name the same."""
        before = self.accepted[kind].setdefault(mark, found)
        if before != found:
            self.twins.append(f"{kind} {mark}: {before} and {found}")

    def count(self, kind: str) -> int:
        """How many were accepted."""
        return len(self.accepted[kind])

"""What is done with texts that may harm: by category, as an organization wishes within what we allow at all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from generation.providers.base import Verdict

Decision = Literal["allow", "review", "block"]
Category = Literal[
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
]
"""The thirteen of OpenAI's moderation."""

NEVER: Final = frozenset({"sexual/minors"})
"""What no organization can allow."""

DEFAULT: Final[Mapping[str, Decision]] = {
    "harassment/threatening": "block",
    "hate/threatening": "block",
    "illicit/violent": "block",
    "self-harm/instructions": "block",
    "sexual/minors": "block",
}
"""Where an organization said nothing; whatever is not named is looked at by a person."""

_RANK: Final[Mapping[Decision, int]] = {"allow": 0, "review": 1, "block": 2}


@dataclass(frozen=True, slots=True)
class Policy:
    """What an organization does with each category."""

    categories: Mapping[str, Decision]

    def of(self, category: str) -> Decision:
        """What is done with a text of this category; one that we do not know is looked at."""
        if category in NEVER:
            return "block"
        return self.categories.get(category) or DEFAULT.get(category, "review")

    def decide(self, verdicts: Iterable[Verdict]) -> tuple[Decision, tuple[str, ...]]:
        """The strictest that any of these texts needs, and for which categories."""
        flagged = sorted({category for verdict in verdicts for category in verdict.flagged})
        decision: Decision = max((self.of(each) for each in flagged), key=_RANK.__getitem__, default="allow")
        return decision, tuple(each for each in flagged if self.of(each) == decision != "allow")

"""A post that recurs: what is said, by which rule, and what became of each time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from publisher.posts.content import Content
from publisher.posts.model import Changes, Target
from publisher.recurrences.rules import Rule

HORIZON: Final = timedelta(days=14)
"""How far ahead posts are made of it."""

Fate = Literal["planned", "refused", "missed"]
"""A post was made of it; it could not be published so; its time had passed before a post could be made."""


@dataclass(frozen=True, slots=True)
class Template:
    """What is said each time, and on which accounts."""

    text: str
    content: Content
    targets: tuple[Target, ...]

    def changes(self) -> Changes:
        """As wishes for a post."""
        return Changes(self.text, self.targets, None, self.content)

    def stored_targets(self) -> list[dict[str, Any]]:
        """The accounts as they are stored."""
        return [
            {"account_id": str(each.account_id), "text": each.text, "different": each.different}
            for each in self.targets
        ]

    @classmethod
    def read(cls, text: str, content: Mapping[str, Any], targets: list[dict[str, Any]]) -> "Template":
        """What was stored."""
        found = tuple(Target(UUID(each["account_id"]), each["text"], each["different"]) for each in targets)
        return cls(text, Content.read(content), found)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A recurring post as it is stored; `planned_until` is the wall clock up to which posts were made of it."""

    id: UUID
    organization_id: UUID
    rule: Rule
    template: Template
    ended: bool
    planned_until: datetime | None
    created_by: UUID | None
    version: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time of a recurring post that came into the horizon."""

    local: datetime
    at: datetime
    fate: Fate
    post_id: UUID | None
    reason: str

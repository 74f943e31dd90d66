from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

ArrangedKind = Literal["canned_reply", "macro", "view", "segment"]

MOST_SHARED: Final = 500
"""Of one kind that all of an organization share."""

MOST_OWN: Final = 200
"""Of one kind that one member has for themselves."""


@dataclass(frozen=True, slots=True)
class Arranged:
    """Something with a name that makes work quicker: for all, or for its owner alone. The document is the noun's."""

    id: UUID
    key: str
    owner_id: UUID | None
    document: Mapping[str, Any]
    version: int
    created_at: datetime
    changed_at: datetime

    @property
    def shared(self) -> bool:
        """Whether all have it."""
        return self.owner_id is None

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

RULES: Final[Mapping[str, str]] = {
    "same_message": "One message told an id of each: the platform itself knows them as one person.",
    "identity_changed": "The platform told that the one has become the other.",
    "claimed": "Somebody wrote under an address or number of each, which nobody has proven to be theirs.",
    "same_number": "Both have the same telephone number, on different channels.",
    "by_hand": "Somebody of the team has said that they are one.",
}
"""Why two contacts are taken for one, as a person reads it."""

BY_HAND: Final = "by_hand"


@dataclass(frozen=True, slots=True)
class Merge:
    """Two contacts became one: `kept_id` is as whom `merged_id` is shown since."""

    id: UUID
    kept_id: UUID
    merged_id: UUID
    rule: str
    merged_at: datetime
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class Match:
    """Two contacts that may be one, and what speaks for it."""

    id: UUID
    first_id: UUID
    second_id: UUID
    rule: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the history of a contact's identity.

    `value` is what they were known by, in the clear; None where nothing is told, or nothing can be read any more.
    """

    at: datetime
    what: str
    contact_id: UUID
    other_id: UUID | None = None
    kind: str = ""
    value: str | None = None
    rule: str = ""
    merge_id: UUID | None = None
    undone: bool = False


def subtree(root: UUID, parents: Mapping[UUID, UUID]) -> set[UUID]:
    """A contact with all that were merged into it, directly or by others; `parents` is by whom each was taken up."""
    found, rest = {root}, set(parents)
    while grown := {each for each in rest if parents[each] in found}:
        found |= grown
        rest -= grown
    return found

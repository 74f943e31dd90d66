from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from inbox.contacts.merging.model import RULES, Happened, Match, Merge
from kit.http.models import Model, Out


class MergeContacts(Model):
    """Say that another contact is this one."""

    contact_id: UUID = Field(description="The contact that is shown as this one from now on.")


class MergeOut(Out):
    """Two contacts became one; while it is not undone, `merged_id` is shown as `kept_id`."""

    id: UUID
    kept_id: UUID
    merged_id: UUID
    rule: str = Field(description="Why: " + ", ".join(f"`{rule}`" for rule in RULES) + ".")
    because: str = Field(description="The rule as a person reads it.")
    merged_at: datetime
    undone_at: datetime | None

    @classmethod
    def of(cls, merge: Merge) -> Self:
        """The merge as shown."""
        return cls(
            id=merge.id,
            kept_id=merge.kept_id,
            merged_id=merge.merged_id,
            rule=merge.rule,
            because=RULES.get(merge.rule, ""),
            merged_at=merge.merged_at,
            undone_at=merge.undone_at,
        )


class SuggestionOut(Out):
    """Two contacts that may be one; somebody decides."""

    id: UUID
    contact_ids: list[UUID]
    rule: str
    because: str = Field(description="What speaks for it, as a person reads it.")
    created_at: datetime

    @classmethod
    def of(cls, match: Match) -> Self:
        """The suggestion as shown."""
        return cls(
            id=match.id,
            contact_ids=[match.first_id, match.second_id],
            rule=match.rule,
            because=RULES.get(match.rule, ""),
            created_at=match.created_at,
        )


class HappenedOut(Out):
    """One line of the history of a contact's identity."""

    at: datetime
    what: str = Field(
        description="`known_as` (an identity was learnt), `left` (it is theirs no more), `taken` (another contact "
        "had it before), `merged`, `separated`."
    )
    contact_id: UUID
    other_id: UUID | None = Field(description="The other contact of a merge, or who had the identity before.")
    kind: str = Field(description="The kind of the identity; empty for merges.")
    value: str | None
    rule: str
    because: str
    merge_id: UUID | None = Field(description="To undo it by.")
    undone: bool

    @classmethod
    def of(cls, happened: Happened) -> Self:
        """The line as shown."""
        return cls(
            at=happened.at,
            what=happened.what,
            contact_id=happened.contact_id,
            other_id=happened.other_id,
            kind=happened.kind,
            value=happened.value,
            rule=happened.rule,
            because=RULES.get(happened.rule, ""),
            merge_id=happened.merge_id,
            undone=happened.undone,
        )


class HistoryOut(Out):
    """How a contact came to be known by what it is known by, the newest first."""

    items: list[HappenedOut]

"""What is switched on for whom: plain functions of values, the same wherever they are asked."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

MOST_FLAGS: Final = 500
_BUCKETS: Final = 10_000

CountedBy = Literal["organization", "user"]


@dataclass(frozen=True, slots=True)
class Rules:
    """For whom a flag is on. `percentage` counts organizations, or users, by a hash that never changes."""

    by_default: bool = False
    killed: bool = False
    percentage: float = 0.0
    counted_by: CountedBy = "organization"
    organizations: frozenset[UUID] = frozenset()
    plans: frozenset[str] = frozenset()
    users: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag with its rules."""

    id: UUID
    key: str
    sentence: str
    rules: Rules
    version: int
    changed_by: UUID
    changed_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks: a user, where they act, and on which plan that is."""

    user_id: UUID
    organization_id: UUID | None = None
    plan: str = ""


def share_of(key: str, subject_id: UUID) -> float:
    """Where somebody stands among all, from 0 to below 100 per cent, differently for each flag and for ever."""
    digest = hashlib.sha256(f"{key}:{subject_id}".encode()).digest()
    return int.from_bytes(digest[:8]) % _BUCKETS / (_BUCKETS / 100)


def is_on(key: str, rules: Rules, subject: Subject) -> bool:
    """Whether a flag is on for somebody. Killed is off for all; who is named is on; else the share, else the default.

    Raising the percentage only adds people: whoever had it keeps it.
    """
    if rules.killed:
        return False
    if subject.user_id in rules.users or subject.plan in rules.plans:
        return True
    if subject.organization_id is not None and subject.organization_id in rules.organizations:
        return True
    counted = subject.user_id if rules.counted_by == "user" else subject.organization_id
    if counted is not None and share_of(key, counted) < rules.percentage:
        return True
    return rules.by_default


def evaluated(flags: Iterable[tuple[str, Rules]], subject: Subject) -> Mapping[str, bool]:
    """All flags for somebody, by key."""
    return {key: is_on(key, rules, subject) for key, rules in sorted(flags, key=lambda each: each[0])}

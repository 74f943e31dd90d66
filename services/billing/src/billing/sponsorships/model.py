"""Agencies that pay for clients, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Sponsoring:
    """What a plan gives to clients, and to how many."""

    plan: str
    clients: int


SPONSORING: Final[Mapping[str, Sponsoring]] = MappingProxyType({"agency": Sponsoring("pro", 25)})
"""By the plan that the agency pays for itself; a granted one pays for nobody."""

NOTHING: Final = ""


def given(own_plan: str) -> str:
    """The plan that clients have while their agency has this one by itself; nothing, where it gives none."""
    found = SPONSORING.get(own_plan)
    return found.plan if found else NOTHING


@dataclass(frozen=True, slots=True)
class Sponsorship:
    """An agency pays for a client; `plan` is what the client has of it now, empty while it has nothing."""

    id: UUID
    organization_id: UUID
    agency_id: UUID
    delegation_id: UUID
    plan: str
    ended_because: str | None
    ended_at: datetime | None
    version: int
    created_at: datetime

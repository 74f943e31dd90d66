"""Many texts at once, for half the price, within a day: plain values."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from kit.ledger.model import Effect, Lane

KIND: Final = "generation.batch"
LANE: Final = "batches"
LASTS: Final = timedelta(hours=30)
"""How long what is set aside for a batch stands: a provider may take a day."""

MOST: Final = 100
"""Generations of one batch."""


class BatchState(StrEnum):
    """How far a batch is."""

    QUEUED = "queued"
    SUBMITTED = "submitted"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it stands; `external_id` is the provider's."""

    id: UUID
    organization_id: UUID
    created_by: UUID | None
    provider: str
    model: str
    state: BatchState
    external_id: str | None
    cancel_wanted: bool
    version: int
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of its generations stand how."""

    running: int = 0
    held: int = 0
    done: int = 0
    failed: int = 0


def effect(batch: Batch) -> Effect:
    """A batch as the ledger knows it."""
    return Effect(KIND, Lane(batch.organization_id, LANE), batch.id)

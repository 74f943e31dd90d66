from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID


class QueueState(StrEnum):
    """Where a partner queue is between being asked for and being there, or being given up and being gone."""

    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"

    @property
    def settled(self) -> "QueueState":
        """What it becomes once the broker has done what is asked."""
        return {QueueState.OPENING: QueueState.OPEN, QueueState.CLOSING: QueueState.CLOSED}.get(self, self)


@dataclass(frozen=True, slots=True)
class PartnerQueue:
    """An organization's partner queue; an organization that never asked for one has a closed one."""

    organization_id: UUID
    state: QueueState
    version: int
    changed_at: datetime

    def wanted(self) -> Self:
        """The queue as asked for: one that is there, or on its way, stays as it is."""
        return self if self.state.settled is QueueState.OPEN else self._now(QueueState.OPENING)

    def unwanted(self) -> Self:
        """The queue as given up: one that is gone, or on its way out, stays as it is."""
        return self if self.state.settled is QueueState.CLOSED else self._now(QueueState.CLOSING)

    def _now(self, state: QueueState) -> Self:
        return replace(self, state=state, version=self.version + 1)


@dataclass(frozen=True, slots=True)
class Claim:
    """One worker's right to do on the broker what a row asks for; `attempt` is its fence."""

    organization_id: UUID
    state: QueueState
    attempt: int

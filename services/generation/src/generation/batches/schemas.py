from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field

from generation.batches.model import MOST, Batch, BatchState, Counts
from generation.generations.schemas import RequestTexts
from generation.providers.routing import Quality
from kit.http.models import Model, Out


class BeginBatch(Model):
    """What is to be written within a day; each item as for a generation by itself."""

    items: list[RequestTexts] = Field(min_length=1, max_length=MOST)
    quality: Quality = Field("balanced", description="Of all items, whatever they say.")


class BatchOut(Out):
    """A batch, and how its generations stand."""

    id: UUID
    state: BatchState
    model: str
    running: int
    held: int
    done: int
    failed: int
    cancel_wanted: bool
    created_by: UUID | None = Field(description="Null once they were forgotten.")
    version: int
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, found: tuple[Batch, Counts]) -> Self:
        """As it is shown."""
        batch, counts = found
        return cls(
            id=batch.id,
            state=batch.state,
            model=batch.model,
            running=counts.running,
            held=counts.held,
            done=counts.done,
            failed=counts.failed,
            cancel_wanted=batch.cancel_wanted,
            created_by=batch.created_by,
            version=batch.version,
            created_at=batch.created_at,
            ended_at=batch.ended_at,
        )

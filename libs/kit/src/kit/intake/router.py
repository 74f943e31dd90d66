"""The desk over HTTP, for operators; content is never shown here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field

from kit.http.app import part
from kit.http.models import Model, Out
from kit.http.operator import OperatorOnly
from kit.intake.desk import Choice, Desk, State

router = APIRouter(prefix="/internal/intake", dependencies=[OperatorOnly], include_in_schema=False)
AtDesk = Annotated[Desk, Depends(part(Desk))]


class Choose(Model):
    """Which ones are meant: ids, or a source with a reason, or a time."""

    ids: list[UUID] = Field(default_factory=list, max_length=1000)
    source: str | None = Field(None, max_length=100)
    reason: str | None = Field(None, max_length=500)
    since: AwareDatetime | None = None

    def choice(self) -> Choice:
        """As the desk wants it."""
        return Choice(self.ids, self.source, self.reason, self.since)


class ItemOut(Out):
    """An item without its content."""

    id: UUID
    delivery_id: UUID
    position: int
    source: str
    item_id: str
    kind: str
    tenant: str
    generation: int
    state: str
    reason: str | None
    attempts: int
    organization_id: UUID | None
    occurred_at: datetime | None
    received_at: datetime
    decided_at: datetime | None


class DeliveryOut(Out):
    """A delivery without its body."""

    id: UUID
    source: str
    bytes: int
    state: str
    reason: str | None
    items: int
    attempts: int
    generation: int
    received_at: datetime


class Changed(Out):
    """How many were changed."""

    count: int


@router.get("/items")
async def list_items(
    *,
    desk: AtDesk,
    state: State = "quarantined",
    source: str | None = None,
    reason: str | None = None,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Sequence[ItemOut]:
    """Items in one state, newest first."""
    items = await desk.list(state=state, source=source, reason=reason, before=before, limit=limit)
    return [ItemOut.model_validate(item) for item in items]


@router.get("/deliveries")
async def list_unreadable(
    desk: AtDesk,
    source: str | None = None,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Sequence[DeliveryOut]:
    """Deliveries that nobody could take apart, newest first."""
    deliveries = await desk.unreadable(source=source, before=before, limit=limit)
    return [DeliveryOut.model_validate(delivery) for delivery in deliveries]


@router.get("/{record_id}")
async def show(record_id: UUID, desk: AtDesk) -> ItemOut | DeliveryOut:
    """One item or delivery."""
    record = await desk.show(record_id)
    return ItemOut.model_validate(record) if hasattr(record, "item_id") else DeliveryOut.model_validate(record)


@router.post("/replay")
async def replay(body: Choose, desk: AtDesk) -> Changed:
    """Let them be applied again."""
    return Changed(count=await desk.replay(body.choice()))


@router.post("/discard")
async def discard(body: Choose, desk: AtDesk) -> Changed:
    """Give up on them."""
    return Changed(count=await desk.discard(body.choice()))

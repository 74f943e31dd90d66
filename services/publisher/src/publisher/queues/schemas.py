from datetime import datetime, time
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from kit.http.models import Model, Out
from publisher.queues.model import Arrangement, Place, Queue, Wishes
from publisher.queues.slots import DAYS, Slot

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class SlotIn(Model):
    """A time of each week."""

    day: Day
    at: str = Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["09:00"])

    def slot(self) -> Slot:
        """What is meant."""
        return Slot(DAYS.index(self.day), time.fromisoformat(self.at))

    @classmethod
    def of(cls, slot: Slot) -> Self:
        """The slot."""
        return cls.model_validate({"day": DAYS[slot.day], "at": slot.at.isoformat("minutes")})


class SetQueue(Model):
    """What a queue is: weekly slots, by the clocks of a zone, for one account or several."""

    name: str = Field(min_length=1, max_length=100, examples=["Weekday mornings"])
    zone: str = Field(max_length=64, examples=["Europe/Berlin"])
    slots: Annotated[list[SlotIn], Field(min_length=1, max_length=168)]
    accounts: Annotated[list[UUID], Field(min_length=1, max_length=50)]

    def wishes(self) -> Wishes:
        """What is meant; what is said twice counts once."""
        slots = sorted({each.slot() for each in self.slots})
        return Wishes(self.name, self.zone, tuple(slots), tuple(dict.fromkeys(self.accounts)))


class ArrangeQueue(Model):
    """One of three: these posts in this order, one post and all after it a slot later, or no gaps any more."""

    order: Annotated[list[UUID], Field(min_length=1, max_length=200)] | None = None
    push_back: UUID | None = None
    close_gaps: Literal[True] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(each is not None for each in (self.order, self.push_back, self.close_gaps)) != 1:
            raise ValueError("Say one of order, push_back and close_gaps.")
        if self.order is not None and len(set(self.order)) != len(self.order):
            raise ValueError("order names a post twice.")
        return self

    def arrangement(self) -> Arrangement:
        """What is meant."""
        return Arrangement(tuple(self.order or ()), self.push_back, self.close_gaps is not None)


class ArrangedOut(Out):
    """What came of it."""

    moved: int = Field(description="How many posts leave at another time now.")


class QueueOut(Out):
    """A queue."""

    id: UUID
    name: str
    zone: str
    slots: list[SlotIn]
    accounts: list[UUID]
    created_at: datetime
    changed_at: datetime
    version: int

    @classmethod
    def of(cls, queue: Queue) -> Self:
        """The queue as it is now."""
        return cls(
            id=queue.id,
            name=queue.name,
            zone=queue.zone,
            slots=[SlotIn.of(each) for each in queue.slots],
            accounts=list(queue.accounts),
            created_at=queue.created_at,
            changed_at=queue.changed_at,
            version=queue.version,
        )


class PlaceOut(Out):
    """A slot, and which post has it."""

    publish_at: datetime
    local: datetime = Field(description="What the clocks of the queue's zone show then.")
    post_id: UUID | None = Field(description="Null while it is free.")

    @classmethod
    def of(cls, place: Place) -> Self:
        """The slot as it is now."""
        wall = place.when.wall_clock
        return cls(publish_at=place.when.at, local=wall.local if wall else place.when.at, post_id=place.post_id)

"""A queue of posts: weekly slots of some accounts, and which post has which."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from publisher.posts.when import When
from publisher.queues.slots import Slot


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue as it is stored."""

    id: UUID
    organization_id: UUID
    name: str
    zone: str
    slots: tuple[Slot, ...]
    accounts: tuple[UUID, ...]
    version: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a queue is to be."""

    name: str
    zone: str
    slots: tuple[Slot, ...]
    accounts: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What is to be done with what waits: one of three.

    `order` gives these posts each other's slots, in this order; `push_back` moves this post and those after it one
    slot further; `close_gaps` moves all to the earliest slots there are now.
    """

    order: tuple[UUID, ...] = ()
    push_back: UUID | None = None
    close_gaps: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A slot, and the post that has it, if one has."""

    when: When
    post_id: UUID | None

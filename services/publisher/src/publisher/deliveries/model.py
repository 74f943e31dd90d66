"""One post on its way to one account."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.ledger.model import Attempt, State, Status
from postrules.limits import Platform
from publisher.posts.model import PostStatus

KIND = "publisher.delivery"

STATUS_OF = {
    Status.PENDING: PostStatus.SCHEDULED,
    Status.CALLING: PostStatus.PUBLISHING,
    Status.UNKNOWN: PostStatus.CHECKING,
    Status.DONE: PostStatus.PUBLISHED,
    Status.REFUSED: PostStatus.FAILED,
    Status.UNCONFIRMED: PostStatus.UNCONFIRMED,
    Status.CANCELLED: PostStatus.CANCELLED,
}
"""What the ledger's words are called here."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The way of one post to one account, as it is stored."""

    id: UUID
    post_id: UUID
    account_id: UUID
    platform: Platform
    text: str | None
    status: PostStatus
    external_id: str | None
    url: str | None
    reason: str
    code: str
    published_at: datetime | None
    resolved_by: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A delivery as it is now: what the ledger knows beyond the row, and what was tried."""

    delivery: Delivery
    state: State | None
    attempts: tuple[Attempt, ...] = ()

    @property
    def status(self) -> PostStatus:
        """The stored status, unless a worker has it just now."""
        if self.state is not None and self.state.status is Status.CALLING:
            return PostStatus.PUBLISHING
        return self.delivery.status

    @property
    def next_at(self) -> datetime | None:
        """When it is tried next, at the earliest."""
        return self.state.due_at if self.state is not None and self.state.status is Status.PENDING else None

    @property
    def reason(self) -> str:
        """Why it is where it is, in plain words: also why it has to wait."""
        waiting = self.delivery.status is PostStatus.SCHEDULED and self.state is not None
        if waiting and self.state is not None and self.state.held:
            return self.state.held
        return self.delivery.reason

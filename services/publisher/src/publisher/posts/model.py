"""A post, and what its deliveries make of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, Final, Literal
from uuid import UUID

from publisher.posts.content import NOTHING_MORE, Content
from publisher.posts.when import InQueue, When


class PostStatus(StrEnum):
    """Where a post, or one delivery of it, stands.

    `publishing` is with a worker just now; `processing` is with the platform, which works on it and does not show it
    yet; `checking` may be live and is being looked for; `unconfirmed` could not be
    found out and waits for a person.
    """

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    PUBLISHING = "publishing"
    PROCESSING = "processing"
    PUBLISHED = "published"
    FAILED = "failed"
    CHECKING = "checking"
    UNCONFIRMED = "unconfirmed"
    CANCELLED = "cancelled"


_LOUDEST: Final = (
    PostStatus.UNCONFIRMED,
    PostStatus.CHECKING,
    PostStatus.PUBLISHING,
    PostStatus.PROCESSING,
    PostStatus.SCHEDULED,
    PostStatus.FAILED,
    PostStatus.PUBLISHED,
    PostStatus.CANCELLED,
    PostStatus.DRAFT,
)


def overall(statuses: Iterable[PostStatus]) -> PostStatus:
    """The status of a post from those of its deliveries: what asks for attention or is still to come is first."""
    found = set(statuses)
    return next((status for status in _LOUDEST if status in found), PostStatus.DRAFT)


@dataclass(frozen=True, slots=True)
class Target:
    """An account a post is for, and what is different there.

    `text` is said there instead of the post's own; `different` are the fields of its content that are others there,
    as they are stored, None where there are none.
    """

    account_id: UUID
    text: str | None = None
    different: Mapping[str, Any] | None = None


class _Unset(Enum):
    UNSET = "unset"


Unset: Final = _Unset.UNSET


@dataclass(frozen=True, slots=True)
class Changes:
    """What is wanted of a post; what is unset stays as it is, and no time makes it a draft."""

    text: str | Literal[_Unset.UNSET] = Unset
    targets: tuple[Target, ...] | Literal[_Unset.UNSET] = Unset
    when: When | InQueue | Literal[_Unset.UNSET] | None = Unset
    content: Content | Literal[_Unset.UNSET] = Unset

    def time(self, before: When | None) -> When | None:
        """The time that is wanted, once a slot was chosen for who wants one.

        Raises:
            TypeError: none was; that is a bug of the caller.
        """
        if isinstance(self.when, InQueue):
            raise TypeError("choose a slot first")
        return before if self.when is Unset else self.when


@dataclass(frozen=True, slots=True)
class Post:
    """A post as it is stored."""

    id: UUID
    organization_id: UUID
    text: str
    status: PostStatus
    when: When | None
    created_by: UUID | None
    version: int
    created_at: datetime
    changed_at: datetime
    content: Content = NOTHING_MORE
    queue_id: UUID | None = None

    @property
    def editable(self) -> bool:
        """Whether it may still be a draft or wait for its time."""
        return self.status in (PostStatus.DRAFT, PostStatus.SCHEDULED)

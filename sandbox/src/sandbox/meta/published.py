"""What is live at one of Meta's platforms, and what people did to it."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sandbox.json import Object
from sandbox.shelf import Shelf

KEPT = 20_000
_numbers = itertools.count(1)


def new_number(first: str) -> str:
    """An id that nothing else has."""
    return f"{first}{next(_numbers):012d}"


def meta_time(at: float) -> str:
    """A time as the Graph API writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


@dataclass(slots=True)
class Post:
    """Something that is live, from the moment it was accepted; people read it from `readable_at` on."""

    id: str
    owner: str
    text: str
    kind: str
    body: Object = field(default_factory=dict)
    created_at: float = field(default_factory=time.time)
    readable_at: float = 0.0
    reply_to: str = ""
    deleted: bool = False
    number: int = field(default_factory=lambda: next(_numbers))

    @property
    def readable(self) -> bool:
        """Whether the API shows it by now."""
        return not self.deleted and time.time() >= self.readable_at


@dataclass(slots=True)
class Comment:
    """A comment below a post."""

    id: str
    post_id: str
    author: str
    text: str
    created_at: float = field(default_factory=time.time)
    number: int = field(default_factory=lambda: next(_numbers))


class Published:
    """All posts and comments of one platform."""

    def __init__(self) -> None:
        self.posts: Shelf[str, Post] = Shelf(most=KEPT)
        self.comments: Shelf[str, Comment] = Shelf(most=KEPT)

    def add(self, post: Post) -> Post:
        """Make a post live."""
        self.posts.put(post.id, post)
        return post

    def newest(self, where: Callable[[Post], bool]) -> list[Post]:
        """The posts that the API shows, newest first."""
        return self.posts.all(lambda one: one.readable and where(one))[::-1]

    def below(self, post_id: str) -> list[Comment]:
        """The comments below a post, newest first."""
        return self.comments.all(lambda one: one.post_id == post_id)[::-1]

    def used(self, owner: str, seconds: float = 86_400.0) -> int:
        """How much somebody has published within so many seconds, deleted or not."""
        since = time.time() - seconds
        return len(self.posts.all(lambda one: one.owner == owner and one.created_at >= since and not one.reply_to))

    def clear(self) -> None:
        """Forget all."""
        self.posts.clear()
        self.comments.clear()

"""Sending films piece by piece: for as long as a step may last, and on from where it got to."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from kit.errors import TransientError
from kit.ledger.model import NotAccepted, Refused
from publisher.platforms.base import MediaItem, Outgoing
from publisher.platforms.speaking import TROUBLES

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a call may go on sending; what is left then is sent by the next step."""

    ends: float

    @classmethod
    def of(cls, seconds: float) -> "Budget":
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds."""
        return self.ends - time.monotonic()

    @property
    def spent(self) -> bool:
        """Whether no further piece is to be begun."""
        return self.left <= 0


async def stepwise(begun: T, step: Callable[[T], Awaitable[T]], done: Callable[[T], bool], budget: Budget) -> T:
    """Make step after step until all is done or the budget is spent; how far that got.

    Raises:
        Rejected, NotSent, Silent: not even the first step was made.
    """
    progress = begun
    while not done(progress) and not (budget.spent and progress != begun):
        try:
            progress = await step(progress)
        except TROUBLES:
            if progress == begun:
                raise
            return progress
    return progress


async def piece(item: MediaItem, offset: int, length: int) -> bytes:
    """The bytes from an offset.

    Raises:
        NotAccepted: they cannot be read just now.
        Refused: the film is not what it was said to be.
    """
    wanted = min(length, item.size_bytes - offset)
    try:
        content = await item.read(offset, wanted)
    except (OSError, TransientError) as trouble:
        raise NotAccepted(
            "The picture or video could not be read just now.", code="media-unreadable", said=type(trouble).__name__
        ) from trouble
    if len(content) != wanted:
        raise Refused("The picture or video is not complete; upload it again.", code="media-incomplete")
    return content


def film_of(outgoing: Outgoing, platform: str) -> MediaItem:
    """The one film of a post.

    Raises:
        Refused: there is none, or more than one.
    """
    films = [item for item in outgoing.media if item.kind == "video"]
    if len(films) != 1 or len(outgoing.media) != 1:
        raise Refused(f"A post on {platform} is one video; give it exactly one.", code="needs-one-video")
    return films[0]


def with_link(outgoing: Outgoing) -> str:
    """The text, and the link where the text does not have it: as `postrules` measures it."""
    if not outgoing.link or outgoing.link in outgoing.text:
        return outgoing.text
    return f"{outgoing.text}\n\n{outgoing.link}" if outgoing.text.strip() else outgoing.link


def comparable(text: str) -> str:
    """A text apart from the white space that a platform may have changed."""
    return " ".join(text.split())

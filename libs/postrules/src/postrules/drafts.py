"""What is to be published on one platform, before anybody sends it anywhere, and what may be wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Literal

from postrules.limits import LIMITS, Limit, Limits, Platform, Unit, Value

MediaKind = Literal["image", "video", "document"]
GIF = "image/gif"


class Kind(StrEnum):
    """A kind of post."""

    POST = "post"
    CAROUSEL = "carousel"
    REEL = "reel"
    SHORT = "short"
    STORY = "story"
    THREAD = "thread"


class Privacy(StrEnum):
    """Who may see a post; friends are those who follow each other, or connections."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    FOLLOWERS = "followers"
    FRIENDS = "friends"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Media:
    """A picture, video or document as far as it is known; what is None is not checked.

    Width and height are those seen, after rotation.
    """

    kind: MediaKind
    mime: str = ""
    size_bytes: int | None = None
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    frames_per_second: float | None = None
    pages: int | None = None
    animated: bool | None = None
    alt: str = ""

    @property
    def moves(self) -> bool:
        """Whether it is an animated picture; a GIF is taken for one unless it is known not to be."""
        return self.kind == "image" and (self.mime == GIF if self.animated is None else self.animated)


@dataclass(frozen=True, slots=True)
class Part:
    """What follows a post in its thread."""

    text: str
    media: tuple[Media, ...] = ()


@dataclass(frozen=True)
class Draft:
    """One post for one platform; `account` is a "member" or an "organization", "" where it is not known.

    `thread` are the parts that follow the post, `cover` is the picture that stands for its film in lists.
    """

    platform: Platform
    text: str = ""
    kind: Kind = Kind.POST
    title: str = ""
    link: str = ""
    thread: tuple[Part, ...] = ()
    first_comment: str = ""
    media: tuple[Media, ...] = ()
    privacy: Privacy | None = None
    ai_label: bool = False
    made_for_kids: bool | None = None
    tags: tuple[str, ...] = ()
    account: str = ""
    cover: Media | None = None

    @cached_property
    def limits(self) -> Limits:
        """What its platform allows."""
        return LIMITS[self.platform]

    @cached_property
    def published_as(self) -> Kind:
        """The kind it is published as: a common post becomes what its media or its further parts make of it."""
        if self.kind is not Kind.POST:
            return self.kind
        kinds = self.names("kinds")
        if self.thread and Kind.THREAD in kinds:
            return Kind.THREAD
        pictures = bool(self.media) and all(each.kind == "image" for each in self.media)
        if Kind.CAROUSEL in kinds and (len(self.media) > 1 or (pictures and self.platform is Platform.TIKTOK)):
            return Kind.CAROUSEL
        if self.platform is Platform.INSTAGRAM and any(each.kind == "video" for each in self.media):
            return Kind.REEL
        return Kind.POST

    @cached_property
    def sent_text(self) -> str:
        """The text as it is sent: a link that has no place of its own stands at its end."""
        if not self.link or self.link in self.text or (self.holds("link.field") and not self.media):
            return self.text
        return f"{self.text}\n\n{self.link}" if self.text.strip() else self.link

    def limit(self, rule: str) -> Limit | None:
        """The limit for a post as this one is published."""
        return self._narrowed.get(rule)

    @cached_property
    def _narrowed(self) -> Mapping[str, Limit]:
        return self.limits.of(self.published_as.value, self.account)

    def names(self, rule: str) -> tuple[str, ...]:
        """The names that a limit lists; none without it."""
        limit = self.limits.find("kinds") if rule == "kinds" else self.limit(rule)
        return limit.value if limit and isinstance(limit.value, tuple) else ()

    def holds(self, rule: str, *, default: bool = False) -> bool:
        """Whether a limit of yes or no says yes."""
        limit = self.limit(rule)
        return default if limit is None else bool(limit.value)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a platform would refuse, or (if it does not block) would do otherwise than meant.

    `field` is a JSON Pointer within the draft, `media` the place of the media item that is meant. `limit` and
    `actual` are in `unit`. `detail` says what is wrong and `fix` what to do, in words for people.
    """

    platform: Platform
    field: str
    rule: str
    detail: str
    fix: str
    limit: Value | None = None
    actual: float | str | None = None
    unit: Unit | None = None
    media: int | None = None
    blocks: bool = True

"""What a post is besides its text: its kind, link, pictures and videos, first comment, the parts of its thread."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from postrules.drafts import Kind as PostKind


@dataclass(frozen=True, slots=True)
class MediaUse:
    """A picture or video in a post; `alt` tells those about it who do not see it."""

    media_id: UUID
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """What follows a post in its thread."""

    text: str
    media: tuple[MediaUse, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """What a post is besides its text; `options` are the platforms' own (privacy, labels), by name."""

    kind: PostKind = PostKind.POST
    title: str = ""
    link: str = ""
    media: tuple[MediaUse, ...] = ()
    first_comment: str = ""
    parts: tuple[Part, ...] = ()
    cover: UUID | None = None
    """A picture of the library that stands for a film in lists, where the platform takes one."""
    options: Mapping[str, str | bool] = field(default_factory=dict)

    @property
    def media_ids(self) -> set[UUID]:
        """All that it needs of the library: what it shows, and its cover."""
        return self.shown_ids | ({self.cover} if self.cover else set())

    @property
    def shown_ids(self) -> set[UUID]:
        """All that it shows, in its parts too."""
        return {use.media_id for use in (*self.media, *(use for part in self.parts for use in part.media))}

    def stored(self) -> dict[str, Any]:
        """As it is stored: what is not said is left out."""
        full = {
            "kind": self.kind.value if self.kind is not PostKind.POST else "",
            "title": self.title,
            "link": self.link,
            "media": _stored(self.media),
            "first_comment": self.first_comment,
            "parts": [{"text": part.text, "media": _stored(part.media)} for part in self.parts],
            "cover": str(self.cover) if self.cover else "",
            "options": dict(self.options),
        }
        return {name: value for name, value in full.items() if value}

    def changed_by(self, different: Mapping[str, Any] | None) -> "Content":
        """This, with what is different on one account, as that is stored: field by field, options as a whole."""
        return Content.read({**self.stored(), **different}) if different else self

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> "Content":
        """What was stored."""
        return cls(
            kind=PostKind(stored.get("kind") or PostKind.POST),
            title=stored.get("title", ""),
            link=stored.get("link", ""),
            media=_read(stored.get("media", ())),
            first_comment=stored.get("first_comment", ""),
            parts=tuple(Part(part["text"], _read(part.get("media", ()))) for part in stored.get("parts", ())),
            cover=UUID(stored["cover"]) if stored.get("cover") else None,
            options=stored.get("options", {}),
        )


NOTHING_MORE: Final = Content()
"""A post that is its text and nothing else."""


def _stored(uses: tuple[MediaUse, ...]) -> list[dict[str, str]]:
    return [{"media_id": str(use.media_id), "alt": use.alt} for use in uses]


def _read(stored: Any) -> tuple[MediaUse, ...]:
    return tuple(MediaUse(UUID(use["media_id"]), use.get("alt", "")) for use in stored)

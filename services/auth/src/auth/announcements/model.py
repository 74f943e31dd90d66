from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.operations.audience import Audience


class State(StrEnum):
    """Where an announcement stands; a scheduled one may be under way."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENT = "sent"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Words:
    """An announcement in one language: a line, paragraphs of plain text parted by empty lines, and perhaps a link."""

    title: str
    text: str
    link: str = ""

    def parameters(self) -> dict[str, str]:
        """What the template of the mail is filled with."""
        return {"title": self.title, "paragraphs": self.text, "link": self.link}


@dataclass(frozen=True, slots=True)
class Announcement:
    """What staff tells users."""

    id: UUID
    texts: Mapping[str, Words]
    audience: Audience
    by_mail: bool
    state: State
    send_at: datetime | None
    job_id: UUID | None
    version: int
    created_by: UUID
    created_at: datetime
    ended_at: datetime | None

    def words(self, language: str) -> Words:
        """In this language, or in English, which is always there."""
        return in_language(self.texts, language)


@dataclass(frozen=True, slots=True)
class Received:
    """An announcement as somebody reads it."""

    id: UUID
    words: Words
    told_at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is to be told, and by which proven address and in which language, if there is one."""

    user_id: UUID
    identity_id: UUID | None
    language: str


@dataclass(frozen=True, slots=True)
class Telling:
    """What a mail of an announcement is made of, when it leaves."""

    to: SealedAddress
    user_id: UUID
    words: Words


def texts_of(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, Words]:
    """Texts as they were stored."""
    return {language: Words(**words) for language, words in stored.items()}


def audience_of(wanted: Audience) -> Audience:
    """To whom an announcement goes: people who have proven an address and are not suspended."""
    return wanted.model_copy(update={"verified": True, "suspended": False})


def in_language(texts: Mapping[str, Words], language: str) -> Words:
    """The words in this language, or in English, which is always there."""
    return texts.get(language) or texts["en"]

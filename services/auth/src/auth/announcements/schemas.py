from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints, field_validator

from auth.announcements.model import Received, State, Words
from auth.announcements.service import Progress
from auth.operations.audience import Audience, Language
from kit.http.models import Line, Model, Out
from kit.jobs.router import JobOut

LONGEST_PARAGRAPH = 2000

Text = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=10_000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$"
    ),
]


class WordsIn(Model):
    """Plain text: paragraphs are parted by an empty line. A link is shown below, as a button."""

    title: Annotated[Line, Field(max_length=120)]
    text: Text
    link: Annotated[str, StringConstraints(max_length=500, pattern=r"^(https://[^\s<>\"]+)?$")] = ""

    @field_validator("text")
    @classmethod
    def _paragraphs_are_short_enough(cls, text: str) -> str:
        """A paragraph beyond this would be cut in mails."""
        if any(len(each) > LONGEST_PARAGRAPH for each in text.split("\n\n")):
            raise ValueError(f"a paragraph has at most {LONGEST_PARAGRAPH} characters")
        return text

    def words(self) -> Words:
        """As the model has them."""
        return Words(self.title, self.text, self.link)


class DraftAnnouncement(Model):
    """An announcement: its texts by language, English always among them, and to whom it goes."""

    texts: Annotated[dict[Language, WordsIn], Field(min_length=1, max_length=20)]
    audience: Audience = Audience()

    @field_validator("texts")
    @classmethod
    def _has_english(cls, texts: dict[str, WordsIn]) -> dict[str, WordsIn]:
        """Who reads another language than there are gets this one."""
        if "en" not in texts:
            raise ValueError("English is needed, for whoever reads none of the others")
        return texts

    def words(self) -> dict[str, Words]:
        """As the model has them."""
        return {language: each.words() for language, each in self.texts.items()}


class ChangeAnnouncement(DraftAnnouncement):
    """The same, and whether it goes by mail besides standing in the console."""

    by_mail: bool = True


class ScheduleAnnouncement(Model):
    """When it leaves; null is now."""

    send_at: AwareDatetime | None = None


class TryAnnouncement(Model):
    """In which language it is tried out."""

    language: Language = "en"


class WordsOut(Out):
    """An announcement in one language."""

    title: str
    text: str
    link: str


class AnnouncementOut(Out):
    """An announcement as staff sees it, with the job that brings it."""

    id: UUID
    texts: dict[str, WordsOut]
    audience: Audience
    by_mail: bool
    state: State
    send_at: datetime | None
    told: int
    read: int
    job: JobOut | None
    version: int
    created_by: UUID
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, progress: Progress) -> Self:
        """With its progress."""
        announcement, job, (told, read) = progress
        return cls(
            id=announcement.id,
            texts={language: WordsOut.model_validate(each) for language, each in announcement.texts.items()},
            audience=announcement.audience,
            by_mail=announcement.by_mail,
            state=announcement.state,
            send_at=announcement.send_at,
            told=told,
            read=read,
            job=None if job is None else JobOut.of(job),
            version=announcement.version,
            created_by=announcement.created_by,
            created_at=announcement.created_at,
            ended_at=announcement.ended_at,
        )


class ReachOut(Out):
    """How many people an announcement would reach now."""

    people: int


class ReceivedOut(Out):
    """An announcement in the caller's language."""

    id: UUID
    title: str
    text: str
    link: str
    told_at: datetime
    read_at: datetime | None

    @classmethod
    def of(cls, received: Received) -> Self:
        """As its reader sees it."""
        words = received.words
        return cls(
            id=received.id,
            title=words.title,
            text=words.text,
            link=words.link,
            told_at=received.told_at,
            read_at=received.read_at,
        )

"""What is wanted of a generation, and the texts that came of it: plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Literal
from uuid import UUID

from generation.providers.routing import Quality
from postrules.limits import LIMITS, Platform

Kind = Literal["captions", "improve", "translate", "seo", "thread"]
Improvement = Literal["shorter", "longer", "tone", "hook", "call_to_action", "emoji", "fix"]
Emoji = Literal["none", "few", "many", "keep"]
Language = Literal["en", "de", "fr", "es", "it", "pt", "nl"]

MOST_SLOTS: Final = 40
"""Texts of one generation."""

LEASE: Final = timedelta(minutes=15)
"""How long a generation may take in all; longer than its calls together."""


class State(StrEnum):
    """How far a generation is. `held` waits for a person, since moderation asks for one."""

    RUNNING = "running"
    HELD = "held"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one text: each has exactly one, by the shape that the model is held to."""

    platform: Platform
    language: Language
    variation: int

    @property
    def longest(self) -> int:
        """How long a text may be there, in what the platform counts."""
        return int(LIMITS[self.platform].text.number)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for; `subject` is theirs to say and never an instruction to us."""

    kind: Kind
    subject: str
    platforms: tuple[Platform, ...]
    languages: tuple[Language, ...] = ("en",)
    variations: int = 1
    tone: str = ""
    emoji: Emoji = "few"
    hashtags: int = 0
    call_to_action: str = ""
    link: str = ""
    improvement: Improvement | None = None
    glossary: Mapping[str, str] = field(default_factory=dict)
    parts: int = 0
    quality: Quality = "balanced"
    model: str | None = None
    similar: bool = False
    voice: str = ""
    """How the brand speaks, in words for the model, by whoever keeps voices; `voice_version` names it."""
    voice_version: str = ""
    voice_choice: str = "default"
    """The id of a voice, or default, or none."""
    voice_applied: Mapping[str, Any] | None = None
    """The very version that was chosen, as it may be stored."""
    template_choice: Mapping[str, Any] | None = None
    """Which template is wanted, and what is filled in."""
    template: Mapping[str, Any] | None = None
    """The very version that was chosen: its name, instruction, what holds on platforms, and what was filled in."""

    @property
    def slots(self) -> tuple[Slot, ...]:
        """All places for texts, in their order."""
        return tuple(
            Slot(platform, language, variation)
            for platform in self.platforms
            for language in self.languages
            for variation in range(1, self.variations + 1)
        )


@dataclass(frozen=True, slots=True)
class Text:
    """One text that its platform takes as it is; for threads with the parts that follow."""

    platform: Platform
    language: Language
    variation: int
    text: str
    hashtags: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    title: str = ""
    keywords: tuple[str, ...] = ()
    score: int | None = None
    """How near it is to the brand's voice, from 0 to 100, where one was chosen."""

    @property
    def slot(self) -> Slot:
        """Its place."""
        return Slot(self.platform, self.language, self.variation)

    @property
    def published(self) -> str:
        """As it would be published: hashtags stand below the text."""
        return f"{self.text}\n\n{' '.join(self.hashtags)}" if self.hashtags else self.text


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an answer, in words for the model; `slot` is None where it is wrong as a whole."""

    slot: Slot | None
    rule: str
    says: str


@dataclass(frozen=True, slots=True)
class Sums:
    """What all calls of a generation came to."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: int = 0
    plain: int = 0
    attempts: int = 0
    model: str = ""

    def plus(self, read: int, wrote: int, cost: int, plain: int, model: str) -> "Sums":
        """With one more call."""
        return Sums(
            self.input_tokens + read,
            self.output_tokens + wrote,
            self.cost + cost,
            self.plain + plain,
            self.attempts + 1,
            model,
        )


@dataclass(frozen=True, slots=True)
class Said:
    """How a generation ended, and why."""

    state: State
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation as it stands; what was asked and what came of it lie sealed."""

    id: UUID
    organization_id: UUID
    created_by: UUID | None
    kind: Kind
    state: State
    reason: str
    detail: str
    asked_sealed: bytes
    texts_sealed: bytes | None
    sums: Sums
    version: int
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A generation with what was asked and its texts in the clear."""

    generation: Generation
    wanted: Wanted | None
    texts: Sequence[Text]


def stored_text(text: Text) -> dict[str, Any]:
    """As it is kept under seal."""
    return {
        "platform": text.platform.value,
        "language": text.language,
        "variation": text.variation,
        "text": text.text,
        "hashtags": list(text.hashtags),
        "parts": list(text.parts),
        "title": text.title,
        "keywords": list(text.keywords),
        "score": text.score,
    }


def text_of(stored: Mapping[str, Any]) -> Text:
    """What was kept."""
    return Text(
        platform=Platform(stored["platform"]),
        language=stored["language"],
        variation=stored["variation"],
        text=stored["text"],
        hashtags=tuple(stored["hashtags"]),
        parts=tuple(stored["parts"]),
        title=stored["title"],
        keywords=tuple(stored["keywords"]),
        score=stored.get("score"),
    )

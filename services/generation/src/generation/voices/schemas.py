from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from generation.voices.measuring import TRAITS
from generation.voices.model import (
    MOST_SAMPLES,
    Applied,
    Given,
    Profile,
    Rules,
    Sample,
    SampleState,
    Shown,
    VoiceState,
)
from generation.voices.reading import fetchable
from generation.voices.scoring import Score
from generation.voices.service import Training, version_of
from kit.http.models import Line, Model, Out

_Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
_Word = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")
]
_Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000, pattern=r"^[^\x00]*$")
]


class RulesIn(Model):
    """What is wished of a voice, whatever its samples are like."""

    do: list[_Words] = Field(default_factory=list, max_length=20, examples=[["Name the baker who made it."]])
    dont: list[_Words] = Field(default_factory=list, max_length=20, examples=[["Never promise a discount."]])
    banned_words: list[_Word] = Field(
        default_factory=list, max_length=100, description="No text that is written with this voice has one of them."
    )
    preferred_words: dict[_Word, _Word] = Field(
        default_factory=dict,
        max_length=50,
        description="What is said in place of a word.",
        examples=[{"cheap": "fair"}],
    )

    def rules(self) -> Rules:
        """As the use-case takes them."""
        return Rules(tuple(self.do), tuple(self.dont), tuple(self.banned_words), self.preferred_words)


class SampleIn(Model):
    """One thing to learn from: a text, a page on the internet, or the latest posts that were published."""

    text: _Text | None = None
    url: str | None = Field(None, max_length=2000, examples=["https://example.com/about-us"])
    published_posts: int | None = Field(None, ge=1, le=50, description="How many of the latest.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if sum(each is not None for each in (self.text, self.url, self.published_posts)) != 1:
            raise ValueError("exactly one of text, url and published_posts is given")
        if self.url is not None and not fetchable(self.url):
            raise ValueError("url must be the https address of a page on the public internet")
        return self

    def given(self) -> Given:
        """As the use-case takes it."""
        if self.text is not None:
            return Given("text", self.text)
        return Given("url", self.url) if self.url is not None else Given("posts", str(self.published_posts))


Samples = Annotated[list[SampleIn], Field(min_length=1, max_length=MOST_SAMPLES)]


class CreateVoice(Model):
    """A new voice, and what it is learned from: 60 words at the least, and the more texts the better."""

    name: Line
    rules: RulesIn = RulesIn()
    samples: Samples

    def training(self) -> Training:
        """As the use-case takes it."""
        return Training(self.rules.rules(), [each.given() for each in self.samples])


class TrainVoice(Model):
    """A further version: its rules in place of those before, and what it is learned from besides."""

    rules: RulesIn = RulesIn()
    samples: Annotated[list[SampleIn], Field(max_length=MOST_SAMPLES)] = Field(default_factory=list)
    keep_samples: bool = Field(
        default=True, description="Whether it is learned from those of the version before, too."
    )

    @model_validator(mode="after")
    def _from_something(self) -> Self:
        if not self.samples and not self.keep_samples:
            raise ValueError("a version is learned from samples; give some, or keep those that there are")
        return self

    def training(self) -> Training:
        """As the use-case takes it."""
        return Training(self.rules.rules(), [each.given() for each in self.samples], self.keep_samples)


class ChangeVoice(Model):
    """Another name, or whether it is used where none is named; what is left out stays."""

    name: Line | None = None
    is_default: bool | None = None


class ScoreText(Model):
    """A text that is to be compared with a voice."""

    text: _Text
    number: int | None = Field(None, ge=1, le=10_000, description="With this version; the current one unless named.")


class TraitOut(Out):
    """One measure over all samples."""

    name: str
    says: str = Field(examples=["words in a sentence"])
    middle: float
    spread: float = Field(description="How far single texts lie from it, on the average.")


class ProfileOut(Out):
    """How texts of this voice are written, by measure."""

    texts: int
    words: int
    traits: list[TraitOut]
    vocabulary: list[str] = Field(description="What is said oftener than by others.")
    emoji: list[str]
    person: Literal["i", "we", "you", "nobody"]
    address: Literal["formal", "informal", ""]

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """As it is shown."""
        return cls.model_validate(
            {
                "texts": profile.texts,
                "words": profile.words,
                "traits": [
                    TraitOut(name=name, says=TRAITS.get(name, name), middle=each.middle, spread=each.spread)
                    for name, each in profile.traits.items()
                ],
                "vocabulary": list(profile.vocabulary),
                "emoji": list(profile.emoji),
                "person": profile.person,
                "address": profile.address,
            }
        )


class RulesOut(Out):
    """What is wished of a voice."""

    do: Sequence[str]
    dont: Sequence[str]
    banned_words: Sequence[str]
    preferred_words: dict[str, str]


class VersionOut(Out):
    """What was learned at one time."""

    number: int
    state: VoiceState
    reason: str = Field(description="Why it failed, as a name; empty otherwise.", examples=["too_few_words"])
    rules: RulesOut | None = Field(description="Null where they were forgotten.")
    profile: ProfileOut | None = Field(description="Null until it is ready.")
    samples: int
    words: int
    created_by: UUID | None = Field(description="Null once they were forgotten.")
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, shown: Shown) -> Self:
        """As it is shown."""
        version = version_of(shown)
        return cls(
            number=version.number,
            state=version.state,
            reason=version.reason,
            rules=None if shown.rules is None else RulesOut.model_validate(shown.rules),
            profile=None if shown.profile is None else ProfileOut.of(shown.profile),
            samples=version.samples,
            words=version.words,
            created_by=version.created_by,
            created_at=version.created_at,
            ended_at=version.ended_at,
        )


class VoiceOut(Out):
    """A voice, with the newest version that is ready, or its latest if none is."""

    id: UUID
    name: str | None = Field(description="Null where it was forgotten.")
    is_default: bool = Field(description="Whether it is used where none is named.")
    latest: int = Field(description="The number of its latest version.")
    current: int | None = Field(description="The number of the version that is used; null until one is ready.")
    version_shown: VersionOut | None
    version: int
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, shown: Shown) -> Self:
        """As it is shown."""
        voice = shown.voice
        return cls(
            id=voice.id,
            name=shown.name,
            is_default=voice.is_default,
            latest=voice.latest,
            current=voice.current,
            version_shown=None if shown.version is None else VersionOut.of(shown),
            version=voice.version,
            created_at=voice.created_at,
            changed_at=voice.changed_at,
        )


class SampleOut(Out):
    """What a version is learned from."""

    id: UUID
    source: Literal["text", "url", "posts"]
    state: SampleState
    reason: str
    since_version: int
    texts: list[str]

    @classmethod
    def of(cls, found: tuple[Sample, Sequence[str]]) -> Self:
        """As it is shown."""
        sample, texts = found
        return cls(
            id=sample.id,
            source=sample.source,
            state=sample.state,
            reason=sample.reason,
            since_version=sample.since_version,
            texts=list(texts),
        )


class SamplesOut(Out):
    """All that a version is learned from: at most 200."""

    items: list[SampleOut]


class ReasonOut(Out):
    """Why a text is not nearer to a voice."""

    trait: str
    says: str
    expected: str
    found: str
    points: int = Field(description="What the trait got of 100; what a broken rule takes from the whole.")


class ScoreOut(Out):
    """How near a text is to a voice, from 0 to 100."""

    voice_id: UUID
    number: int
    score: int
    reasons: list[ReasonOut] = Field(description="The weightiest first.")

    @classmethod
    def of(cls, found: tuple[Applied, Score]) -> Self:
        """As it is shown."""
        applied, score = found
        return cls(
            voice_id=applied.voice_id,
            number=applied.number,
            score=score.points,
            reasons=[ReasonOut.model_validate(each) for each in score.reasons],
        )

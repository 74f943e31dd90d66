"""A brand voice: what it was learned from, how it speaks by measure, and what people wish of it besides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal
from uuid import UUID

from kit.ledger.model import Effect, Lane

Source = Literal["text", "url", "posts"]

KIND: Final = "generation.sample"
"""The ledger's kind that fetches pages."""

MOST_SAMPLES: Final = 50
"""Samples that are given at once."""

MOST_KEPT: Final = 200
"""Samples of one version."""

MOST_VOICES: Final = 50
"""Voices of an organization."""

LEAST_WORDS: Final = 60
"""Words below which no voice can be told from another."""


class VoiceState(StrEnum):
    """How far a version is."""

    LEARNING = "learning"
    READY = "ready"
    FAILED = "failed"


class SampleState(StrEnum):
    """Whether a sample's text is there."""

    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Rules:
    """What people wish of a voice, whatever was measured."""

    do: Sequence[str] = ()
    dont: Sequence[str] = ()
    banned_words: Sequence[str] = ()
    preferred_words: Mapping[str, str] = field(default_factory=dict)
    """What is said in place of a word."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How texts are written, by measure; each of `traits` with its middle and how far single texts lie from it."""

    texts: int
    words: int
    traits: Mapping[str, "Trait"]
    vocabulary: Sequence[str]
    """Words that are said oftener than others, the commonest of the language left out."""
    emoji: Sequence[str]
    person: str
    """Who speaks to whom: i, we, you, or nobody."""
    address: str
    """formal or informal, where the language tells them apart; empty otherwise."""


@dataclass(frozen=True, slots=True)
class Trait:
    """One measure over all texts: its mean, and the mean distance from it."""

    middle: float
    spread: float


@dataclass(frozen=True, slots=True)
class Given:
    """A sample as somebody gives it: a text, the address of a page, or how many of the latest published posts."""

    source: Source
    content: str


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice as it stands."""

    id: UUID
    organization_id: UUID
    name_sealed: bytes
    is_default: bool
    latest: int
    current: int | None
    """The newest version that is ready."""
    version: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class VoiceVersion:
    """What was learned at one time; it never changes once it is ready."""

    id: UUID
    organization_id: UUID
    voice_id: UUID
    number: int
    created_by: UUID | None
    state: VoiceState
    reason: str
    rules_sealed: bytes
    profile_sealed: bytes | None
    samples: int
    words: int
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sample:
    """A text that a voice is learned from, or where it is to be fetched from."""

    id: UUID
    organization_id: UUID
    voice_id: UUID
    source: Source
    state: SampleState
    reason: str
    origin_sealed: bytes
    text_sealed: bytes | None
    since_version: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A voice with its name and a version of it in the clear; None where they were forgotten."""

    voice: Voice
    name: str | None
    version: VoiceVersion | None = None
    rules: Rules | None = None
    profile: Profile | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """A version of a voice, as it is laid upon what a model is asked."""

    voice_id: UUID
    number: int
    rules: Rules
    profile: Profile

    @property
    def name(self) -> str:
        """What tells it from every other version of every voice."""
        return f"{self.voice_id}/{self.number}"


def stored_profile(profile: Profile) -> dict[str, Any]:
    """As it is kept under seal."""
    return {
        "texts": profile.texts,
        "words": profile.words,
        "traits": {name: [each.middle, each.spread] for name, each in profile.traits.items()},
        "vocabulary": list(profile.vocabulary),
        "emoji": list(profile.emoji),
        "person": profile.person,
        "address": profile.address,
    }


def profile_of(stored: Mapping[str, Any]) -> Profile:
    """What was kept."""
    traits = {name: Trait(*each) for name, each in stored["traits"].items()}
    return Profile(
        stored["texts"],
        stored["words"],
        traits,
        tuple(stored["vocabulary"]),
        tuple(stored["emoji"]),
        stored["person"],
        stored["address"],
    )


def stored_rules(rules: Rules) -> dict[str, Any]:
    """As they are kept under seal."""
    return {
        "do": list(rules.do),
        "dont": list(rules.dont),
        "banned_words": list(rules.banned_words),
        "preferred_words": dict(rules.preferred_words),
    }


def rules_of(stored: Mapping[str, Any]) -> Rules:
    """What was kept."""
    return Rules(
        tuple(stored["do"]), tuple(stored["dont"]), tuple(stored["banned_words"]), dict(stored["preferred_words"])
    )


def effect(organization_id: UUID, sample_id: UUID) -> Effect:
    """A page to be fetched, as the ledger knows it: one of an organization after the other."""
    return Effect(KIND, Lane(organization_id, "samples"), sample_id)

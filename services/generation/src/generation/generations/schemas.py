from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from generation.generations.model import Emoji, Improvement, Kind, Language, Opened, State, Text, Wanted
from generation.providers.routing import Quality
from generation.templates.schemas import Name
from kit.http.models import Model, Out
from postrules.limits import Platform

_Words = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
_Term = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Subject = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000, pattern=r"^[^\x00]*$")
]


class UseTemplate(Model):
    """A template and what is filled in; in place of a subject."""

    id: str = Field(min_length=1, max_length=40, description="One of ours by its name, or one of your own by its id.")
    number: int | None = Field(None, ge=1, le=10_000, description="Which version; the newest unless it is named.")
    variables: dict[Name, Annotated[str, StringConstraints(max_length=2000)]] = Field(max_length=20)


class RequestTexts(Model):
    """What is to be written, for which platforms, in which languages."""

    kind: Kind = Field(
        "captions",
        description="captions about a subject; improve or translate a text; seo: description, title and keywords; "
        "thread: a text with parts that follow.",
    )
    subject: _Subject | None = Field(
        None,
        description="What it is about; the text itself to be improved or translated. Left out with a template.",
        examples=["We open a second shop on Saturday, with coffee for everybody who comes by bike."],
    )
    platforms: list[Platform] = Field(min_length=1, max_length=7, examples=[["linkedin", "x"]])
    languages: list[Language] = Field(default=["en"], min_length=1, max_length=7)
    variations: int = Field(1, ge=1, le=5)
    tone: _Words = ""
    emoji: Emoji = "few"
    hashtags: int = Field(0, ge=0, le=10, description="At most so many with each text.")
    call_to_action: _Words = ""
    link: str = Field("", max_length=500, pattern=r"^(https?://[^\s\"<>]+)?$")
    improvement: Improvement | None = Field(None, description="How a text is to be improved.")
    glossary: dict[_Term, _Term] = Field(
        default_factory=dict, max_length=50, description="How words are translated, and no other way."
    )
    parts: int = Field(0, ge=0, le=20, description="How many parts follow in a thread.")
    quality: Quality = "balanced"
    model: str | None = Field(None, max_length=100, pattern=r"^[a-z0-9][a-z0-9._:/-]*$")

    template: UseTemplate | None = None
    voice: UUID | Literal["default", "none"] = Field(
        "default", description="A brand voice by its id; the organization's own unless one is named, if it has any."
    )
    similar: bool = Field(
        default=False,
        description="Whether an answer to nearly the same subject will do; never where facts matter, such as dates.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.kind == "improve") != (self.improvement is not None):
            raise ValueError("improvement is said for the kind improve, and for no other")
        if (self.subject is None) == (self.template is None):
            raise ValueError("either subject or template is given")
        if self.template is not None and self.kind not in {"captions", "thread"}:
            raise ValueError("a template is for captions or a thread")
        if (self.kind == "thread") != (self.parts > 0):
            raise ValueError("parts are said for the kind thread, and for no other")
        if self.kind == "thread" and not set(self.platforms) <= {Platform.X, Platform.THREADS}:
            raise ValueError("threads are published on x and threads alone")
        if len({*self.platforms}) < len(self.platforms) or len({*self.languages}) < len(self.languages):
            raise ValueError("each platform and language is named once")
        return self

    def wanted(self) -> Wanted:
        """As the use-case takes it."""
        return Wanted(
            kind=self.kind,
            subject=self.subject or "",
            platforms=tuple(self.platforms),
            languages=tuple(self.languages),
            variations=self.variations,
            tone=self.tone,
            emoji=self.emoji,
            hashtags=self.hashtags,
            call_to_action=self.call_to_action,
            link=self.link,
            improvement=self.improvement,
            glossary=self.glossary,
            parts=self.parts,
            quality=self.quality,
            model=self.model,
            similar=self.similar,
            voice_choice=str(self.voice),
            template_choice=None if self.template is None else self.template.model_dump(),
        )


class Decide(Model):
    """What becomes of texts that were held back."""

    decision: Literal["release", "refuse"]


class TextOut(Out):
    """One text that its platform takes as it is."""

    platform: Platform
    language: Language
    variation: int
    text: str
    hashtags: list[str]
    published: str = Field(description="As it would be published: hashtags stand below the text.")
    parts: list[str] = Field(description="What follows in a thread.")
    title: str
    keywords: list[str]
    score: int | None = Field(description="How near it is to the brand's voice, from 0 to 100; null without a voice.")

    @classmethod
    def of(cls, text: Text) -> Self:
        """A text as it is shown."""
        return cls(
            platform=text.platform,
            language=text.language,
            variation=text.variation,
            text=text.text,
            hashtags=list(text.hashtags),
            published=text.published,
            parts=list(text.parts),
            title=text.title,
            keywords=list(text.keywords),
            score=text.score,
        )


class GenerationOut(Out):
    """A generation as it stands."""

    id: UUID
    kind: Kind
    state: State = Field(description="held: a person decides, since moderation asks for one.")
    reason: str = Field(description="Why it failed or is held back, as a name; empty otherwise.")
    detail: str = Field(description="The same in words.")
    subject: str | None = Field(description="Null where it was forgotten.")
    texts: list[TextOut]
    template: str = Field(description="Id and version of the template, with / between; empty without one.")
    voice_version: str = Field(description="Id and version of the brand voice, with / between; empty without one.")
    model: str
    attempts: int
    input_tokens: int
    output_tokens: int
    cost_micros: int = Field(description="In millionths of a US dollar.")
    plain_micros: int = Field(description="What it would have cost without routing and cache.")
    created_by: UUID | None = Field(description="Null once they were forgotten.")
    version: int
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, opened: Opened) -> Self:
        """As it is shown."""
        one = opened.generation
        return cls(
            id=one.id,
            kind=one.kind,
            state=one.state,
            reason=one.reason,
            detail=one.detail,
            subject=None if opened.wanted is None else opened.wanted.subject,
            texts=[TextOut.of(each) for each in opened.texts],
            template=opened.wanted.template["name"] if opened.wanted and opened.wanted.template else "",
            voice_version="" if opened.wanted is None else opened.wanted.voice_version,
            model=one.sums.model,
            attempts=one.sums.attempts,
            input_tokens=one.sums.input_tokens,
            output_tokens=one.sums.output_tokens,
            cost_micros=one.sums.cost,
            plain_micros=one.sums.plain,
            created_by=one.created_by,
            version=one.version,
            created_at=one.created_at,
            ended_at=one.ended_at,
        )

"""What the generation service says: texts that were made, what they cost, and how the month stands."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.audit import AuditEntry
from contracts.event import SEALED, Audience, Event
from contracts.names import NAME, TEAM, Name
from contracts.privacy import AnswersErasure, AnswersExport

Micros = Annotated[int, Field(ge=0, lt=2**53)]
"""Millionths of a US dollar: providers of models price in dollars, and one call costs far less than a cent."""


ModelId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._:/-]{0,99}$", examples=["gpt-5-mini"])]
Count = Annotated[int, Field(ge=0, lt=2**31)]


class GenerationFinished(Event):
    """Texts were made, with what that cost in all its calls; how they read is asked of the service."""

    type: ClassVar[str] = "generation.generation.finished.v1"
    subject: ClassVar[str] = "generation_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    generation_id: UUID = Field(description="The generation; the version is the generation's.")
    kind: Name = Field(description="What was made.", examples=["captions"])
    user_id: UUID | None = Field(default=None, description="Who asked; empty once they were forgotten.")
    model: ModelId = Field(description="The model that wrote the texts that were kept.")
    input_tokens: Count = Field(description="Tokens read, in all calls.")
    output_tokens: Count = Field(description="Tokens written, in all calls.")
    cost_micros: Micros = Field(description="What it cost, in millionths of a US dollar.")
    plain_micros: Micros = Field(description="What it would have cost by the plain way: no routing, cache or batch.")


class GenerationFailed(Event):
    """Nothing that may be shown came of it; what its calls cost is spent all the same."""

    type: ClassVar[str] = "generation.generation.failed.v1"
    subject: ClassVar[str] = "generation_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    generation_id: UUID = Field(description="The generation; the version is the generation's.")
    kind: Name = Field(description="What was asked for.", examples=["captions"])
    reason: str = Field(description="Why.", pattern=NAME, examples=["not_acceptable", "interrupted"])
    cost_micros: Micros = Field(description="What it cost, in millionths of a US dollar.")


class SpendingReached(Event):
    """An organization has spent 80 or 100 per cent of what it lets generation spend in a month; once for each."""

    type: ClassVar[str] = "generation.spending.reached.v1"
    subject: ClassVar[str] = "organization_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    percent: int = Field(description="Which threshold was reached.", ge=1, le=100)
    spent_micros: Micros = Field(description="What was spent by then, in millionths of a US dollar.")
    limit_micros: Micros = Field(description="What may be spent in the month, in millionths of a US dollar.")


class VoiceTrained(Event):
    """A version of a brand voice was learned and is used from now on; how it speaks is asked of the service."""

    type: ClassVar[str] = "generation.voice.trained.v1"
    subject: ClassVar[str] = "voice_id"
    audience: ClassVar[Audience] = "partners"
    browsers: ClassVar[frozenset[str] | None] = TEAM

    voice_id: UUID = Field(description="The voice; the version is the number of what was learned.")
    samples: Count = Field(description="How many texts it was learned from.")
    words: Count = Field(description="How many words they have together.")


class SamplesRequested(Event):
    """A brand voice is to be learned from what an organization has published; the publisher hands the texts over."""

    type: ClassVar[str] = "generation.samples.requested.v1"
    subject: ClassVar[str] = "sample_id"
    audience: ClassVar[Audience] = "internal"

    sample_id: UUID = Field(description="For what the texts are handed over, once.")
    at_most: int = Field(description="How many of the latest posts.", ge=1, le=100)


class TextsHandedOver(Event):
    """Texts that somebody chose of a generation are to become a draft, whose id is said here: one draft, once."""

    type: ClassVar[str] = "generation.texts.handed_over.v1"
    subject: ClassVar[str] = "post_id"
    audience: ClassVar[Audience] = "internal"

    post_id: UUID = Field(description="What the draft is called.")
    generation_id: UUID = Field(description="Whose texts they are.")
    user_id: UUID = Field(description="Who handed them over, and is the draft's author.")
    account_ids: list[UUID] = Field(description="For which accounts; each gets the text of its platform.")
    texts: str = Field(
        description="The texts, JSON sealed under the organization's key for the draft's place, base64.",
        examples=["c2VhbGVk"],
        json_schema_extra=SEALED,
    )


class GenerationAuditRecorded(AuditEntry):
    """Something about generated texts or their budget was done that the audit trail keeps."""

    type: ClassVar[str] = "generation.audit.recorded.v1"


class GenerationExportPartReady(AnswersExport):
    """The part of generation in an export of a person's data is handed over."""

    type: ClassVar[str] = "generation.export.part_ready.v1"


class GenerationErasureAnswered(AnswersErasure):
    """What became of what generation kept about a person who is to be forgotten."""

    type: ClassVar[str] = "generation.erasure.answered.v1"

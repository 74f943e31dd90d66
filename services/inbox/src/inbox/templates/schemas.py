from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import orjson
from pydantic import Field, StringConstraints, field_validator

from inbox.templates import limits
from inbox.templates.components import normal, of_type, text_of
from inbox.templates.model import Sync, Template, Version
from inbox.templates.rules import Design, breaches
from inbox.templates.special import Breach
from inbox.templates.values import ButtonValue, HeaderValue, Value
from inbox.templates.variables import variables_of
from kit.http.models import Model, Out

_LARGEST = 64 * 1024

Category = Literal["MARKETING", "UTILITY", "AUTHENTICATION"]
Fallback = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\n\r\t]+$")]
VariableName = Annotated[str, StringConstraints(pattern=r"^([1-9][0-9]{0,2}|[a-z_][a-z0-9_]{0,63})$")]
Fallbacks = Annotated[dict[VariableName, Fallback], Field(max_length=100)]


def _writable(components: list[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        size = len(orjson.dumps(components))
    except TypeError as error:
        raise ValueError("it is nested too deep, or holds what cannot be written") from error
    if size > _LARGEST or b"\\u0000" in orjson.dumps(components):
        raise ValueError(f"all components together have at most {_LARGEST} bytes, and no NUL")
    return normal(components)


class WriteTemplate(Model):
    """What a template says, in WhatsApp's own form."""

    category: Category
    components: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=20,
        description="HEADER, BODY, FOOTER, BUTTONS, CAROUSEL or LIMITED_TIME_OFFER, as WhatsApp documents them, with "
        "samples (`example`).",
    )
    fallbacks: Fallbacks = Field(
        default_factory=dict, description="What a variable of the body is filled with when nothing is given for it."
    )

    @field_validator("components")
    @classmethod
    def _can_be_kept(cls, components: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return _writable(components)


class CreateTemplate(WriteTemplate):
    """A template in one language; a draft until it is submitted."""

    channel_id: UUID = Field(description="A channel of WhatsApp: the template belongs to its business account.")
    name: str = Field(pattern=r"^[a-z0-9_]{1,512}$")
    language: str = Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$", description="Such as `en_US`.")
    submit: bool = Field(False, description="Submit it at once.")


class CheckTemplate(WriteTemplate):
    """Look whether WhatsApp would refuse this."""

    name: str = Field(max_length=600)
    language: str = Field(max_length=20)

    def design(self) -> Design:
        """As rules want it."""
        return Design(self.name, self.language, self.category, self.components)


class PreviewTemplate(Model):
    """See a template filled in; what is not given comes from its samples."""

    variables: dict[VariableName, Value] = Field(default_factory=dict, max_length=100)
    header: HeaderValue | None = None
    buttons: list[ButtonValue] = Field(default_factory=list, max_length=10)
    offer_ends_at: datetime | None = None
    draft: bool = Field(False, description="Show the newest version instead of the one that can be sent.")


class SyncTemplates(Model):
    """Read the list of templates at the platform."""

    channel_id: UUID


class BreachOut(Out):
    """One rule of WhatsApp's that is not kept."""

    pointer: str
    component: str
    fix: str


class CheckOut(Out):
    """What WhatsApp would refuse, as far as it can be said beforehand; empty when nothing."""

    breaches: list[BreachOut]

    @classmethod
    def of(cls, found: Sequence[Breach]) -> Self:
        """All of them."""
        return cls(breaches=[BreachOut.model_validate(each) for each in found])


class TemplateOut(Out):
    """A template in one language."""

    id: UUID
    name: str
    language: str
    waba_id: str
    category: str
    next_category: str = Field(description="What WhatsApp will make of its category; empty when it stays.")
    next_category_at: datetime | None
    status: str
    sendable: bool
    reason_code: str
    reason: str = Field(description="Why it was rejected, paused or refused, in plain words.")
    quality: str
    components: list[dict[str, Any]]
    variables: list[str] = Field(description="The variables of its body, in their order.")
    fallbacks: dict[str, str]
    breaches: list[BreachOut] = Field(description="Of a draft: what WhatsApp would refuse.")
    last_number: int = Field(description="The number of its newest version.")
    approved_number: int | None = Field(description="The number of the version that can be sent.")
    created_at: datetime
    changed_at: datetime
    version: int = Field(description="Rises with every change; also the ETag.")

    @classmethod
    def of(cls, template: Template) -> Self:
        """The template as shown."""
        design = Design(template.name, template.language, template.category, template.components)
        found = breaches(design) if template.status == "draft" else []
        body = text_of(of_type(template.components, "BODY"))
        return cls(
            id=template.id,
            name=template.name,
            language=template.language,
            waba_id=template.waba_id,
            category=template.category,
            next_category=template.next_category,
            next_category_at=template.next_category_at,
            status=template.status,
            sendable=template.sendable,
            reason_code=template.reason_code,
            reason=template.reason,
            quality=template.quality,
            components=[dict(each) for each in template.components],
            variables=["1"] if template.category == "AUTHENTICATION" else variables_of(body),
            fallbacks=dict(template.fallbacks),
            breaches=[BreachOut.model_validate(each) for each in found],
            last_number=template.last_number,
            approved_number=template.approved_number,
            created_at=template.created_at,
            changed_at=template.changed_at,
            version=template.version,
        )


class VersionOut(Out):
    """What a template said at one time."""

    number: int
    state: str = Field(description="draft, submitting, unconfirmed, in_review, approved, rejected or refused.")
    category: str
    components: list[dict[str, Any]]
    fallbacks: dict[str, str]
    reason_code: str
    reason: str
    submitted_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, version: Version) -> Self:
        """The version as shown."""
        return cls.model_validate(version)


class PreviewOut(Out):
    """A template filled in: as a person reads it, and as WhatsApp is sent it."""

    text: str
    components: list[dict[str, Any]]


class SyncOut(Out):
    """A reading of the platform's list."""

    id: UUID
    state: str = Field(description="running, done or failed.")
    pages: int
    seen: int = Field(description="Templates that were found.")
    gone: int = Field(description="Templates that the platform does not have any more.")
    reason: str
    started_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, sync: Sync) -> Self:
        """The reading as shown."""
        return cls.model_validate(sync)


class TemplateRulesOut(Out):
    """WhatsApp's limits for templates, for those who write them."""

    categories: list[str]
    languages: list[str]
    name_length: int
    header_length: int
    body_length: int
    footer_length: int
    buttons: int
    button_length: int
    most_of_a_kind: dict[str, int]
    creations_per_hour: int
    edits_per_day: int
    edits_per_30_days: int
    templates_per_account: int

    @classmethod
    def now(cls) -> Self:
        """As they are known."""
        return cls(
            categories=list(limits.CATEGORIES),
            languages=sorted(limits.LANGUAGES),
            name_length=limits.NAME_LENGTH,
            header_length=limits.HEADER_LENGTH,
            body_length=limits.BODY_LENGTH,
            footer_length=limits.FOOTER_LENGTH,
            buttons=limits.BUTTONS,
            button_length=limits.BUTTON_LENGTH,
            most_of_a_kind=dict(limits.MOST_OF_A_KIND),
            creations_per_hour=limits.CREATIONS_PER_HOUR,
            edits_per_day=limits.EDITS_PER_DAY,
            edits_per_30_days=limits.EDITS_PER_30_DAYS,
            templates_per_account=limits.TEMPLATES_PER_ACCOUNT,
        )

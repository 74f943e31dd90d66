from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from generation.templates.model import (
    MOST_VARIABLES,
    Category,
    Shown,
    Template,
    TemplateKind,
    Variable,
    VariableType,
)
from kit.http.models import Line, Model, Out
from postrules.limits import Platform

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
_Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]*$")
]
_Tip = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class VariableIn(Model):
    """A place that is filled in."""

    type: VariableType = Field("line", description="list: items with ; between them; date: such as 2026-12-31.")
    required: bool = True
    example: str = Field("", max_length=500)


class WriteTemplate(Model):
    """A template of the organization's own."""

    name: Line
    category: Category
    kind: TemplateKind = "captions"
    made_for: list[Platform] = Field(min_length=1, max_length=7)
    instruction: _Words = Field(description="How the text is to be, in words for whoever writes it.")
    platforms: dict[Platform, _Words] = Field(default_factory=dict, description="What holds on one platform besides.")
    tips: list[_Tip] = Field(default_factory=list, max_length=10)
    variables: dict[Name, VariableIn] = Field(min_length=1, max_length=MOST_VARIABLES)

    def template(self) -> Template:
        """As the use-case takes it."""
        return Template(
            id="",
            version=1,
            category=self.category,
            name=self.name,
            kind=self.kind,
            made_for=tuple(self.made_for),
            instruction=self.instruction,
            tips=tuple(self.tips),
            platforms=self.platforms,
            variables={
                name: Variable(each.type, each.required, each.example) for name, each in self.variables.items()
            },
        )


class VariableOut(Out):
    """A place that is filled in."""

    type: VariableType
    required: bool
    example: str


class TemplateOut(Out):
    """A template, and how to fill it in."""

    id: str = Field(examples=["product-launch"])
    number: int = Field(description="Which version this is.")
    category: Category
    name: str
    kind: TemplateKind
    made_for: list[Platform]
    instruction: str
    platforms: dict[Platform, str]
    tips: list[str]
    variables: dict[str, VariableOut]

    @classmethod
    def of(cls, template: Template) -> Self:
        """As it is shown."""
        return cls(
            id=template.id,
            number=template.version,
            category=template.category,
            name=template.name,
            kind=template.kind,
            made_for=list(template.made_for),
            instruction=template.instruction,
            platforms=dict(template.platforms),
            tips=list(template.tips),
            variables={name: VariableOut.model_validate(each) for name, each in template.variables.items()},
        )


class LibraryOut(Out):
    """All of our own templates; there are some twenty."""

    items: list[TemplateOut]


class OwnTemplateOut(Out):
    """A template of the organization's own, in one of its versions."""

    id: UUID
    latest: int
    retired: bool
    template: TemplateOut | None = Field(description="Null where it was forgotten.")
    created_by: UUID | None = Field(description="Who wrote this version; null once they were forgotten.")
    created_at: datetime
    version: int

    @classmethod
    def of(cls, shown: Shown) -> Self:
        """As it is shown."""
        return cls(
            id=shown.own.id,
            latest=shown.own.latest,
            retired=shown.own.retired,
            template=None if shown.template is None else TemplateOut.of(shown.template),
            created_by=shown.version.created_by,
            created_at=shown.version.created_at,
            version=shown.own.version,
        )

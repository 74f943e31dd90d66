"""Templates: what is written by a plan that was tried, with places that somebody fills in.

A template is never put together with what is filled in: both stand in the question side by side, as values of JSON,
so nothing that is filled in can end its place or become another. Ours are data (`library.toml`), reviewed like code
and versioned; an organization's own are kept with all their versions.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal, get_args
from uuid import UUID

from postrules.limits import Platform

Category = Literal["launch", "promotion", "education", "story", "community", "event", "hiring", "proof"]
VariableType = Literal["line", "text", "list", "number", "date", "url"]
TemplateKind = Literal["captions", "thread"]

LONGEST: Final[Mapping[VariableType, int]] = {
    "line": 200,
    "text": 2000,
    "list": 1000,
    "number": 20,
    "date": 10,
    "url": 500,
}
"""Characters that may be filled in."""

MOST_VARIABLES: Final = 20
MOST_TEMPLATES: Final = 200
"""Templates of an organization."""

_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]|[\ud800-\udfff]")
_NUMBER: Final = re.compile(r"[+-]?\d{1,15}(?:[.,]\d{1,4})?", re.ASCII)
_URL: Final = re.compile(r"https?://[^\s\"<>]+")


@dataclass(frozen=True, slots=True)
class Variable:
    """A place that is filled in."""

    type: VariableType
    required: bool = True
    example: str = ""

    def wrong(self, value: str) -> str:
        """Why this cannot be filled in; empty when it can."""
        if len(value) > LONGEST[self.type]:
            return f"At most {LONGEST[self.type]} characters."
        if _UNSEEN.search(value):
            return "No control characters or others that nobody sees."
        if self.type in {"line", "number", "date", "url"} and "\n" in value:
            return "One line."
        return _SHAPES[self.type](value)


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a template."""

    id: str
    version: int
    category: Category
    name: str
    kind: TemplateKind
    made_for: Sequence[Platform]
    instruction: str
    tips: Sequence[str] = ()
    platforms: Mapping[Platform, str] = field(default_factory=dict)
    variables: Mapping[str, Variable] = field(default_factory=dict)

    def faults(self, values: Mapping[str, str]) -> dict[str, str]:
        """What is wrong with what is filled in, by variable; nothing when it can be written."""
        unknown = {name: "This template has no such variable." for name in values if name not in self.variables}
        missing = {
            name: "This must be filled in."
            for name, variable in self.variables.items()
            if variable.required and not values.get(name, "").strip()
        }
        wrong = {
            name: says
            for name, variable in self.variables.items()
            if values.get(name) and (says := variable.wrong(values[name]))
        }
        return unknown | missing | wrong

    def laid_out(self, values: Mapping[str, str], platforms: Sequence[Platform]) -> dict[str, Any]:
        """What stands in the question: the plan, and beside it what was filled in."""
        return {
            "name": f"{self.id}/{self.version}",
            "instruction": self.instruction,
            "platforms": {each.value: self.platforms[each] for each in platforms if each in self.platforms},
            "values": {name: values[name] for name in self.variables if values.get(name)},
        }


@dataclass(frozen=True, slots=True)
class Own:
    """A template of an organization as it stands; what it says lies sealed with its versions."""

    id: UUID
    organization_id: UUID
    latest: int
    retired: bool
    version: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class OwnVersion:
    """What it said at one time; it never changes."""

    id: UUID
    organization_id: UUID
    template_id: UUID
    number: int
    created_by: UUID | None
    document_sealed: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """A template of an organization in the clear; None where it was forgotten."""

    own: Own
    version: OwnVersion
    template: Template | None


@cache
def library() -> Mapping[str, Template]:
    """Our own, by id."""
    text = files(__package__).joinpath("library.toml").read_text("utf-8")
    return {name: template_of(name, stored) for name, stored in tomllib.loads(text).items()}


def template_of(template_id: str, stored: Mapping[str, Any]) -> Template:
    """A template as it is stored, by us or under seal."""
    return Template(
        id=template_id,
        version=stored["version"],
        category=stored["category"],
        name=stored["name"],
        kind=stored["kind"],
        made_for=tuple(map(Platform, stored["made_for"])),
        instruction=stored["instruction"],
        tips=tuple(stored["tips"]),
        platforms={Platform(name): said for name, said in stored["platforms"].items()},
        variables={name: Variable(**each) for name, each in stored["variables"].items()},
    )


def stored_template(template: Template) -> dict[str, Any]:
    """As it is kept under seal."""
    return {
        "version": template.version,
        "category": template.category,
        "name": template.name,
        "kind": template.kind,
        "made_for": [each.value for each in template.made_for],
        "instruction": template.instruction,
        "tips": list(template.tips),
        "platforms": {each.value: said for each, said in template.platforms.items()},
        "variables": {
            name: {"type": each.type, "required": each.required, "example": each.example}
            for name, each in template.variables.items()
        },
    }


def _anything(value: str) -> str:
    return "" if value.strip() else "This is empty."


def _a_date(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        return "A date such as 2026-12-31."
    return ""


def _a_list(value: str) -> str:
    return "" if any(each.strip() for each in value.split(";")) else "Items with ; between them."


def _a_number(value: str) -> str:
    return "" if _NUMBER.fullmatch(value) else "A number such as 12 or 12.50."


def _a_url(value: str) -> str:
    return "" if _URL.fullmatch(value) else "An address that begins with http:// or https://."


_SHAPES: Final[Mapping[VariableType, Callable[[str], str]]] = {
    "line": _anything,
    "text": _anything,
    "list": _a_list,
    "number": _a_number,
    "date": _a_date,
    "url": _a_url,
}

CATEGORIES: Final[Sequence[str]] = get_args(Category)

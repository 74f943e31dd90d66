"""What one recipient is sent: the variant's template or text, with what is known of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from inbox.broadcasts.links.model import LINK, places
from inbox.broadcasts.model import Broadcast, Variant
from inbox.messages.model import Content
from inbox.templates.errors import TemplateValuesWrong
from inbox.templates.model import Template
from inbox.templates.values import BLANKS, ButtonValue, Composed, Given, HeaderValue, Value, Words, compose
from inbox.variables.catalogue import VARIABLES
from inbox.variables.rendering import Text, parsed

KNOWN = frozenset(name for name in VARIABLES if name.partition(".")[0] in ("contact", "channel"))
"""The variables that broadcasts may use: there is no conversation yet, and nobody who writes."""

_EDGE = "\ufdd0"  # a code point that never is a character; what `plain` lets through has none
_VALUES: TypeAdapter[dict[str, Value]] = TypeAdapter(dict[str, Value])


@dataclass(frozen=True, slots=True)
class Letter:
    """A variant taken apart, to be filled in for many."""

    variant: Variant
    given: Mapping[str, Value] = field(repr=False)
    texts: Mapping[str, Text] = field(repr=False)
    text: Text | None = field(default=None, repr=False)
    shape: Composed | None = field(default=None, repr=False)
    """The template with a mark for each value: what all recipients have in common is put together once."""

    @property
    def template_id(self) -> UUID | None:
        """Of which template it is."""
        return self.variant.template_id

    def content(self, values: Mapping[str, str]) -> Content:
        """What somebody of whom this is known is sent.

        Raises:
            TemplateValuesWrong: a variable has neither a value nor a fallback.
        """
        frozen = self.variant.frozen
        if self.text is not None or frozen is None:
            return Content("" if self.text is None else self.text.filled(values).text)
        filled = {name: each.filled(values).text for name, each in self.texts.items()}
        link = values.get(LINK, "").rpartition("/")[2] or "-"
        if self.shape is not None and all(each and not BLANKS.search(each) for each in filled.values()):
            said = _put(self.shape, {_mark(LINK): link} | {_mark(name): each for name, each in filled.items()})
        else:
            said = self.composed(filled, link)
        told = {
            "name": frozen["name"],
            "language": {"code": frozen["language"]},
            "components": said.components,
        }
        return Content(said.text, {"template": told})

    def composed(self, filled: Mapping[str, str], link: str) -> Composed:
        """The template with these values, and this end of a link, in place of those that depend on who gets it.

        Raises:
            TemplateValuesWrong: a variable has neither a value nor a fallback.
        """
        frozen = self.variant.frozen or {}
        given = Given(
            {**self.given, **filled},
            None if self.variant.header is None else HeaderValue.model_validate(self.variant.header),
            [ButtonValue.model_validate(each) for each in self.variant.buttons] + self._linked(frozen, link),
        )
        return compose(frozen["components"], frozen["fallbacks"], frozen["category"], given)

    def _linked(self, frozen: Mapping[str, Any], link: str) -> list[ButtonValue]:
        """The button that leads to the recipient's own link, by what stands behind its template's address."""
        given = {each["index"] for each in self.variant.buttons}
        free = [index for index in places(frozen.get("components", ())) if index not in given]
        return [ButtonValue(index=free[0], text=link)] if self.variant.link and free else []


def letter(variant: Variant) -> Letter:
    """Take a variant apart.

    Raises:
        VariableUnknown, VariableMalformed: one of its texts cannot be filled.
    """
    given = _VALUES.validate_python(variant.variables)
    texts = {name: _text(each) for name, each in given.items()}
    made = {name: parsed(text, KNOWN, f"#/variables/{name}") for name, text in texts.items() if "{{" in text}
    names = KNOWN | {LINK} if variant.link else KNOWN
    text = parsed(variant.text, names, "#/text") if variant.text else None
    taken_apart = Letter(variant, given, made, text)
    if text is not None or variant.frozen is None:
        return taken_apart
    try:
        return replace(taken_apart, shape=taken_apart.composed({name: _mark(name) for name in made}, _mark(LINK)))
    except TemplateValuesWrong:  # whoever gets it will be told so
        return taken_apart


def letters(broadcast: Broadcast) -> list[Letter]:
    """All variants of a broadcast, taken apart."""
    return [letter(each) for each in broadcast.variants]


def frozen(template: Template) -> dict[str, Any]:
    """What of a template is kept while it is sent: its words do not change under a broadcast."""
    return {
        "name": template.name,
        "language": template.language,
        "category": template.category,
        "components": [dict(each) for each in template.components],
        "fallbacks": dict(template.fallbacks),
    }


def fits(one: Letter, values: Mapping[str, str]) -> str:
    """Why it cannot be filled in with these values; empty when it can."""
    try:
        one.content(values)
    except TemplateValuesWrong as wrong:
        return "; ".join(each.detail for each in wrong.errors[:3])
    return ""


def _mark(name: str) -> str:
    """What stands in a shape for a value: no text that anybody could write."""
    return f"{_EDGE}{name}{_EDGE}"


def _put(shape: Composed, values: Mapping[str, str]) -> Composed:
    """Values in place of their marks."""
    text = shape.text
    for mark, value in values.items():
        text = text.replace(mark, value)
    return Composed([_filled(each, values) for each in shape.components], text)


def _filled(made: Any, values: Mapping[str, str]) -> Any:
    if isinstance(made, str):
        return values.get(made, made)
    if isinstance(made, dict):
        return {name: _filled(each, values) for name, each in made.items()}
    return [_filled(each, values) for each in made] if isinstance(made, list) else made


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value
    return value.text if isinstance(value, Words) else ""

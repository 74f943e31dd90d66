"""Message templates: those there are, and what becomes of one with its parameters."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue

from sandbox.json import Object, list_at, object_at, text_at
from sandbox.shelf import Shelf
from sandbox.whatsapp import errors
from sandbox.whatsapp.world import FIRST_ACCOUNT, NodeId

KEPT_TEMPLATES = 6_000
STATES = {"PAUSED": 132015, "DISABLED": 132016}
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")

Status = Literal["APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL", "PENDING_DELETION", "ARCHIVED"]


class Template(BaseModel):
    """A template in one language."""

    id: NodeId = ""
    waba_id: NodeId = FIRST_ACCOUNT
    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,512}$")]
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")] = "en_US"
    status: Status = "APPROVED"
    category: Literal["MARKETING", "UTILITY", "AUTHENTICATION"] = "UTILITY"
    components: Annotated[list[dict[str, JsonValue]], Field(max_length=20)] = []
    quality: Literal["GREEN", "YELLOW", "RED", "UNKNOWN"] = "UNKNOWN"
    rejected_reason: Annotated[str, Field(max_length=60)] = "NONE"

    @property
    def body(self) -> str:
        """The text of its body."""
        return next(
            (text_at(dict(one), "text") for one in self.components if str(one.get("type")).upper() == "BODY"), ""
        )


HELLO = Template(
    id="300000000000001",
    name="hello_world",
    components=[{"type": "BODY", "text": "Welcome and congratulations!! This message demonstrates your ability."}],
)
ORDER = Template(
    id="300000000000002",
    name="order_update",
    components=[{"type": "BODY", "text": "Hello {{1}}, your order {{2}} is on its way."}],
)


class Templates:
    """All templates of all accounts."""

    def __init__(self) -> None:
        self._all: Shelf[tuple[str, str, str], Template] = Shelf(most=KEPT_TEMPLATES)
        self._number = 300_000_000_000_100
        self.begin()

    def begin(self) -> None:
        """As at the start: hello_world, and order_update with two parameters."""
        self._all.clear()
        for template in (HELLO, ORDER):
            self.put(template)

    def put(self, template: Template) -> Template:
        """A template, new or in place of the one of that name and language."""
        key = (template.waba_id, template.name, template.language)
        older = self._all.get(key)
        self._number += 1
        kept = template.model_copy(update={"id": template.id or (older.id if older else str(self._number))})
        self._all.put(key, kept)
        return kept

    def of(self, waba_id: str) -> list[Template]:
        """The templates of an account."""
        return self._all.all(lambda one: one.waba_id == waba_id)

    def by_id(self, template_id: str) -> Template | None:
        """The template of this id."""
        return next(iter(self._all.all(lambda one: one.id == template_id)), None)

    def remove(self, waba_id: str, name: str, template_id: str | None = None) -> bool:
        """Delete a template in all its languages, or the one of this id; False where there is none."""
        gone = [one for one in self.of(waba_id) if one.name == name and template_id in {None, one.id}]
        for one in gone:
            self._all.take((waba_id, name, one.language))
        return bool(gone)

    def render(self, waba_id: str, asked: Object) -> tuple[Template, str]:
        """The template a message asks for, and its text; refused where it cannot be sent so."""
        name, language = text_at(asked, "name"), text_at(asked, "language", "code")
        if not name or not language:
            raise errors.refused(131008, "template.name and template.language.code are required")
        template = self._all.get((waba_id, name, language))
        if template is None or template.status not in {"APPROVED", *STATES}:
            details = f"template name ({name}) does not exist in {language}"
            raise errors.refused(132001, details)
        if template.status in STATES:
            raise errors.refused(STATES[template.status])
        return template, _filled(template.body, _parameters(asked))


def _parameters(asked: Object) -> dict[str, str]:
    """The parameters of the body by their name, which is a number where none is given."""
    found: dict[str, str] = {}
    for component in list_at(asked, "components"):
        if not isinstance(component, dict) or text_at(component, "type").lower() != "body":
            continue
        for number, parameter in enumerate(list_at(component, "parameters"), 1):
            one = parameter if isinstance(parameter, dict) else {}
            found[text_at(one, "parameter_name") or str(number)] = _value(one)
    return found


def _value(parameter: Object) -> str:
    kind = text_at(parameter, "type")
    if kind == "text":
        return text_at(parameter, "text")
    return text_at(object_at(parameter, kind), "fallback_value")


def _filled(body: str, parameters: dict[str, str]) -> str:
    expected = set(_VARIABLE.findall(body))
    if len(parameters) != len(expected):
        details = (
            f"body: number of localizable_params ({len(parameters)}) does not match the expected number of params"
        )
        raise errors.refused(132000, f"{details} ({len(expected)})")
    if set(parameters) != expected:
        raise errors.refused(132012, f"body: expected the parameters {', '.join(sorted(expected))}")
    return _VARIABLE.sub(lambda match: parameters[match[1]], body)

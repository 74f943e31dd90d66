"""A template with its variables filled in: checked against what was approved, rendered, in the platform's words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from inbox.messages.bodies import Location
from inbox.templates.components import MEDIA, Json, buttons_of, of_type, text_of
from inbox.templates.errors import TemplateValuesWrong
from inbox.templates.variables import filled, is_position, variables_of
from kit.errors import FieldError
from kit.http.models import Model

_AT: Final = "#/template"
BLANKS: Final = re.compile(r"[\n\r\t]| {5,}")
_LONGEST: Final = 1024


class Money(Model):
    """An amount, shown in the way of the contact's country."""

    type: Literal["currency"]
    code: str = Field(pattern=r"^[A-Z]{3}$")
    amount_1000: int = Field(ge=-(2**53), le=2**53, description="Thousandths of the currency's unit.")
    fallback: str = Field(min_length=1, max_length=100, description="What is shown where it cannot be formatted.")


class Moment(Model):
    """A date or time in words."""

    type: Literal["date_time"]
    fallback: str = Field(min_length=1, max_length=100)


class Words(Model):
    """A text."""

    type: Literal["text"]
    text: str = Field(max_length=_LONGEST)


Value = (
    Annotated[str, StringConstraints(max_length=_LONGEST)]
    | Annotated[Money | Moment | Words, Field(discriminator="type")]
)


class HeaderValue(Model):
    """What stands in the header: a text, a medium by its address, or a place, as the template has it."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = None
    link: Annotated[str, StringConstraints(pattern=r"^https://[^\s]{1,2000}$")] | None = None
    filename: Annotated[str, StringConstraints(max_length=240)] | None = None
    location: Location | None = None


class ButtonValue(Model):
    """What a button of the template is given: the end of its address, a code, or what its answer names."""

    index: int = Field(ge=0, le=9)
    text: str = Field(min_length=1, max_length=2000)


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody gives for a template."""

    variables: Mapping[str, Value]
    header: HeaderValue | None = None
    buttons: Sequence[ButtonValue] = ()
    offer_ends_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Composed:
    """What is sent, and what a person reads of it."""

    components: list[dict[str, Any]]
    text: str


def compose(components: Sequence[Json], fallbacks: Mapping[str, str], category: str, given: Given) -> Composed:
    """Fill a template in.

    Raises:
        TemplateValuesWrong: something is missing, too much, or of another kind; each is named.
    """
    wrong: list[FieldError] = []
    made = [
        *_header(components, given, wrong),
        *_body(components, fallbacks, category, given, wrong),
        *_offer(components, given, wrong),
        *_buttons(components, category, given, wrong),
    ]
    if of_type(components, "CAROUSEL") is not None:
        wrong.append(FieldError(_AT, "Send a carousel by its name with components as WhatsApp documents them."))
    if wrong:
        raise TemplateValuesWrong(errors=wrong)
    return Composed(made, rendered(components, fallbacks, given, category))


def _header(components: Sequence[Json], given: Given, wrong: list[FieldError]) -> list[dict[str, Any]]:
    header, value = of_type(components, "HEADER"), given.header or HeaderValue()
    form = None if header is None else header.get("format")
    names = variables_of(text_of(header)) if form == "TEXT" else []
    wants = {"text": bool(names), "link": form in MEDIA, "location": form == "LOCATION"}
    has = {"text": value.text is not None, "link": value.link is not None, "location": value.location is not None}
    for name, wanted in wants.items():
        if wanted and not has[name]:
            wrong.append(FieldError(f"{_AT}/header/{name}", "The template's header needs this."))
        elif has[name] and not wanted:
            wrong.append(FieldError(f"{_AT}/header/{name}", "The template's header takes none; leave it out."))
    if wants["text"] and value.text is not None:
        return [{"type": "header", "parameters": [_named(names[0], {"type": "text", "text": value.text})]}]
    if wants["link"] and value.link is not None:
        kind, medium = str(form).lower(), {"link": value.link}
        if value.filename is not None and form == "DOCUMENT":
            medium["filename"] = value.filename
        return [{"type": "header", "parameters": [{"type": kind, kind: medium}]}]
    if wants["location"] and value.location is not None:
        place = value.location.model_dump(mode="json", exclude_none=True)
        return [{"type": "header", "parameters": [{"type": "location", "location": place}]}]
    return []


def _body(
    components: Sequence[Json],
    fallbacks: Mapping[str, str],
    category: str,
    given: Given,
    wrong: list[FieldError],
) -> list[dict[str, Any]]:
    names = _names(components, category)
    wrong += [
        FieldError(f"{_AT}/variables/{name[:64]}", "The template has no such variable; leave it out.")
        for name in given.variables
        if name not in names
    ]
    parameters = []
    for name in names:
        value = given.variables.get(name)
        if value is None or _shown(value) == "":
            value = fallbacks.get(name)
        if value is None:
            wrong.append(FieldError(f"{_AT}/variables/{name}", "Give a value: this variable has no fallback."))
        elif BLANKS.search(_shown(value)):
            wrong.append(FieldError(f"{_AT}/variables/{name}", "Leave out line breaks, tabs and rows of blanks."))
        else:
            parameters.append(_named(name, _parameter(value)))
    return [{"type": "body", "parameters": parameters}] if parameters else []


def _names(components: Sequence[Json], category: str) -> list[str]:
    """The variables of the body; of a code to sign in the code itself."""
    return ["1"] if category == "AUTHENTICATION" else variables_of(text_of(of_type(components, "BODY")))


def _offer(components: Sequence[Json], given: Given, wrong: list[FieldError]) -> list[dict[str, Any]]:
    holder = of_type(components, "LIMITED_TIME_OFFER")
    told = None if holder is None else holder.get("limited_time_offer")
    if not isinstance(told, dict) or not told.get("has_expiration"):
        return []
    if given.offer_ends_ms is None:
        wrong.append(FieldError(f"{_AT}/offer_ends_at", "Say until when the offer lasts."))
        return []
    until = {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": given.offer_ends_ms}}
    return [{"type": "limited_time_offer", "parameters": [until]}]


def _buttons(
    components: Sequence[Json], category: str, given: Given, wrong: list[FieldError]
) -> list[dict[str, Any]]:
    buttons, values = buttons_of(components), {each.index: each.text for each in given.buttons}
    if category == "AUTHENTICATION":
        code = given.variables.get("1")
        values.setdefault(0, "" if code is None else _shown(code))
    made = []
    for index, button in enumerate(buttons):
        one, needed = _button(index, button, values.get(index))
        if needed and not values.get(index):
            wrong.append(FieldError(f"{_AT}/buttons", f"Give a text for the button with the index {index}."))
        elif one is not None:
            made.append(one)
    wrong += [
        FieldError(f"{_AT}/buttons", f"There is no button with the index {index}; leave it out.")
        for index in values
        if index >= len(buttons)
    ]
    return made


def _button(index: int, button: Json, text: str | None) -> tuple[dict[str, Any] | None, bool]:
    """A button as it is sent, if anything is to be sent for it; and whether it needs a text."""
    kind, url = button.get("type"), button.get("url")
    frame = {"type": "button", "index": str(index)}
    if kind == "OTP" or (kind == "URL" and isinstance(url, str) and variables_of(url)):
        return {**frame, "sub_type": "url", "parameters": [{"type": "text", "text": text or ""}]}, True
    if kind == "COPY_CODE":
        return {
            **frame,
            "sub_type": "copy_code",
            "parameters": [{"type": "coupon_code", "coupon_code": text or ""}],
        }, True
    if kind == "QUICK_REPLY" and text:
        return {**frame, "sub_type": "quick_reply", "parameters": [{"type": "payload", "payload": text}]}, False
    if kind == "FLOW":
        return {**frame, "sub_type": "flow", "parameters": [{"type": "action", "action": {}}]}, False
    return None, False


def _named(name: str, parameter: dict[str, Any]) -> dict[str, Any]:
    return parameter if is_position(name) else {**parameter, "parameter_name": name}


def _parameter(value: Value) -> dict[str, Any]:
    if isinstance(value, Money):
        money = {"fallback_value": value.fallback, "code": value.code, "amount_1000": value.amount_1000}
        return {"type": "currency", "currency": money}
    if isinstance(value, Moment):
        return {"type": "date_time", "date_time": {"fallback_value": value.fallback}}
    return {"type": "text", "text": _shown(value)}


def _shown(value: Value) -> str:
    """What a person reads of a value."""
    if isinstance(value, str):
        return value
    return value.text if isinstance(value, Words) else value.fallback


def rendered(components: Sequence[Json], fallbacks: Mapping[str, str], given: Given, category: str) -> str:
    """The whole message as a person reads it: header, body, footer and the texts of its buttons."""
    values = {**fallbacks, **{name: _shown(each) for name, each in given.variables.items() if _shown(each)}}
    header, body, footer = (of_type(components, kind) for kind in ("HEADER", "BODY", "FOOTER"))
    title = text_of(header)
    if title and given.header is not None and given.header.text is not None:
        title = filled(title, dict.fromkeys(variables_of(title), given.header.text))
    words = filled(text_of(body), values)
    if category == "AUTHENTICATION":
        words = f"{values.get('1', '{{1}}')} is your verification code."
    labels = "".join(f"[{text_of(each)}]" for each in buttons_of(components) if text_of(each))
    return "\n".join(each for each in (title, words, text_of(footer), labels) if each)


def samples(components: Sequence[Json], category: str) -> Given:
    """The samples with which the template was submitted."""
    body, header = of_type(components, "BODY") or {}, of_type(components, "HEADER") or {}
    variables: dict[str, Value] = {}
    example = body.get("example")
    if isinstance(example, Mapping):
        rows, named = example.get("body_text"), example.get("body_text_named_params")
        values = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], list) else []
        variables = {str(i): str(each)[:_LONGEST] for i, each in enumerate(values, 1)}
        for each in named if isinstance(named, list) else ():
            if isinstance(each, Mapping):
                variables[str(each.get("param_name"))] = str(each.get("example"))[:_LONGEST]
    if category == "AUTHENTICATION":
        variables = {"1": "123456"}
    title = header.get("example")
    texts = title.get("header_text") if isinstance(title, Mapping) else None
    text = str(texts[0])[:60] if isinstance(texts, list) and texts and texts[0] else None
    return Given(variables, None if text is None else HeaderValue(text=text))

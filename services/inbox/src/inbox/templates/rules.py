"""The platform's rules for templates, checked before one is submitted: all breaches at once, each with its fix."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from inbox.templates import limits
from inbox.templates.components import FORMATS, MEDIA, Json, has_sample, objects, of_type, text_of, texts_of
from inbox.templates.special import Breach, authentication, carousel, offer
from inbox.templates.variables import (
    at_the_edge,
    broken,
    is_name,
    is_position,
    side_by_side,
    variables_of,
    without,
)

_NAME: Final = re.compile(r"[a-z0-9_]{1,512}", re.ASCII)
_PHONE: Final = re.compile(r"\+?[0-9]{5,20}", re.ASCII)
_URL: Final = re.compile(r"https?://[^\s]+")
_MARKUP: Final = re.compile(r"[*~`\n\r\t]")
_KINDS: Final = frozenset({"HEADER", "BODY", "FOOTER", "BUTTONS", "CAROUSEL", "LIMITED_TIME_OFFER"})


@dataclass(frozen=True, slots=True)
class Design:
    """A template as it is to be."""

    name: str
    language: str
    category: str
    components: Sequence[Json]


def breaches(design: Design) -> list[Breach]:
    """Whatever WhatsApp would refuse, as far as it says so beforehand; empty when it may be submitted."""
    found = [*_frame(design), *_kinds(design.components)]
    if design.category == "AUTHENTICATION":
        return [*found, *authentication(design.components)]
    found += [*_header(design.components), *_body(design), *_footer(design.components)]
    return [*found, *_naming(design.components), *_buttons(design.components), *_shapes(design)]


def _frame(design: Design) -> Iterator[Breach]:
    if not _NAME.fullmatch(design.name):
        yield Breach("#/name", "name", "Use 1 to 512 small letters, digits and underscores.")
    if design.language not in limits.LANGUAGES:
        yield Breach("#/language", "language", "Use a code that WhatsApp knows, such as en_US or pt_BR.")
    if design.category not in limits.CATEGORIES:
        yield Breach("#/category", "category", f"Use one of {', '.join(limits.CATEGORIES)}.")


def _kinds(components: Sequence[Json]) -> Iterator[Breach]:
    counted = Counter(str(each.get("type")) for each in components)
    for i, each in enumerate(components):
        kind = str(each.get("type"))
        if kind not in _KINDS:
            yield Breach(f"#/components/{i}/type", kind[:40], f"Use one of {', '.join(sorted(_KINDS))}.")
        elif counted[kind] > 1:
            yield Breach(f"#/components/{i}", kind, "Have no more than one of these.")
    if not counted["BODY"]:
        yield Breach("#/components", "BODY", "Add a BODY: every template has one.")


def place(components: Sequence[Json], kind: str) -> str:
    """Where the component of a type stands, as a pointer into the body."""
    return next(
        (f"#/components/{i}" for i, each in enumerate(components) if each.get("type") == kind), "#/components"
    )


def _header(components: Sequence[Json]) -> Iterator[Breach]:
    header = of_type(components, "HEADER")
    if header is None:
        return
    at, form = place(components, "HEADER"), header.get("format")
    if form not in FORMATS:
        yield Breach(f"{at}/format", "HEADER", f"Use one of {', '.join(FORMATS)}.")
    elif form == "TEXT":
        yield from _header_text(at, header)
    elif form in MEDIA and not has_sample(header):
        yield Breach(f"{at}/example/sample_id", "HEADER", "Name a sample that was added, or give a handle in a list.")


def _header_text(at: str, header: Json) -> Iterator[Breach]:
    text = text_of(header)
    if not 1 <= len(text) <= limits.HEADER_LENGTH:
        yield Breach(f"{at}/text", "HEADER", f"Use 1 to {limits.HEADER_LENGTH} characters; these are {len(text)}.")
    if len(variables_of(text)) > 1:
        yield Breach(f"{at}/text", "HEADER", "Use no more than one variable.")
    bare = without(text)
    if _MARKUP.search(bare) or any(unicodedata.category(char) == "So" for char in bare):
        yield Breach(f"{at}/text", "HEADER", "Leave out line breaks, emoji and marks of formatting.")
    yield from _sampled(at, "HEADER", text, header, "header_text")


def _body(design: Design) -> Iterator[Breach]:
    body = of_type(design.components, "BODY")
    if body is None:
        return
    at, text = place(design.components, "BODY"), text_of(body)
    most = limits.BODY_LENGTH
    if of_type(design.components, "LIMITED_TIME_OFFER") is not None:
        most = limits.OFFER_BODY_LENGTH
    if not 1 <= len(text) <= most:
        yield Breach(f"{at}/text", "BODY", f"Use 1 to {most} characters; these are {len(text)}.")
    yield from spoken(f"{at}/text", "BODY", text)
    yield from _sampled(at, "BODY", text, body, "body_text")


def spoken(at: str, component: str, text: str) -> Iterator[Breach]:
    """How variables stand among words."""
    if broken(text):
        yield Breach(at, component, "Write each variable with two braces on each side, such as {{1}}.")
    if at_the_edge(text):
        yield Breach(at, component, "Put words before the first and after the last variable.")
    if side_by_side(text):
        yield Breach(at, component, "Put words between two variables.")
    names, words = variables_of(text), len(without(text).split())
    needed = limits.fewest_words(len(names))
    if names and words < needed:
        yield Breach(at, component, f"Use at least {needed} words beside {len(names)} variables; these are {words}.")


def _naming(components: Sequence[Json]) -> Iterator[Breach]:
    """By position without a gap in each text, or by name; never both."""
    texts = texts_of(components)
    names = [name for text in texts for name in variables_of(text)]
    wrong = [name for name in names if not is_position(name) and not is_name(name)]
    if wrong:
        yield Breach(
            "#/components",
            "variables",
            f"Name {{{{{wrong[0][:40]}}}}} by a number, or by small letters, digits and _.",
        )
    elif len({is_position(name) for name in names}) > 1:
        yield Breach("#/components", "variables", "Name all variables by position, or all by name.")
    for kind, text in zip(("HEADER", "BODY"), texts, strict=True):
        places = sorted(int(name) for name in variables_of(text) if is_position(name))
        if places != list(range(1, len(places) + 1)):
            yield Breach(f"{place(components, kind)}/text", kind, "Count its variables from {{1}} on without a gap.")


def _sampled(at: str, component: str, text: str, holder: Json, name: str) -> Iterator[Breach]:
    """Every variable has a sample, by which the platform judges it."""
    names = variables_of(text)
    if not names:
        return
    if all(map(is_position, names)):
        found: Sequence[Any] = _samples(holder, name)
        given = [each for each in (found[0] if found and isinstance(found[0], list) else found) if each]
        if len(given) != len(names):
            yield Breach(
                f"{at}/example/{name}", component, f"Give a sample for each of its {len(names)} variables, in order."
            )
        return
    named = objects(_example(holder), f"{name}_named_params")
    missing = [
        each for each in names if not any(one.get("param_name") == each and one.get("example") for one in named)
    ]
    if missing:
        where = f"{at}/example/{name}_named_params"
        yield Breach(where, component, f"Give a sample for {', '.join(missing)[:200]}.")


def _example(holder: Json) -> Json:
    found = holder.get("example")
    return found if isinstance(found, Mapping) else {}


def _samples(holder: Json, name: str) -> Sequence[Any]:
    found = _example(holder).get(name)
    return found if isinstance(found, list) else []


def _footer(components: Sequence[Json]) -> Iterator[Breach]:
    footer = of_type(components, "FOOTER")
    if footer is None:
        return
    at, text = f"{place(components, 'FOOTER')}/text", text_of(footer)
    if not 1 <= len(text) <= limits.FOOTER_LENGTH:
        yield Breach(at, "FOOTER", f"Use 1 to {limits.FOOTER_LENGTH} characters; these are {len(text)}.")
    if variables_of(text) or broken(text):
        yield Breach(at, "FOOTER", "Use no variables in a footer.")


def _buttons(components: Sequence[Json]) -> Iterator[Breach]:
    holder = of_type(components, "BUTTONS")
    if holder is None:
        return
    at, buttons = f"{place(components, 'BUTTONS')}/buttons", objects(holder, "buttons")
    yield from buttons_breached(at, buttons, limits.BUTTONS)


def buttons_breached(at: str, buttons: Sequence[Json], most: int) -> Iterator[Breach]:
    """What is wrong with a row of buttons."""
    if not 1 <= len(buttons) <= most:
        yield Breach(at, "BUTTONS", f"Have 1 to {most} buttons.")
    counted = Counter(str(each.get("type")) for each in buttons)
    for kind, allowed in limits.MOST_OF_A_KIND.items():
        if counted[kind] > allowed:
            yield Breach(at, "BUTTONS", f"Have at most {allowed} of the type {kind}.")
    changes = sum(
        (one.get("type") == "QUICK_REPLY") != (other.get("type") == "QUICK_REPLY") for one, other in pairwise(buttons)
    )
    if changes > 1:
        yield Breach(at, "BUTTONS", "Keep quick replies together, before or after the other buttons.")
    texts = Counter(text_of(each) for each in buttons if text_of(each))
    if any(times > 1 for times in texts.values()):
        yield Breach(at, "BUTTONS", "Give each button a text of its own.")
    for i, button in enumerate(buttons):
        yield from _button(f"{at}/{i}", button)


def _button(at: str, button: Json) -> Iterator[Breach]:
    kind, text = button.get("type"), text_of(button)
    if kind not in limits.MOST_OF_A_KIND or kind == "OTP":
        allowed = ", ".join(each for each in limits.MOST_OF_A_KIND if each != "OTP")
        yield Breach(f"{at}/type", "BUTTONS", f"Use one of {allowed}; OTP is for the category AUTHENTICATION.")
        return
    if kind != "COPY_CODE" and not 1 <= len(text) <= limits.BUTTON_LENGTH:
        yield Breach(f"{at}/text", "BUTTONS", f"Use 1 to {limits.BUTTON_LENGTH} characters; these are {len(text)}.")
    if variables_of(text):
        yield Breach(f"{at}/text", "BUTTONS", "Use no variables in the text of a button.")
    if kind == "URL":
        yield from _link(at, button)
    elif kind == "PHONE_NUMBER" and not _PHONE.fullmatch(str(button.get("phone_number", ""))):
        yield Breach(f"{at}/phone_number", "BUTTONS", "Use a number with its country code, up to 20 digits.")
    elif kind == "COPY_CODE":
        sample = button.get("example")
        sample = sample[0] if isinstance(sample, list) and sample else sample
        if not isinstance(sample, str) or not 1 <= len(sample) <= limits.CODE_LENGTH:
            yield Breach(f"{at}/example", "BUTTONS", f"Give a sample code of 1 to {limits.CODE_LENGTH} characters.")
    elif kind == "FLOW" and not any(button.get(name) for name in ("flow_id", "flow_name", "flow_json")):
        yield Breach(f"{at}/flow_id", "BUTTONS", "Say which flow it opens.")


def _link(at: str, button: Json) -> Iterator[Breach]:
    url = button.get("url")
    if not isinstance(url, str) or len(url) > limits.URL_LENGTH or not _URL.fullmatch(without(url).strip()):
        yield Breach(
            f"{at}/url", "BUTTONS", f"Use an address with http or https, up to {limits.URL_LENGTH} characters."
        )
        return
    names = variables_of(url)
    if names and (len(names) > 1 or not url.rstrip().endswith("}}")):
        yield Breach(f"{at}/url", "BUTTONS", "Use no more than one variable, at the end of the address.")
    sample = button.get("example")
    if names and not (isinstance(sample, list) and sample and isinstance(sample[0], str) and sample[0]):
        yield Breach(f"{at}/example", "BUTTONS", "Give a list with the whole address as a sample.")


def _shapes(design: Design) -> Iterator[Breach]:
    yield from carousel(design.category, design.components, spoken, buttons_breached)
    yield from offer(design.category, design.components)

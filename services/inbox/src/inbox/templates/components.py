"""The components of a template as WhatsApp has them: read without trusting their shape."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

Json = Mapping[str, Any]

MEDIA: Final = ("IMAGE", "VIDEO", "DOCUMENT")
FORMATS: Final = ("TEXT", *MEDIA, "LOCATION")


def normal(components: Sequence[Json]) -> list[dict[str, Any]]:
    """Types and formats in capitals, as the platform tells them whatever was written."""
    return [_normal(each) for each in components if isinstance(each, Mapping)]


def _normal(component: Json) -> dict[str, Any]:
    made = dict(component)
    for name in ("type", "format", "otp_type"):
        if isinstance(made.get(name), str):
            made[name] = made[name].upper()
    for name in ("buttons", "cards", "components"):
        if isinstance(made.get(name), list):
            made[name] = normal(made[name])
    return made


def of_type(components: Sequence[Json], wanted: str) -> Json | None:
    """The first component of a type."""
    return next((each for each in components if each.get("type") == wanted), None)


def text_of(component: Json | None) -> str:
    """Its text; empty without one."""
    found = None if component is None else component.get("text")
    return found if isinstance(found, str) else ""


def objects(holder: Json | None, name: str) -> list[Json]:
    """A list of objects in it; what is none is left out."""
    found = None if holder is None else holder.get(name)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def has_sample(header: Json) -> bool:
    """Whether a header shows a sample, by our id or by a handle of WhatsApp's."""
    example = header.get("example")
    if not isinstance(example, Mapping):
        return False
    handles = example.get("header_handle")
    return bool(example.get("sample_id")) or (isinstance(handles, list) and bool(handles))


def buttons_of(components: Sequence[Json]) -> list[Json]:
    """All buttons, in their order."""
    return objects(of_type(components, "BUTTONS"), "buttons")


def texts_of(components: Sequence[Json]) -> list[str]:
    """The texts in which variables may stand by name: header and body."""
    return [text_of(of_type(components, kind)) for kind in ("HEADER", "BODY")]


def same(one: Sequence[Json], other: Sequence[Json]) -> bool:
    """Whether two templates say the same; the platform adds and leaves out samples and flags."""
    return _said(normal(one)) == _said(normal(other))


def _said(components: Sequence[Json]) -> list[tuple[Any, ...]]:
    told = []
    for each in components:
        buttons = [
            (b.get("type"), b.get("text"), b.get("url"), b.get("phone_number")) for b in objects(each, "buttons")
        ]
        cards = [_said(objects(card, "components")) for card in objects(each, "cards")]
        flags = (each.get("add_security_recommendation"), each.get("code_expiration_minutes"))
        told.append((each.get("type"), each.get("format"), each.get("text"), buttons, cards, flags))
    return sorted(told, key=lambda one: str(one[0]))

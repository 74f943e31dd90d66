"""Templates of a shape of their own: codes to sign in, carousels, limited-time offers."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from inbox.templates import limits
from inbox.templates.components import Json, buttons_of, has_sample, objects, of_type, text_of

_PACKAGE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+", re.ASCII)
_HASH_LENGTH: Final = 11
_OTP: Final = ("COPY_CODE", "ONE_TAP", "ZERO_TAP")


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule that is not kept: where, in which component, and what to do about it."""

    pointer: str
    component: str
    fix: str


Spoken = Callable[[str, str, str], Iterator[Breach]]
Buttons = Callable[[str, Sequence[Json], int], Iterator[Breach]]


def _place(components: Sequence[Json], kind: str) -> str:
    return next(
        (f"#/components/{i}" for i, each in enumerate(components) if each.get("type") == kind), "#/components"
    )


def authentication(components: Sequence[Json]) -> Iterator[Breach]:
    """The platform writes the words itself: a body without text, a footer that counts minutes, one button."""
    for kind in ("HEADER", "CAROUSEL", "LIMITED_TIME_OFFER"):
        if of_type(components, kind) is not None:
            yield Breach(_place(components, kind), kind, "Leave it out: a code to sign in has none.")
    if text_of(of_type(components, "BODY")):
        at = f"{_place(components, 'BODY')}/text"
        yield Breach(
            at, "BODY", "Leave the text out: WhatsApp writes it; add_security_recommendation adds a warning."
        )
    footer = of_type(components, "FOOTER")
    if footer is not None:
        minutes, (least, most) = footer.get("code_expiration_minutes"), limits.EXPIRATION_MINUTES
        if not isinstance(minutes, int) or isinstance(minutes, bool) or not least <= minutes <= most:
            at = f"{_place(components, 'FOOTER')}/code_expiration_minutes"
            yield Breach(at, "FOOTER", f"Say in how many minutes the code ends, {least} to {most}.")
    buttons = buttons_of(components)
    if len(buttons) != 1 or buttons[0].get("type") != "OTP":
        yield Breach(_place(components, "BUTTONS"), "BUTTONS", "Have exactly one button, of the type OTP.")
    else:
        yield from _otp(f"{_place(components, 'BUTTONS')}/buttons/0", buttons[0])


def _otp(at: str, button: Json) -> Iterator[Breach]:
    kind = button.get("otp_type")
    if kind not in _OTP:
        yield Breach(f"{at}/otp_type", "BUTTONS", f"Use one of {', '.join(_OTP)}.")
    if len(text_of(button)) > limits.BUTTON_LENGTH:
        yield Breach(f"{at}/text", "BUTTONS", f"Use at most {limits.BUTTON_LENGTH} characters.")
    if kind in ("ONE_TAP", "ZERO_TAP"):
        apps = objects(button, "supported_apps") or [button]
        if len(apps) > limits.OTP_APPS:
            yield Breach(f"{at}/supported_apps", "BUTTONS", f"Name at most {limits.OTP_APPS} apps.")
        if not all(_app(each) for each in apps):
            yield Breach(
                f"{at}/supported_apps", "BUTTONS", "Give package_name and signature_hash (11 characters) of each app."
            )
    if kind == "ZERO_TAP" and button.get("zero_tap_terms_accepted") is not True:
        yield Breach(f"{at}/zero_tap_terms_accepted", "BUTTONS", "Accept the terms for codes without a tap.")


def _app(app: Json) -> bool:
    name, signed = app.get("package_name"), app.get("signature_hash")
    return (
        isinstance(name, str)
        and _PACKAGE.fullmatch(name) is not None
        and isinstance(signed, str)
        and len(signed) == _HASH_LENGTH
    )


def carousel(category: str, components: Sequence[Json], spoken: Spoken, buttons: Buttons) -> Iterator[Breach]:
    """Cards of one shape beside each other, below a body."""
    holder = of_type(components, "CAROUSEL")
    if holder is None:
        return
    at, cards, (least, most) = _place(components, "CAROUSEL"), objects(holder, "cards"), limits.CARDS
    if category != "MARKETING":
        yield Breach("#/category", "CAROUSEL", "Use the category MARKETING for a carousel.")
    for kind in ("HEADER", "FOOTER", "BUTTONS"):
        if of_type(components, kind) is not None:
            yield Breach(_place(components, kind), kind, "Leave it out: in a carousel it belongs to the cards.")
    if not least <= len(cards) <= most:
        yield Breach(f"{at}/cards", "CAROUSEL", f"Have {least} to {most} cards.")
    for i, card in enumerate(cards):
        yield from _card(f"{at}/cards/{i}", objects(card, "components"), spoken, buttons)
    if len({_shape(objects(card, "components")) for card in cards}) > 1:
        yield Breach(f"{at}/cards", "CAROUSEL", "Give all cards the same kinds of header and buttons, in one order.")


def _card(at: str, parts: Sequence[Json], spoken: Spoken, buttons: Buttons) -> Iterator[Breach]:
    header, body = of_type(parts, "HEADER"), text_of(of_type(parts, "BODY"))
    if header is None or header.get("format") not in ("IMAGE", "VIDEO"):
        yield Breach(at, "CAROUSEL", "Begin each card with a HEADER of the format IMAGE or VIDEO.")
    elif not has_sample(header):
        yield Breach(at, "CAROUSEL", "Name a sample in the header of each card, or give a handle in a list.")
    if len(body) > limits.CARD_BODY_LENGTH:
        yield Breach(at, "CAROUSEL", f"Use at most {limits.CARD_BODY_LENGTH} characters in a card.")
    if body:
        yield from spoken(at, "CAROUSEL", body)
    yield from buttons(f"{at}/buttons", buttons_of(parts), limits.CARD_BUTTONS[1])


def _shape(parts: Sequence[Json]) -> tuple[object, ...]:
    header = of_type(parts, "HEADER") or {}
    return header.get("format"), *(each.get("type") for each in buttons_of(parts))


def offer(category: str, components: Sequence[Json]) -> Iterator[Breach]:
    """An offer that ends: a picture, a short body, a link, perhaps a code."""
    holder = of_type(components, "LIMITED_TIME_OFFER")
    if holder is None:
        return
    at = _place(components, "LIMITED_TIME_OFFER")
    told = holder.get("limited_time_offer")
    words = text_of(told) if isinstance(told, dict) else ""
    if category != "MARKETING":
        yield Breach("#/category", "LIMITED_TIME_OFFER", "Use the category MARKETING for an offer.")
    if not 1 <= len(words) <= limits.OFFER_LENGTH:
        yield Breach(
            f"{at}/limited_time_offer/text",
            "LIMITED_TIME_OFFER",
            f"Say what is offered in 1 to {limits.OFFER_LENGTH} characters.",
        )
    if of_type(components, "FOOTER") is not None:
        yield Breach(_place(components, "FOOTER"), "FOOTER", "Leave it out: an offer has none.")
    header = of_type(components, "HEADER")
    if header is not None and header.get("format") not in ("IMAGE", "VIDEO"):
        yield Breach(_place(components, "HEADER"), "HEADER", "Use the format IMAGE or VIDEO for an offer.")
    if "URL" not in [each.get("type") for each in buttons_of(components)]:
        yield Breach(_place(components, "BUTTONS"), "BUTTONS", "Add a button of the type URL to an offer.")

"""Templates that are right in themselves, and their parts."""

from typing import Any, Final

from inbox.templates.rules import Design

OK = {"type": "BODY", "text": "Your table is ready."}
TWO = "Hello {{1}}, your order {{2}} is on its way."
HEAD = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW1h:x"]}}
URL = {"type": "URL", "text": "Track", "url": "https://example.com/{{1}}", "example": ["https://example.com/5"]}
OTP = {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}]}


def body(text: str, *samples: str, **named: str) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "BODY", "text": text}
    if samples:
        made["example"] = {"body_text": [list(samples)]}
    if named:
        made["example"] = {"body_text_named_params": [{"param_name": n, "example": v} for n, v in named.items()]}
    return made


def buttons(*several: dict[str, Any]) -> dict[str, Any]:
    return {"type": "BUTTONS", "buttons": list(several)}


def quick(number: int) -> dict[str, Any]:
    return {"type": "QUICK_REPLY", "text": f"Choice {number}"}


def offer(**more: Any) -> dict[str, Any]:
    return {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Ends soon", "has_expiration": True, **more}}


def design(
    *components: dict[str, Any], category: str = "UTILITY", name: str = "a_name", language: str = "en"
) -> Design:
    return Design(name, language, category, components)


def footer(text: str) -> dict[str, Any]:
    return {"type": "FOOTER", "text": text}


def title(text: str, *samples: str) -> dict[str, Any]:
    example = {"example": {"header_text": list(samples)}} if samples else {}
    return {"type": "HEADER", "format": "TEXT", "text": text, **example}


def media(form: str) -> dict[str, Any]:
    return {"type": "HEADER", "format": form, "example": {"header_handle": ["4::aW1h:x"]}}


def bare(form: str) -> dict[str, Any]:
    return {"type": "HEADER", "format": form}


def button(kind: str, number: int = 1, **more: Any) -> dict[str, Any]:
    """A button that is right in itself."""
    needed: dict[str, dict[str, Any]] = {
        "URL": {"url": "https://example.com/"},
        "PHONE_NUMBER": {"phone_number": "+15550001"},
        "COPY_CODE": {"example": "SAVE20"},
        "FLOW": {"flow_id": "5"},
    }
    words = {} if kind == "COPY_CODE" else {"text": f"Choice {number}"}
    return {"type": kind, **words, **needed.get(kind, {}), **more}


def link(url: str, *samples: str) -> dict[str, Any]:
    example = {"example": list(samples)} if samples else {}
    return buttons(button("URL", url=url) | example)


def code(*components: dict[str, Any]) -> Design:
    return design(*components, category="AUTHENTICATION")


def otp(**more: Any) -> dict[str, Any]:
    return buttons({"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy", **more})


def tap(*apps: tuple[str, str], kind: str = "ONE_TAP", **more: Any) -> Design:
    told = [{"package_name": package, "signature_hash": signed} for package, signed in apps]
    return code(EMPTY, otp(otp_type=kind, supported_apps=told, **more))


def cards(*several: dict[str, Any], category: str = "MARKETING", beside: tuple[dict[str, Any], ...] = ()) -> Design:
    return design(OK, {"type": "CAROUSEL", "cards": list(several)}, *beside, category=category)


def card(text: str = "Bread", header: Any = HEAD, several: Any = (URL,)) -> dict[str, Any]:
    parts = [header, {"type": "BODY", "text": text} if text else None, buttons(*several) if several else None]
    return {"components": [each for each in parts if each is not None]}


def ending(*components: dict[str, Any], category: str = "MARKETING") -> Design:
    return design(*components, category=category)


EMPTY: Final = {"type": "BODY"}
APP: Final = ("com.example.shop", "K8a/AINcGX7")
LINK: Final = buttons(button("URL"))
TEN: Final = [*(button("QUICK_REPLY", n) for n in range(7)), button("URL", 8), button("URL", 9)]
CALL: Final = button("PHONE_NUMBER", 10)
NAMED: Final = "Hello {{name}}, your order {{order_id}} is on its way."
BESIDE: Final = "Hello dear {{1}} {{2}} and good morning to you."
MIXED: Final = {"name": "Anna", "1": "5"}
LONG: Final = "https://example.com/" + "x" * 1980

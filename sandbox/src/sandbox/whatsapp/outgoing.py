"""What a business may send: the rules of a message's body, by its type. Without models, for the sake of speed."""

import re
from collections.abc import Callable, Mapping

from sandbox.json import Object, list_at, object_at, text_at, value_at
from sandbox.whatsapp import errors

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LONGEST_OPAQUE = 512
BUTTONS, ROWS = 3, 10
MEDIA = ("image", "audio", "video", "document", "sticker")
INTERACTIVE = {
    "button": "buttons",
    "list": "sections",
    "product": "product_retailer_id",
    "product_list": "sections",
    "catalog_message": "name",
    "flow": "name",
    "cta_url": "name",
    "location_request_message": "name",
    "call_permission_request": "name",
    "address_message": "name",
}
KEYS: Mapping[str, frozenset[str]] = {
    "text": frozenset({"body", "preview_url"}),
    "image": frozenset({"id", "link", "caption"}),
    "audio": frozenset({"id", "link", "voice"}),
    "video": frozenset({"id", "link", "caption"}),
    "document": frozenset({"id", "link", "caption", "filename"}),
    "sticker": frozenset({"id", "link"}),
    "location": frozenset({"latitude", "longitude", "name", "address"}),
    "reaction": frozenset({"message_id", "emoji"}),
    "template": frozenset({"name", "namespace", "language", "components"}),
    "interactive": frozenset({"type", "header", "body", "footer", "action"}),
}
_NUMBER = re.compile(r"\+?[0-9][0-9 ().-]{4,30}")
_BSUID = re.compile(r"[A-Z]{2}(\.ENT)?\.[A-Za-z0-9]{1,128}")
_NO_DIGIT = re.compile(r"[^0-9]")


def recipient(message: Object) -> tuple[str, str]:
    """The recipient as it was given and as WhatsApp knows it: digits, or a user id."""
    given = message.get("to") or message.get("recipient")
    if given is None or given == "":
        raise errors.wrong_parameter("The parameter to is required.")
    if not isinstance(given, str):
        raise errors.wrong_parameter("Param to must be a string.")
    if _BSUID.fullmatch(given):
        return given, given
    if not _NUMBER.fullmatch(given):
        raise errors.refused(131009, "Recipient is not a valid phone number or user id")
    return given, _NO_DIGIT.sub("", given)


def check(message: Object) -> str:
    """The type of a message whose body is as it must be; refused otherwise."""
    if message.get("messaging_product") != "whatsapp":
        raise errors.wrong_parameter("The parameter messaging_product is required and must be 'whatsapp'.")
    if message.get("recipient_type", "individual") not in {"individual", "group"}:
        raise errors.wrong_parameter("Param recipient_type must be one of {INDIVIDUAL, GROUP}.")
    kind = message.get("type", "text")
    if not isinstance(kind, str) or kind not in _RULES:
        raise errors.refused(131051, f"The type {str(kind)[:50]!r} is not supported")
    if not isinstance(message.get(kind), list if kind == "contacts" else dict):
        raise errors.wrong_parameter(f"The parameter {kind} is required.")
    _check_frame(message)
    if unexpected := object_at(message, kind).keys() - KEYS.get(kind, frozenset()):
        raise errors.wrong_parameter(f'Unexpected key "{min(unexpected)[:50]}" on param "{kind}".')
    _RULES[kind](message)
    return kind


def _check_frame(message: Object) -> None:
    opaque = message.get("biz_opaque_callback_data")
    if opaque is not None and (not isinstance(opaque, str) or len(opaque) > LONGEST_OPAQUE):
        raise errors.wrong_parameter(
            f"Param biz_opaque_callback_data must be a string of at most {LONGEST_OPAQUE} characters."
        )
    if "context" in message and not text_at(message, "context", "message_id"):
        raise errors.wrong_parameter("The parameter context['message_id'] is required.")


def _text(message: Object) -> None:
    _within(message, "text", "body", most=LONGEST_TEXT)
    if not isinstance(value_at(message, "text", "preview_url"), bool | None):
        raise errors.wrong_parameter("Param text['preview_url'] must be a boolean.")


def _media(message: Object) -> None:
    kind = text_at(message, "type")
    media = object_at(message, kind)
    id_, link = text_at(media, "id"), text_at(media, "link")
    if bool(id_) == bool(link):
        raise errors.refused(131008, f"{kind} needs either id or link")
    if link and not link.startswith(("http://", "https://")):
        raise errors.refused(131009, f"{kind}.link must be an http or https address")
    caption = media.get("caption")
    if caption is not None and (not isinstance(caption, str) or len(caption) > LONGEST_CAPTION):
        raise errors.refused(131009, f"{kind}.caption is a text of at most {LONGEST_CAPTION} characters")


def _location(message: Object) -> None:
    for name, most in (("latitude", 90), ("longitude", 180)):
        value = value_at(message, "location", name)
        if value is None:
            raise errors.refused(131008, f"location.{name} is required")
        try:
            fits = not isinstance(value, bool) and abs(float(str(value))) <= most
        except ValueError:
            fits = False
        if not fits:
            raise errors.refused(131009, f"location.{name} is not valid")


def _contacts(message: Object) -> None:
    contacts = list_at(message, "contacts")
    if not contacts:
        raise errors.refused(131008, "contacts must not be empty")
    for one in contacts:
        if not isinstance(one, dict) or not text_at(one, "name", "formatted_name"):
            raise errors.refused(131008, "contacts.name.formatted_name is required")


def _reaction(message: Object) -> None:
    if not text_at(message, "reaction", "message_id"):
        raise errors.refused(131008, "reaction.message_id is required")
    if not isinstance(value_at(message, "reaction", "emoji"), str):
        raise errors.refused(131008, "reaction.emoji is required; an empty one takes the reaction back")


def _interactive(message: Object) -> None:
    kind = text_at(message, "interactive", "type")
    if kind not in INTERACTIVE:
        raise errors.refused(131009, f"interactive.type must be one of {', '.join(INTERACTIVE)}")
    action = object_at(message, "interactive", "action")
    if not action.get(INTERACTIVE[kind]):
        raise errors.refused(131008, f"interactive.action.{INTERACTIVE[kind]} is required")
    if kind not in {"product", "catalog_message"}:
        _within(message, "interactive", "body", "text", most=1024 if kind != "list" else LONGEST_TEXT)
    if kind == "button":
        _buttons(list_at(action, "buttons"))
    if kind == "list":
        _sections(action)


def _buttons(buttons: list[object]) -> None:
    titles = [text_at(one, "reply", "title") for one in buttons if isinstance(one, dict)]
    ids = [text_at(one, "reply", "id") for one in buttons if isinstance(one, dict)]
    if not 1 <= len(buttons) <= BUTTONS or len(titles) != len(buttons):
        raise errors.refused(131009, f"Buttons count must be between 1 and {BUTTONS}")
    if not all(0 < len(title) <= 20 for title in titles) or not all(0 < len(one) <= 256 for one in ids):
        raise errors.refused(131009, "Button title must be 1 to 20 characters, its id 1 to 256")
    if len(set(titles)) != len(titles) or len(set(ids)) != len(ids):
        raise errors.refused(131009, "Button titles and ids must be unique")


def _sections(action: Object) -> None:
    if not 0 < len(text_at(action, "button")) <= 20:
        raise errors.refused(131009, "interactive.action.button must be 1 to 20 characters")
    rows = [
        row
        for section in list_at(action, "sections")
        for row in (list_at(section, "rows") if isinstance(section, dict) else [None])
    ]
    if not 1 <= len(rows) <= ROWS:
        raise errors.refused(131009, f"Total row count must be between 1 and {ROWS}")
    for row in rows:
        named = isinstance(row, dict) and 0 < len(text_at(row, "title")) <= 24 and 0 < len(text_at(row, "id")) <= 200
        if not named:
            raise errors.refused(131009, "A row needs a title of 1 to 24 characters and an id of 1 to 200")


def _template(_: Object) -> None:
    """Its rules are in the template it names."""


def _within(message: Object, *path: str, most: int) -> None:
    text = value_at(message, *path)
    place = path[0] + "".join(f"['{step}']" for step in path[1:])
    if not isinstance(text, str) or not text.strip():
        raise errors.wrong_parameter(f"The parameter {place} is required.")
    if len(text) > most:
        raise errors.wrong_parameter(f"Param {place} must be at most {most} characters long.")


_RULES: Mapping[str, Callable[[Object], None]] = {
    "text": _text,
    **dict.fromkeys(MEDIA, _media),
    "location": _location,
    "contacts": _contacts,
    "interactive": _interactive,
    "reaction": _reaction,
    "template": _template,
}

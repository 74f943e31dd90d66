"""How long X finds a text (weighted, as twitter-text v3 counts), and what readers get of it.

Emoji are told by their blocks here, not by Unicode's table: enough for a sandbox, not for a judge.
"""

import re
from collections.abc import Callable

URL_WEIGHT = 23
LIGHT = ((0x0000, 0x10FF), (0x2000, 0x200D), (0x2010, 0x201F), (0x2032, 0x2037))
_URL = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]']", re.IGNORECASE)
_PICTURE = "[\U0001f1e6-\U0001faff\u2600-\u27bf\u2b00-\u2bff]"
_EMOJI = re.compile(rf"{_PICTURE}[\ufe0f\U0001f3fb-\U0001f3ff\U0001f1e6-\U0001f1ff]*(?:\u200d{_PICTURE}\ufe0f?)*")


def weight(text: str) -> int:
    """The weighted length."""
    rest = _URL.sub("", text)
    urls = len(_URL.findall(text)) * URL_WEIGHT
    emoji = len(_EMOJI.findall(rest)) * 2
    return urls + emoji + sum(_weight(one) for one in _EMOJI.sub("", rest))


def shortened(text: str, shorten: Callable[[str], str]) -> tuple[str, list[dict[str, object]]]:
    """The text as the API gives it back: links shortened, `&<>` escaped; and where the links are."""
    seen, entities, at = "", [], 0
    for found in _URL.finditer(text):
        short = shorten(found[0])
        seen += _escaped(text[at : found.start()])
        entities.append(_entity(len(seen), short, found[0]))
        seen += short
        at = found.end()
    return seen + _escaped(text[at:]), entities


def with_media(text: str, entities: list[dict[str, object]], short: str, url: str, keys: list[str]) -> str:
    """The text with the link that X puts behind it when there is a picture or a film."""
    separator = " " if text else ""
    where = _entity(len(text) + len(separator), short, url)
    entities.extend({**where, "media_key": key} for key in keys)
    return f"{text}{separator}{short}"


def _entity(start: int, short: str, url: str) -> dict[str, object]:
    shown = url.partition("://")[2][:30]
    return {"start": start, "end": start + len(short), "url": short, "expanded_url": url, "display_url": shown}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _weight(character: str) -> int:
    return 1 if any(first <= ord(character) <= last for first, last in LIGHT) else 2

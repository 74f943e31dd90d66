"""What of a text each platform makes a link of: links, hashtags, mentions, cashtags.

Links, hashtags and cashtags are found as twitter-text finds them; names differ in the characters they may have.
LinkedIn has mentions that say whom they mean (`little`). Facebook links no name that comes through its API.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import regex

from postrules import entities, little
from postrules.limits import Platform

_BEFORE: Final = r"(?<![\w.@/#&])@"
_DOTTED: Final = regex.compile(_BEFORE + r"([A-Za-z0-9_](?:[A-Za-z0-9_.]{0,28}[A-Za-z0-9_])?)(?![\w@])")
_HANDLE: Final = regex.compile(_BEFORE + r"([\p{L}\p{N}](?:[\p{L}\p{N}_.\-\u00b7]{1,28}[\p{L}\p{N}_]))(?![\w@])")
_NAMES: Final[Mapping[Platform, "regex.Pattern[str]"]] = {
    Platform.INSTAGRAM: _DOTTED,
    Platform.THREADS: _DOTTED,
    Platform.TIKTOK: _DOTTED,
    Platform.YOUTUBE: _HANDLE,
}


@dataclass(frozen=True, slots=True)
class Linked:
    """The links as written, the others without their signs, in the order of the text."""

    links: tuple[str, ...]
    hashtags: tuple[str, ...]
    mentions: tuple[str, ...]
    cashtags: tuple[str, ...]


def linked(platform: Platform, text: str) -> Linked:
    """What the platform makes links of."""
    links = entities.urls(text)
    tags = (
        little.hashtags(text) if platform is Platform.LINKEDIN else _texts(entities.hashtags(text, apart_from=links))
    )
    cashtags = _texts(entities.cashtags(text)) if platform is Platform.X else ()
    return Linked(_texts(links), tags, _mentions(platform, text), cashtags)


def _mentions(platform: Platform, text: str) -> tuple[str, ...]:
    if ("@" not in text and "\uff20" not in text) or platform is Platform.FACEBOOK:
        return ()
    if platform is Platform.X:
        return _texts(entities.mentions(text))
    if platform is Platform.LINKEDIN:
        return little.mentions(text)
    return tuple(found.group(1) for found in _NAMES[platform].finditer(text))


def _texts(found: list[entities.Entity]) -> tuple[str, ...]:
    return tuple(one.text for one in found)

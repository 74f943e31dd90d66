"""Whether a text is one address, hashtag, name or list, whole and nothing else, as twitter-text judges it."""

from typing import Final

import regex

from postrules.entities import hashtags, mentions

_FLAGS: Final = regex.IGNORECASE
_CYRILLIC: Final = r"\u0400-\u04ff"
_UNRESERVED: Final = rf"[a-z{_CYRILLIC}0-9\-._~]"
_ENCODED: Final = "%[0-9a-f]{2}"
_DELIMITER: Final = r"[!$&'()*+,;=]"
_IN_SEGMENT: Final = rf"(?:{_UNRESERVED}|{_ENCODED}|{_DELIMITER}|[:|@])"
_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9][0-9]|[0-9])"
_ADDRESS: Final = rf"(?:{_OCTET}(?:\.{_OCTET}){{3}}|\[[a-f0-9:.]+\])"
_EDGE: Final = r"(?:[a-z0-9]|[^\u0000-\u007f])"
_LABEL: Final = rf"{_EDGE}(?:(?:[a-z0-9\-]|[^\u0000-\u007f])*{_EDGE})?"
_LOW_LABEL: Final = rf"{_EDGE}(?:(?:[a-z0-9_\-]|[^\u0000-\u007f])*{_EDGE})?"
_TOP: Final = rf"(?:[a-z]|[^\u0000-\u007f])(?:(?:[a-z0-9\-]|[^\u0000-\u007f])*{_EDGE})?"
_HOST: Final = rf"(?:{_ADDRESS}|(?:{_LOW_LABEL}\.)*{_LABEL}\.{_TOP})"

_SPLIT: Final = regex.compile(
    r"(?:(?P<scheme>[^:/?#]+)://)?(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?"
)
_SCHEME: Final = regex.compile("https?", _FLAGS)
_AUTHORITY: Final = regex.compile(
    rf"(?:(?:{_UNRESERVED}|{_ENCODED}|{_DELIMITER}|:)*@)?{_HOST}(?::[0-9]{{1,5}})?", _FLAGS
)
_PATH: Final = regex.compile(rf"(?:/{_IN_SEGMENT}*)*", _FLAGS)
_REST: Final = regex.compile(rf"(?:{_IN_SEGMENT}|[/?])*", _FLAGS)

LONGEST: Final = 4096
"""Longer addresses are none to us."""


def is_url(text: str, *, scheme: bool = True) -> bool:
    """Whether it is an address of the web; without `scheme` it need not begin with http."""
    found = _SPLIT.fullmatch(text) if len(text) <= LONGEST else None
    if found is None or (scheme and not _SCHEME.fullmatch(found["scheme"] or "")):
        return False
    return bool(
        _AUTHORITY.fullmatch(found["authority"])
        and _PATH.fullmatch(found["path"])
        and _REST.fullmatch(found["query"] or "")
        and _REST.fullmatch(found["fragment"] or "")
    )


def is_hashtag(text: str) -> bool:
    """Whether it is one hashtag, with its sign."""
    return [(one.start, one.end) for one in hashtags(text)] == [(0, len(text))]


def is_username(text: str) -> bool:
    """Whether it is one name, with its sign."""
    return [(one.start, one.end) for one in mentions(text)] == [(0, len(text))]


def is_list(text: str) -> bool:
    """Whether it is one list, with its owner."""
    found = mentions(text, lists=True)
    return [(one.kind, one.start, one.end) for one in found] == [("list", 0, len(text))]

"""LinkedIn's "little" text format: what has a meaning in it is escaped, except hashtags and mentions that are meant.

A draft is plain text in which `#tag` is a hashtag and `@[Name](urn:li:organization:1)` a mention. `rendered` writes
it as LinkedIn wants it; `plain` reads what LinkedIn gives back. Comparing by `plain` is exact whichever of its forms
LinkedIn answers in.
"""

import re
from typing import Final

RESERVED: Final = frozenset("|{}@[]()<>#\\*_~")
"""Characters that must be escaped to stand for themselves, even where they form no element."""

_SPECIAL = re.compile(r"[|{}@\[\]()<>#\\*_~]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_URN = r"urn:li:(?:person|organization):[A-Za-z0-9_-]{1,100}"
_MENTION = re.compile(rf"@\[([^\[\]\n]{{1,200}})\]\(({_URN})\)")
_TAG = r"\w*[^\W\d_]\w*"
_HASHTAG = re.compile(rf"(?<![\w&/#])#({_TAG})")
_ELEMENT = re.compile(rf"(?P<mention>{_MENTION.pattern})|(?P<hashtag>{_HASHTAG.pattern})")
_THEIRS = re.compile(
    r"\\(?P<plain>.)"
    r"|\{hashtag\|\\?#\|(?P<tag>(?:\\.|[^}\\])*)\}"
    r"|@\[(?P<name>(?:\\.|[^\]\\])*)\]\((?:\\.|[^)\\])*\)",
    re.DOTALL,
)


def escape(text: str) -> str:
    """The text with every reserved character escaped: LinkedIn shows exactly this text."""
    return _SPECIAL.sub(lambda found: "\\" + found.group(), text)


def unescape(text: str) -> str:
    """What was escaped."""
    return _ESCAPED.sub(r"\1", text)


def rendered(draft: str) -> str:
    """A draft as LinkedIn's `commentary`: its hashtags and mentions are elements, all else stands for itself."""
    parts, at = [], 0
    for found in _ELEMENT.finditer(draft):
        parts += [escape(draft[at : found.start()]), _element(found)]
        at = found.end()
    return "".join([*parts, escape(draft[at:])])


def _element(found: re.Match[str]) -> str:
    if found["hashtag"]:
        tag = found["hashtag"][1:]
        return rf"{{hashtag|\#|{escape(tag)}}}"
    name, _, urn = found["mention"][2:-1].rpartition("](")
    return f"@[{escape(name)}]({urn})"


def shown(draft: str) -> str:
    """A draft as a reader will see it: a mention is its name."""
    return _MENTION.sub(lambda found: found.group(1), draft)


def hashtags(draft: str) -> tuple[str, ...]:
    """The hashtags of a draft, without their signs."""
    return tuple(found["hashtag"][1:] for found in _ELEMENT.finditer(draft) if found["hashtag"])


def mentions(draft: str) -> tuple[str, ...]:
    """The names of those whom a draft mentions."""
    return tuple(found.group(1) for found in _MENTION.finditer(draft))


def plain(commentary: str) -> str:
    """A `commentary` as a reader sees it."""
    return _THEIRS.sub(_seen, commentary)


def _seen(found: re.Match[str]) -> str:
    if found["plain"] is not None:
        return found["plain"]
    if found["tag"] is not None:
        return "#" + unescape(found["tag"])
    return unescape(found["name"])

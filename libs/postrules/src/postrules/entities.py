"""Links, hashtags, mentions and cashtags in a text, as twitter-text (v3) finds them; places are code points.

Links are found without a scheme too, under the top-level domains of `data/tlds.txt`.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import regex

EntityKind = Literal["url", "hashtag", "mention", "list", "cashtag"]

LONGEST_URL: Final = 4096
LONGEST_LABEL: Final = 63
LONGEST_SHORT_SLUG: Final = 40
_LABELS: Final = 126

_ACCENTED: Final = (
    r"\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u0100-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f"
    r"\u0272\u0289\u028b\u02bb\u0300-\u036f\u1e00-\u1eff"
)
_CYRILLIC: Final = r"\u0400-\u04ff"
_SPACES: Final = r"\u0009-\u000d\u0020\u0085\u00a0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_DIRECTIONS: Final = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
INVALID: Final = "\ufffe\ufeff\uffff"
_PUNCTUATION: Final = r"""!'#%&\(\)*+,\\\-./:;<=>?@\[\]\^_{|}~$"""

_IN_DOMAIN: Final = rf"[^{_PUNCTUATION}{_SPACES}{INVALID}{_DIRECTIONS}]"
_SUBDOMAIN: Final = rf"(?:(?={_IN_DOMAIN})(?:[_\-]|{_IN_DOMAIN})++(?<={_IN_DOMAIN})\.)"
_DOMAIN_NAME: Final = rf"(?:(?={_IN_DOMAIN})(?:-|{_IN_DOMAIN})++(?<={_IN_DOMAIN})\.)"
_IN_ASCII: Final = rf"[a-z0-9{_ACCENTED}]"
_ASCII_NAME: Final = rf"(?:{_IN_ASCII}(?:[\-a-z0-9{_ACCENTED}]*+(?<!-))?\.)"
_PUNYCODE: Final = r"xn--[-0-9a-z]+"

_IN_PATH: Final = rf"[a-z{_CYRILLIC}0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{_ACCENTED}]"
_IN_PARENTHESES: Final = rf"\((?:{_IN_PATH}+|{_IN_PATH}*\({_IN_PATH}+\){_IN_PATH}*)\)"
_ENDS_PATH: Final = rf"(?:[+\-a-z{_CYRILLIC}0-9=_#/{_ACCENTED}]|{_IN_PARENTHESES})"
_PATH: Final = rf"(?:{_IN_PATH}*(?:{_IN_PARENTHESES}{_IN_PATH}*)*{_ENDS_PATH}|@{_IN_PATH}+/)"
_IN_QUERY: Final = r"[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]"
_ENDS_QUERY: Final = r"[a-z0-9\-_&=#/]"

_HASH: Final = r"[#\uff03]"
_AT: Final = r"[@\uff20]"
_IN_TAG: Final = (
    r"[\p{L}\p{M}\p{Nd}_\u200c\u200d\ua67e\u05be\u05f3\u05f4\uff5e\u301c\u309b\u309c\u30a0\u30fb\u3003"
    r"\u0f0b\u0f0c\u00b7]"
)
_TAG: Final = regex.compile(
    rf"(?:^|\ufe0e|\ufe0f|(?!{_IN_TAG}|&)[\s\S])(?P<whole>{_HASH}(?!\ufe0f|\u20e3)(?P<name>{_IN_TAG}*[\p{{L}}\p{{M}}]{_IN_TAG}*))",
)
_AFTER_TAG: Final = regex.compile(r"[#\uff03]|://")
_BEFORE_MENTION: Final = r"(?:^|[^a-zA-Z0-9_!#$%&*@\uff20]|(?:^|[^a-zA-Z0-9_+~.\-])(?:rt|RT|rT|Rt):?)"
_MENTION: Final = regex.compile(
    rf"{_BEFORE_MENTION}(?P<whole>{_AT}(?P<name>[a-zA-Z0-9_]{{1,20}})(?P<list>/[a-zA-Z][a-zA-Z0-9_\-]{{0,24}})?)"
)
_AFTER_MENTION: Final = regex.compile(rf"{_AT}|[{_ACCENTED}]|://")
_REPLY: Final = regex.compile(rf"[{_SPACES}{_DIRECTIONS}]*{_AT}(?P<name>[a-zA-Z0-9_]{{1,20}})")
_CASHTAG: Final = regex.compile(
    rf"(?:^|[{_SPACES}{_DIRECTIONS}])(?P<whole>\$(?P<name>[a-z]{{1,6}}(?:[._][a-z]{{1,2}})?))(?=$|\s|[{_PUNCTUATION}])",
    regex.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Entity:
    """Something in a text that a platform makes a link of.

    `text` is the link as written, or the name without its sign; `slug` is the list behind a mention, with its slash.
    `start` and `end` are code points of the text, sign and slug included.
    """

    kind: EntityKind
    text: str
    start: int
    end: int
    slug: str = ""


def _tlds() -> list[str]:
    lines = files("postrules").joinpath("data/tlds.txt").read_text("utf-8").splitlines()
    return [name for line in lines if not line.startswith("#") for name in line.split()]


@cache
def _url() -> "regex.Pattern[str]":
    """A link with a scheme, under any name; or without one, under a name in Latin letters.

    Written so that no text makes it look at a character more than a few times: labels give nothing back, and names
    without scheme begin where a run of letters does.
    """
    tld = rf"(?:\L<tlds>(?=[^0-9a-zA-Z@+\-]|$)|{_PUNYCODE})"
    rest = rf"(?::[0-9]+)?(?P<path>/{_PATH}*)?(?:\?{_IN_QUERY}*{_ENDS_QUERY})?"
    return regex.compile(
        rf"(?<![A-Za-z0-9@\uff20$#\uff03{INVALID}])(?P<scheme>https?://)(?P<domain>{_SUBDOMAIN}{{0,{_LABELS}}}{_DOMAIN_NAME}{tld}){rest}"
        rf"|(?<![\-_./a-z0-9@\uff20$#\uff03{INVALID}{_ACCENTED}])(?P<domain>{_ASCII_NAME}{{1,{_LABELS}}}{tld}){rest}",
        regex.IGNORECASE,
        tlds=_tlds(),
    )


_SHORT: Final = regex.compile(
    rf"https?://t\.co/(?P<slug>[a-z0-9]+)(?:\?{_IN_QUERY}*{_ENDS_QUERY})?", regex.IGNORECASE
)


def urls(text: str, *, without_scheme: bool = True) -> list[Entity]:
    """The links."""
    if ("." if without_scheme else ":") not in text:
        return []
    found = (_link(match) for match in _url().finditer(text) if without_scheme or match["scheme"])
    return [link for link in found if link]


def _link(match: "regex.Match[str]") -> Entity | None:
    """What was found, as far as it is a link; a query belongs to a link without scheme only behind a path."""
    url, scheme = match.group(), match["scheme"] or ""
    if not scheme and not match["path"]:
        url = match["domain"]
    short = _SHORT.match(url)
    if short:
        if len(short["slug"]) > LONGEST_SHORT_SLUG:
            return None
        url = short.group()
    if not _resolvable(url, match["domain"], len(scheme)):
        return None
    return Entity("url", url, match.start(), match.start() + len(url))


def _resolvable(url: str, domain: str, scheme: int) -> bool:
    """Whether its name has a form in which it can be looked up, and is not too long."""
    labels = domain.split(".")
    if any(len(label) > LONGEST_LABEL for label in labels):
        return False
    labels = [_encoded(label) for label in labels]
    if any(len(label) > LONGEST_LABEL for label in labels):
        return False
    return scheme + len(url) - len(domain) + sum(len(label) + 1 for label in labels) - 1 <= LONGEST_URL


def _encoded(label: str) -> str:
    return label if label.isascii() else "xn--" + label.lower().encode("punycode").decode("ascii")


def hashtags(text: str, *, apart_from: Sequence[Entity] | None = None) -> list[Entity]:
    """The hashtags that are no part of a link; `apart_from` are the links, if they are known."""
    if "#" not in text and "\uff03" not in text:
        return []
    taken = urls(text) if apart_from is None else apart_from
    starts = [one.start for one in taken]
    return [
        Entity("hashtag", match["name"], match.start("whole"), match.end())
        for match in _TAG.finditer(text)
        if not _AFTER_TAG.match(text, match.end()) and not _within(taken, starts, match.start("whole"), match.end())
    ]


def _within(taken: Sequence[Entity], starts: Sequence[int], start: int, end: int) -> bool:
    """Whether a piece of text shares a character with one of these, which are in order."""
    before = bisect_left(starts, end) - 1
    return before >= 0 and taken[before].end > start


def mentions(text: str, *, lists: bool = False) -> list[Entity]:
    """The people mentioned, and with `lists` the lists as such."""
    if "@" not in text and "\uff20" not in text:
        return []
    found = []
    for match in _MENTION.finditer(text):
        if _AFTER_MENTION.match(text, match.end()):
            continue
        slug = match["list"] or ""
        if not lists and slug:
            continue
        found.append(Entity("list" if slug else "mention", match["name"], match.start("whole"), match.end(), slug))
    return found


def reply(text: str) -> str | None:
    """Whom a text that begins with a mention answers."""
    match = _REPLY.match(text)
    return match["name"] if match and not _AFTER_MENTION.match(text, match.end()) else None


def cashtags(text: str) -> list[Entity]:
    """The ticker symbols."""
    if "$" not in text:
        return []
    return [Entity("cashtag", match["name"], match.start("whole"), match.end()) for match in _CASHTAG.finditer(text)]

"""Limits as data: each says where it was read, when, and how sure we are; one file per platform in `data`."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final, Literal, get_args

TextUnit = Literal["weighted", "graphemes", "utf16_units", "emoji_bytes", "bytes", "code_points"]
Unit = TextUnit | Literal["count", "seconds", "pixels", "ratio", "fps", "names", "yes_no", "calls_per_second"]
Confidence = Literal["confirmed", "reported", "assumed"]
Value = float | bool | tuple[str, ...]


class Platform(StrEnum):
    """A place where posts are published."""

    FACEBOOK = "facebook"
    INSTAGRAM = "instagram"
    THREADS = "threads"
    LINKEDIN = "linkedin"
    X = "x"
    YOUTUBE = "youtube"
    TIKTOK = "tiktok"


RULES: Final[Mapping[str, str]] = {
    "kinds": "Kinds of post",
    "text.max": "Text, at most",
    "text.fold": 'Text shown before "more"',
    "text.allowed": "Text",
    "text.without": "Text without",
    "title.max": "Title, at most",
    "title.needed": "A title is needed",
    "title.without": "Title without",
    "comment.max": "First comment, at most",
    "comment.allowed": "First comment",
    "comment.hashtags.max": "Hashtags in the first comment",
    "comment.links.max": "Links in the first comment",
    "thread.parts.max": "Parts of a thread",
    "hashtags.max": "Hashtags",
    "hashtags.linked": "Hashtags that count",
    "mentions.max": "Mentions",
    "cashtags.max": "Cashtags",
    "links.max": "Links",
    "link.field": "A link has a place of its own",
    "link.card": "A link is shown as a card",
    "link.clickable": "Links can be followed",
    "tags.max": "Tags, all together",
    "media.needed": "Media are needed",
    "media.min": "Media, at least",
    "media.max": "Media, at most",
    "media.mixed": "Pictures and videos together",
    "images.max": "Pictures",
    "videos.max": "Videos",
    "animations.max": "Animated pictures",
    "documents.max": "Documents",
    "image.types": "Picture: types",
    "image.bytes.max": "Picture: size, at most",
    "image.pixels.max": "Picture: pixels, at most",
    "image.width.min": "Picture: width, at least",
    "image.side.min": "Picture: shorter side, at least",
    "image.side.max": "Picture: longer side, at most",
    "image.ratio.min": "Picture: narrowest",
    "image.ratio.max": "Picture: widest",
    "animation.bytes.max": "Animated picture: size, at most",
    "animation.width.max": "Animated picture: width, at most",
    "animation.height.max": "Animated picture: height, at most",
    "video.types": "Video: types",
    "video.bytes.min": "Video: size, at least",
    "video.bytes.max": "Video: size, at most",
    "video.seconds.min": "Video: length, at least",
    "video.seconds.max": "Video: length, at most",
    "video.width.min": "Video: width, at least",
    "video.width.max": "Video: width, at most",
    "video.height.min": "Video: height, at least",
    "video.side.min": "Video: shorter side, at least",
    "video.side.max": "Video: longer side, at most",
    "video.ratio.min": "Video: narrowest",
    "video.ratio.max": "Video: widest",
    "video.fps.min": "Video: frames a second, at least",
    "video.fps.max": "Video: frames a second, at most",
    "document.types": "Document: types",
    "document.bytes.max": "Document: size, at most",
    "document.pages.max": "Document: pages, at most",
    "cover.types": "Cover of a video: types",
    "cover.bytes.max": "Cover of a video: size, at most",
    "alt.max": "Alternative text, at most",
    "alt.kinds": "Alternative texts are for",
    "privacy": "Who may see it",
    "privacy.needed": "Who may see it must be said",
    "ai_label": "A label for what AI has made",
    "made_for_kids.asked": "Whether it is made for children is asked",
    "posts.day": "Posts within 24 hours",
    "posts.project.day": "Posts of all who publish through one application, a day",
    "pace": "Pace",
}
"""Every rule there is, in the order and words of the documentation."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of one platform; `kind` and `account` narrow it to a kind of post or of account, "" for all.

    `confirmed` was read in the platform's own documentation, `reported` in that of others, `assumed` is our choice.
    Where sources disagree the stricter is the value, and the note says so.
    """

    rule: str
    value: Value
    unit: Unit
    source: str
    as_of: date
    confidence: Confidence
    note: str = ""
    kind: str = ""
    account: str = ""

    @property
    def number(self) -> float:
        """Its value, of a rule that has a number."""
        if isinstance(self.value, tuple):
            raise TypeError(f"{self.rule} lists names")
        return float(self.value)


@dataclass(frozen=True, eq=False)
class Limits:
    """What one platform allows."""

    platform: Platform
    name: str
    rules: Mapping[tuple[str, str, str], Limit]

    def __iter__(self) -> Iterator[Limit]:
        return iter(self.rules.values())

    def find(self, rule: str, *, kind: str = "", account: str = "") -> Limit | None:
        """The limit by this name: the one for this kind of post and account, if it differs from the common one."""
        return self.of(kind, account).get(rule)

    def of(self, kind: str, account: str) -> Mapping[str, Limit]:
        """All limits for this kind of post and account, by name."""
        return _narrowed(self, kind, account)

    @property
    def text(self) -> Limit:
        """How long the text of a common post may be."""
        return self.rules["text.max", "", ""]

    @property
    def pace(self) -> Limit:
        """How many calls a second we make for one account."""
        return self.rules["pace", "", ""]


@lru_cache(maxsize=256)
def _narrowed(limits: Limits, kind: str, account: str) -> Mapping[str, Limit]:
    narrowed: dict[str, Limit] = {}
    for scope in (("", ""), ("", account), (kind, ""), (kind, account)):
        narrowed |= {limit.rule: limit for limit in limits if (limit.kind, limit.account) == scope}
    return narrowed


def read(platform: Platform, text: str) -> Limits:
    """One data file.

    Raises:
        ValueError: it has a rule, unit or confidence that does not exist, or one rule twice.
    """
    data = tomllib.loads(text)
    rules: dict[tuple[str, str, str], Limit] = {}
    for row in data["rules"]:
        limit = _limit(row, data["sources"])
        key = (limit.rule, limit.kind, limit.account)
        if key in rules:
            raise ValueError(f"{platform}: {key} stands there twice")
        rules[key] = limit
    return Limits(platform, data["name"], rules)


def _limit(row: Mapping[str, Any], sources: Mapping[str, Mapping[str, Any]]) -> Limit:
    source = sources[row["source"]]
    value = tuple(row["value"]) if isinstance(row["value"], list) else row["value"]
    if row["rule"] not in RULES or row["unit"] not in UNITS or row["confidence"] not in get_args(Confidence):
        raise ValueError(f"{row['rule']}: this rule, unit or confidence does not exist")
    return Limit(
        rule=row["rule"],
        value=value,
        unit=row["unit"],
        source=source["text"],
        as_of=row.get("as_of", source["as_of"]),
        confidence=row["confidence"],
        note=row.get("note", ""),
        kind=row.get("kind", ""),
        account=row.get("account", ""),
    )


@cache
def _all() -> Mapping[Platform, Limits]:
    data = files("postrules").joinpath("data")
    return {each: read(each, data.joinpath(f"{each}.toml").read_text("utf-8")) for each in Platform}


TEXT_UNITS: Final[frozenset[str]] = frozenset(get_args(TextUnit))
UNITS: Final = TEXT_UNITS | {"count", "seconds", "pixels", "ratio", "fps", "names", "yes_no", "calls_per_second"}
LIMITS: Final[Mapping[Platform, Limits]] = _all()
"""By platform."""

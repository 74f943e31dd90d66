"""What a medium must become for a platform to take it, by the platform's rules; values alone."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from postrules.drafts import Draft
from postrules.limits import Platform
from publisher.media.workshop.sniffing import JPEG, MP4, PNG
from publisher.media.workshop.verdict import Facts

MENDED: Final = frozenset(
    {
        *("image.types", "image.bytes.max", "image.pixels.max", "image.side.max", "image.ratio.min"),
        *("image.ratio.max", "video.types", "video.bytes.max", "video.width.max", "video.side.max"),
        *("video.ratio.min", "video.ratio.max", "video.fps.min", "video.fps.max"),
    }
)
"""Rules that a rendition keeps where the medium itself does not."""

_NEAR: Final = 0.01
_HEVC: Final = frozenset({Platform.YOUTUBE, Platform.TIKTOK, Platform.FACEBOOK, Platform.INSTAGRAM})
_SPARE: Final = 0.98
_LEAST_BITRATE: Final = 250_000
"""Bits per second below which nobody wants to see a film."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a medium is to become; `key` is the same for the same wish."""

    fit: Mapping[str, Any]

    @property
    def key(self) -> str:
        """A fingerprint."""
        return hashlib.blake2b(json.dumps(self.fit, sort_keys=True).encode(), digest_size=16).hexdigest()


def shape_for(draft: Draft, facts: Facts) -> Shape | None:
    """What it must become in this post; None where it can stay as it is, or nothing would help."""
    if facts.kind == "image" and not facts.animated:
        return _picture(draft, facts)
    return _film(draft, facts) if facts.kind == "video" else None


def _picture(draft: Draft, facts: Facts) -> Shape | None:
    types, side = draft.names("image.types"), _number(draft, "image.side.max")
    bounds = {
        "bytes_max": _number(draft, "image.bytes.max"),
        "pixels_max": _number(draft, "image.pixels.max"),
        "width_max": side,
        "height_max": side,
        "ratio_min": _number(draft, "image.ratio.min"),
        "ratio_max": _number(draft, "image.ratio.max"),
    }
    fits = (not types or facts.mime in types) and _within(facts, bounds)
    if fits or (types and not {JPEG, PNG} & set(types)):
        return None
    wanted = JPEG if not types or JPEG in types else PNG
    return Shape({"mime": wanted, **_said(bounds)})


def _film(draft: Draft, facts: Facts) -> Shape | None:
    types, side = draft.names("video.types"), _number(draft, "video.side.max")
    bounds = {
        "bytes_max": _number(draft, "video.bytes.max"),
        "width_max": _least(side, _number(draft, "video.width.max")),
        "height_max": side,
        "ratio_min": _number(draft, "video.ratio.min"),
        "ratio_max": _number(draft, "video.ratio.max"),
        "fps_min": _number(draft, "video.fps.min"),
        "fps_max": _number(draft, "video.fps.max"),
    }
    coded = facts.video_codec == "h264" or (facts.video_codec == "hevc" and draft.platform in _HEVC)
    sounds = facts.audio_codec in {"", "aac"}
    fits = coded and sounds and (not types or facts.mime in types) and _within(facts, bounds)
    if fits or (types and MP4 not in types):
        return None
    return _possible(bounds, facts)


def _possible(bounds: Mapping[str, float | None], facts: Facts) -> Shape | None:
    most = bounds["bytes_max"]
    if most is not None and facts.duration_ms and most * 8000 / facts.duration_ms < _LEAST_BITRATE:
        return None
    return Shape(_said(bounds))


def _within(facts: Facts, bounds: Mapping[str, float | None]) -> bool:
    ratio, rate = facts.width / facts.height, facts.frames_per_second or 0.0
    measured = (
        (facts.size_bytes, None, bounds["bytes_max"]),
        (facts.width * facts.height, None, bounds.get("pixels_max")),
        (facts.width, None, bounds["width_max"]),
        (facts.height, None, bounds["height_max"]),
        (ratio + _NEAR, bounds["ratio_min"], None),
        (ratio - _NEAR, None, bounds["ratio_max"]),
        (rate, bounds.get("fps_min") if rate else None, bounds.get("fps_max")),
    )
    return all(
        (least is None or value >= least) and (most is None or value <= most) for value, least, most in measured
    )


def _number(draft: Draft, rule: str) -> float | None:
    limit = draft.limit(rule)
    return None if limit is None else limit.number


def _least(*values: float | None) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _said(bounds: Mapping[str, float | None]) -> dict[str, Any]:
    """What is bound, in whole numbers where that is what is counted; with a little to spare in bytes."""
    told: dict[str, Any] = {}
    for name, value in bounds.items():
        if value is not None:
            whole = int(value * _SPARE) if name == "bytes_max" else int(value)
            told[name] = value if name.startswith(("ratio", "fps")) else whole
    return told

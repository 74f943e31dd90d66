"""What is checked about media: how many, of which kinds together, and each item by itself."""

from collections.abc import Iterator, Sequence
from typing import Final

from postrules import words
from postrules.drafts import Draft, Finding, Media
from postrules.findings import Place, found
from postrules.limits import Limit
from postrules.text_rules import too_long

ALL: Final = Place("/media")
_NAMES: Final = {
    "image": "a picture",
    "video": "a video",
    "document": "a document",
    "animation": "an animated picture",
}
_MEASURES: Final = {
    "bytes": ("a size", "Use a better version.", "Compress it."),
    "seconds": ("a length", "Make it longer.", "Cut it."),
    "ratio": ("a shape", "Crop it to be wider.", "Crop it to be narrower."),
    "width": ("a width", "Use a larger version.", "Scale it down."),
    "height": ("a height", "Use a larger version.", "Scale it down."),
    "side": ("sides", "Use a larger version.", "Scale it down."),
    "pixels": ("an area", "Use a larger version.", "Scale it down."),
    "fps": ("a rate", "Convert it to more frames a second.", "Convert it to fewer frames a second."),
    "pages": ("a number of pages", "Add pages.", "Leave pages out, or split it."),
}
"""How each measure is called, and what to do about too little and too much of it."""
_MILLISECONDS: Final = 1000
_NEAR: Final = 0.01
"""Shapes are compared to the hundredth: 1080 by 1919 pixels are 9:16 to everybody."""


def check(draft: Draft) -> Iterator[Finding]:
    """Everything about the draft's media."""
    yield from _counts(draft)
    for place, item in enumerate(draft.media):
        yield from _item(draft, Place(f"/media/{place}", place), item)
    if draft.cover is not None:
        yield from _cover(draft, draft.cover)


def _cover(draft: Draft, cover: Media) -> Iterator[Finding]:
    """The picture that stands for a film: of the right type and size, where the platform takes one at all."""
    name, place = draft.limits.name, Place("/cover")
    types, most = draft.limit("cover.types"), draft.limit("cover.bytes.max")
    if types is None:
        detail = f"{name} lets nobody choose the cover of a video this way; it will be left out."
        yield found(draft, place, "cover.types", detail, "Nothing needs to be done.", blocks=False)
    elif cover.mime and cover.mime not in draft.names("cover.types"):
        taken = words.amount(types.value, types.unit)
        detail = f"{name} takes the cover of a video as {taken}; this is {words.named(cover.mime)}."
        fix = f"Convert it to {words.named(draft.names('cover.types')[0])}."
        yield found(draft, place, types, detail, fix, actual=cover.mime)
    elif most and cover.size_bytes is not None and cover.size_bytes > most.number:
        actual = words.amount(cover.size_bytes, most.unit)
        detail = f"{name} takes the cover of a video up to {words.of(most)}; this has {actual}."
        yield found(draft, place, most, detail, "Compress it.", actual=cover.size_bytes)


def _counts(draft: Draft) -> Iterator[Finding]:
    name, count = draft.limits.name, len(draft.media)
    if not draft.media:
        needed = draft.limit("media.needed")
        if needed and needed.value:
            what = "a video" if _most(draft, "images.max") == 0 else "a picture or a video"
            yield found(draft, ALL, needed, f"{name} takes a {draft.published_as} only with media.", f"Add {what}.")
        return
    least = draft.limit("media.min")
    if least and count < least.number:
        detail = f"A {draft.published_as} on {name} has {words.of(least)} items at least; there is {count}."
        yield found(draft, ALL, least, detail, "Add items, or publish it as a common post.", actual=count)
    yield from _too_many(draft, "media.max", range(count), "items")
    kinds = {
        kind: [at for at, item in enumerate(draft.media) if item.kind == kind]
        for kind in ("image", "video", "document")
    }
    moving = [at for at, item in enumerate(draft.media) if item.moves]
    yield from _too_many(draft, "images.max", kinds["image"], "pictures")
    yield from _too_many(draft, "videos.max", kinds["video"], "videos")
    yield from _too_many(draft, "documents.max", kinds["document"], "documents", default=0)
    yield from _too_many(draft, "animations.max", moving, "animated pictures")
    yield from _mixed(draft, [kinds["image"], kinds["video"], kinds["document"]], moving)


def _most(draft: Draft, rule: str) -> float | None:
    limit = draft.limit(rule)
    return None if limit is None else limit.number


def _too_many(
    draft: Draft, rule: str, places: Sequence[int], what: str, *, default: float | None = None
) -> Iterator[Finding]:
    """More items than a platform takes; the first one that is too many is named."""
    limit = draft.limit(rule)
    most = default if limit is None else limit.number
    if most is None or len(places) <= most:
        return
    first, name = places[int(most)], draft.limits.name
    place = Place(f"/media/{first}", first)
    if most == 0:
        detail = f"{name} takes no {what} in a {draft.published_as}."
        fix = f"Remove item {first + 1}" + (f" and the other {what}" if len(places) > 1 else "") + "."
    else:
        detail = (
            f"{name} takes {words.number(most)} {what} at most in a {draft.published_as}; there are {len(places)}."
        )
        fix = f"Remove {len(places) - int(most)}, from item {first + 1} on."
    yield found(draft, place, limit or rule, detail, fix, actual=len(places))


def _mixed(draft: Draft, kinds: list[list[int]], moving: list[int]) -> Iterator[Finding]:
    limit = draft.limit("media.mixed")
    if limit is None or limit.value:
        return
    groups = [places for places in kinds if places]
    if draft.limit("animations.max") and moving and len(moving) < len(draft.media):
        groups = [moving, [at for at in range(len(draft.media)) if at not in moving]]
    if len(groups) > 1:
        odd = max(groups, key=lambda places: places[0])[0]
        what = _called(draft, draft.media[odd])
        detail = (
            f"{draft.limits.name} takes pictures, a video or a document in one post, and not several of these kinds."
        )
        fix = f"Remove item {odd + 1} ({what}), or the others."
        yield found(draft, Place(f"/media/{odd}", odd), limit, detail, fix, actual=what)


def _called(draft: Draft, item: Media) -> str:
    return _NAMES["animation" if item.moves and draft.limit("animations.max") else item.kind]


def _item(draft: Draft, place: Place, item: Media) -> Iterator[Finding]:
    yield from _type(draft, place, item)
    moving = item.moves and draft.limit("animation.bytes.max") is not None
    for measure, (least, most) in _measured(item).items():
        own = f"animation.{measure}" if moving else ""
        for end, actual in (("min", least), ("max", most)):
            limit = (own and draft.limit(f"{own}.{end}")) or draft.limit(f"{item.kind}.{measure}.{end}")
            if limit:
                yield from _outside(draft, place, limit, actual)
    yield from _alt(draft, place, item)


def _type(draft: Draft, place: Place, item: Media) -> Iterator[Finding]:
    limit = draft.limit(f"{item.kind}.types")
    if limit is None or not item.mime:
        return
    taken = draft.names(limit.rule)
    if item.mime not in taken and f"{item.mime.split('/')[0]}/*" not in taken:
        kind, name = _NAMES[item.kind], draft.limits.name
        detail = (
            f"{name} takes {kind} as {words.amount(taken, 'names')}; item {place.number} is {words.named(item.mime)}."
        )
        yield found(draft, place, limit, detail, f"Convert it to {words.named(taken[0])}.", actual=item.mime)


def _measured(item: Media) -> dict[str, tuple[float, float]]:
    """What is known of an item, as it is compared with the least and with the most."""
    known: dict[str, tuple[float, float]] = {}
    for measure, value in (
        ("bytes", item.size_bytes),
        ("seconds", None if item.duration_ms is None else item.duration_ms / _MILLISECONDS),
        ("fps", item.frames_per_second),
        ("pages", item.pages),
        ("width", item.width),
        ("height", item.height),
    ):
        if value is not None:
            known[measure] = (value, value)
    if item.width and item.height:
        sides, ratio = (item.width, item.height), item.width / item.height
        known["side"] = (min(sides), max(sides))
        known["pixels"] = (item.width * item.height, item.width * item.height)
        known["ratio"] = (ratio + _NEAR, ratio - _NEAR)
    return known


def _outside(draft: Draft, place: Place, limit: Limit, actual: float) -> Iterator[Finding]:
    """An item that is under the least or over the most."""
    kind, measure, end = limit.rule.split(".")
    least, bound = end == "min", limit.number
    if (actual >= bound) if least else (actual <= bound):
        return
    if measure == "ratio":
        actual += -_NEAR if least else _NEAR
    what, too_little, too_much = _MEASURES[measure]
    detail = (
        f"{draft.limits.name} takes {_NAMES[kind]} with {what} {'from' if least else 'up to'} {words.of(limit)}; "
        f"item {place.number} has {words.amount(actual, limit.unit)}."
    )
    yield found(draft, place, limit, detail, too_little if least else too_much, actual=round(actual, 4))


def _alt(draft: Draft, place: Place, item: Media) -> Iterator[Finding]:
    if not item.alt:
        return
    at = Place(f"{place.field}/alt", place.media)
    longest, kinds = draft.limit("alt.max"), draft.limit("alt.kinds")
    unfit = kinds if kinds and item.kind not in draft.names("alt.kinds") else None
    if unfit or longest is None or not longest.value:
        name = draft.limits.name
        detail = f"{name} has no place for the alternative text of {_NAMES[item.kind]}; it will be left out."
        fix = "Say in the text what is seen."
        yield found(draft, at, unfit or longest or "alt.max", detail, fix, blocks=False)
        return
    yield from too_long(draft, at, "alt.max", item.alt, "the alternative text")

"""Whether a post could be published as it is, by the rules of each platform it is for."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from kit.errors import FieldError
from postrules.drafts import Finding
from postrules.limits import Platform as PlatformName
from postrules.validation import validate
from publisher.accounts.model import AccountState
from publisher.media.fitting import MENDED
from publisher.platforms.base import Capabilities, Platform
from publisher.posts.composing import Composed, Variant, needs
from publisher.posts.errors import PostNotAcceptable

_ITEM: Final = re.compile(r"(?:/thread/(\d+))?/media/(\d+)")
MOST_SAID: Final = 50
"""Findings that one problem tells at most; the others come when these are mended."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A finding about a post on one account, with where it stands in the request."""

    variant: Variant
    finding: Finding

    @property
    def pointer(self) -> str:
        """Where it stands in the body of the request."""
        return self.variant.pointer(self.finding.field)

    def told(self) -> dict[str, object]:
        """As it is told: which account, platform, field and item, which rule, and how to mend it."""
        found = self.finding
        return {
            "account_id": str(self.variant.account.id),
            "platform": found.platform.value,
            "pointer": self.pointer,
            "field": found.field.removeprefix("/"),
            "media": found.media,
            "rule": found.rule,
            "limit": list(found.limit) if isinstance(found.limit, tuple) else found.limit,
            "actual": found.actual,
            "unit": found.unit,
            "blocks": found.blocks,
            "detail": found.detail,
            "fix": found.fix,
        }


def check(composed: Composed, platforms: Mapping[PlatformName, Platform], *, final: bool) -> None:
    """Refuse what no platform, or one of them, would take; a draft (not `final`) may be unfinished.

    Raises:
        PostNotAcceptable: with each fault and where it is.
    """
    missing = unknown(composed)
    if final and not composed.targets:
        missing = [FieldError("#/targets", "Say to which accounts it goes.")]
    if missing:
        raise PostNotAcceptable(errors=missing)
    faults = [fault for fault in _all(composed, platforms) if fault.finding.blocks] if final else []
    if faults:
        said = dict.fromkeys(FieldError(each.pointer, f"{each.finding.detail} {each.finding.fix}") for each in faults)
        raise PostNotAcceptable(errors=list(said), findings=[fault.told() for fault in faults[:MOST_SAID]])


def unknown(composed: Composed) -> list[FieldError]:
    """Accounts, pictures and videos that there are not."""
    errors = [
        FieldError(f"#/targets/{place}", "There is no such connected account.")
        for place, target in enumerate(composed.targets)
        if target.account_id not in composed.accounts
        or composed.accounts[target.account_id].state is AccountState.DISCONNECTED
    ]
    places = _media_places("#/content", composed.content.stored())
    for target in composed.targets:
        places |= _media_places(f"#/overrides/{target.account_id}/content", target.different or {})
    known = {str(media_id) for media_id in composed.media}
    return errors + [
        FieldError(place, "There is no such picture or video.")
        for place, media_id in places.items()
        if media_id not in known
    ]


def _media_places(root: str, stored: Mapping[str, object]) -> dict[str, str]:
    """Which picture or video stands where in a content as it is stored."""
    places: dict[str, str] = {}
    media, parts, cover = stored.get("media"), stored.get("parts"), stored.get("cover")
    if cover:
        places[f"{root}/cover"] = str(cover)
    for place, use in enumerate(media if isinstance(media, list) else ()):
        places[f"{root}/media/{place}"] = str(use["media_id"])
    for place, part in enumerate(parts if isinstance(parts, list) else ()):
        places |= _media_places(f"{root}/parts/{place}", {"media": part.get("media")})
    return places


def faults(variant: Variant, platform: Platform | None) -> Iterator[Fault]:
    """Everything about a post on one account: by the platform's rules, and by what we can do there."""
    for finding in validate(variant.draft):
        yield Fault(variant, _mended(variant, finding))
    if platform is not None:
        for finding in (*_beyond(variant, platform.capabilities), *_not_for_account(variant)):
            yield Fault(variant, finding)


def _mended(variant: Variant, finding: Finding) -> Finding:
    """What we convert before it leaves does not stand in the way."""
    place = _ITEM.fullmatch(finding.field)
    if place is None or finding.rule not in MENDED:
        return finding
    uses = variant.content.parts[int(place[1])].media if place[1] else variant.content.media
    media_id = uses[int(place[2])].media_id if int(place[2]) < len(uses) else None
    shaped = {need.media_id for need in needs(variant.account.platform, variant.content, variant.media)}
    if media_id not in shaped:
        return finding
    return replace(finding, blocks=False, fix="It will be converted before it leaves.")


def _all(composed: Composed, platforms: Mapping[PlatformName, Platform]) -> Iterator[Fault]:
    for variant in composed.variants():
        yield from faults(variant, platforms.get(variant.account.platform))


def _beyond(variant: Variant, can: Capabilities) -> Iterator[Finding]:
    """What the platform may take, but not from us."""
    content, draft = variant.content, variant.draft
    name = draft.limits.name
    if content.kind not in can.kinds and content.kind in draft.names("kinds"):
        yield _missing(variant, "/kind", f"{name} takes no {content.kind} from us.", "Choose another kind.")
    if content.media and not can.media:
        detail, fix = f"{name} takes text only from us.", "Remove the pictures and videos."
        yield _missing(variant, "/media", detail, fix)
    for place, item in enumerate(draft.media):
        if can.media and item.kind not in can.media:
            detail, fix = f"{name} takes no {item.kind} from us.", f"Remove item {place + 1}."
            yield _missing(variant, f"/media/{place}", detail, fix)
    if content.first_comment and not can.comments:
        yield _missing(variant, "/first_comment", f"{name} takes no first comment from us.", "Remove it.")
    if content.parts and not can.replies:
        yield _missing(variant, "/thread", f"{name} takes no threads from us.", "Put all into one text.")


def _not_for_account(variant: Variant) -> Iterator[Finding]:
    """What the platform offers, but not to this account, as it said when it was asked last."""
    draft, bounds = variant.draft, variant.bounds
    privacy = None if draft.privacy is None else draft.privacy.value
    if bounds.privacy is not None and privacy is not None and privacy not in bounds.privacy:
        offered = ", ".join(bounds.privacy)
        detail = f"{draft.limits.name} offers this account {offered or 'nothing that we know'} as who may see it."
        yield Finding(draft.platform, "/privacy", "privacy", detail, f"Choose one of: {offered}.", actual=privacy)
    for place, item in enumerate(draft.media):
        seconds = None if item.duration_ms is None else item.duration_ms / 1000
        if bounds.seconds is not None and seconds is not None and seconds > bounds.seconds:
            detail = f"{draft.limits.name} lets this account post videos of up to {bounds.seconds:g} seconds."
            field, fix = f"/media/{place}", f"Cut item {place + 1}; it has {seconds:g}."
            yield Finding(
                draft.platform, field, "video.seconds.max", detail, fix, bounds.seconds, seconds, "seconds", place
            )


def _missing(variant: Variant, field: str, detail: str, fix: str) -> Finding:
    return Finding(variant.account.platform, field, "not-offered", detail, fix)

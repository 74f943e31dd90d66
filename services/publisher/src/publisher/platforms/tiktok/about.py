"""What is said with a post at TikTok, and who may see it."""

from collections.abc import Mapping
from typing import Any, Final

from kit.ledger.model import Refused
from publisher.platforms.base import Bounds, MediaItem, Outgoing
from publisher.platforms.pieces import with_link
from publisher.platforms.speaking import at

PRIVACY: Final = {
    "public": "PUBLIC_TO_EVERYONE",
    "friends": "MUTUAL_FOLLOW_FRIENDS",
    "followers": "FOLLOWER_OF_CREATOR",
    "private": "SELF_ONLY",
}
PUBLIC: Final = PRIVACY["public"]
MOST_PHOTOS: Final = 35
LONGEST_PHOTO_TITLE: Final = 90


def post_info(outgoing: Outgoing, creator: Mapping[str, Any], item: MediaItem) -> dict[str, Any]:
    """What is said, within what this creator may choose.

    Raises:
        Refused: the creator's account does not offer it.
    """
    offered = at(creator, "privacy_level_options") or ()
    level = PRIVACY.get(str(outgoing.options.get("privacy") or ""))
    if level not in offered:
        raise Refused(
            f"This TikTok account offers {_names(offered)}; choose one of these as privacy.",
            code="privacy-not-offered",
        )
    longest = at(creator, "max_video_post_duration_sec")
    if isinstance(longest, int) and (item.duration_ms or 0) > longest * 1000:
        raise Refused(
            f"This TikTok account may post videos of at most {longest} seconds; shorten it.", code="video-too-long"
        )
    flags = {
        name: outgoing.options.get(name) is True or at(creator, told) is True
        for name, told in (
            ("disable_comment", "comment_disabled"),
            ("disable_duet", "duet_disabled"),
            ("disable_stitch", "stitch_disabled"),
        )
        if item.kind == "video" or name == "disable_comment"
    }
    return {
        "privacy_level": level,
        **_said(outgoing, item),
        **flags,
        "brand_content_toggle": outgoing.options.get("paid_partnership") is True,
        "brand_organic_toggle": outgoing.options.get("own_brand") is True,
        **({"is_aigc": outgoing.options.get("ai_label") is True} if item.kind == "video" else {}),
    }


def bounds_of(creator: Mapping[str, Any]) -> Bounds:
    """What this creator may choose, as TikTok tells."""
    offered, longest = at(creator, "privacy_level_options"), at(creator, "max_video_post_duration_sec")
    named = [name for name, level in PRIVACY.items() if level in offered] if isinstance(offered, list) else None
    privacy = None if named is None else tuple(named)
    return Bounds(privacy, float(longest) if isinstance(longest, int | float) and longest > 0 else None)


def caption(outgoing: Outgoing) -> str:
    """What is said with a film."""
    return with_link(outgoing)


def photo_urls(outgoing: Outgoing) -> list[str]:
    """Where TikTok shall fetch the photos.

    Raises:
        Refused: they cannot be fetched, or there are too many, or a film is among them.
    """
    items = outgoing.media
    if not 1 <= len(items) <= MOST_PHOTOS or any(item.kind != "image" for item in items):
        raise Refused("A post on TikTok is one video, or 1 to 35 photos; leave the others out.", code="media-mixed")
    if any(item.url is None for item in items):
        raise Refused("TikTok fetches photos from us, and these have no public address.", code="media-address")
    return [item.url for item in items if item.url is not None]


def _said(outgoing: Outgoing, item: MediaItem) -> dict[str, str]:
    if item.kind == "video":
        return {"title": caption(outgoing)}
    return {"title": outgoing.title[:LONGEST_PHOTO_TITLE], "description": caption(outgoing)}


def _names(offered: Any) -> str:
    names = [name for name, level in PRIVACY.items() if level in offered]
    return ", ".join(names) or "no privacy we know"

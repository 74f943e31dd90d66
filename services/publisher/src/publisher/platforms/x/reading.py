"""What X gives back of a post, compared with what was sent."""

import html
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from publisher.platforms.base import Outgoing
from publisher.platforms.pieces import comparable, with_link
from publisher.platforms.speaking import at
from publisher.platforms.windows import moment


def is_it(found: Mapping[str, Any], outgoing: Outgoing, since: datetime, media_ids: Collection[str]) -> bool:
    """Whether a post of the timeline is the one that was sent.

    Media that were uploaded for this post prove it; else text, what it answers and the time.
    """
    if (
        not isinstance(found.get("id"), str)
        or found["id"] in outgoing.taken
        or moment(found.get("created_at")) < since
    ):
        return False
    keys = {str(key).rpartition("_")[2] for key in at(found, "attachments", "media_keys") or ()}
    if media_ids:
        return bool(keys & set(media_ids))
    same = comparable(written(found)) == comparable(with_link(outgoing)) and bool(keys) == bool(outgoing.media)
    return same and _answers(found) == (outgoing.reply_to or "")


def written(found: Mapping[str, Any]) -> str:
    """The text as it was written: links in full, without the one that X adds for media, nothing escaped."""
    text = str(found.get("text") or "")
    for link in at(found, "entities", "urls") or ():
        short, full = str(at(link, "url") or ""), str(at(link, "expanded_url") or "")
        if short:
            text = text.replace(short, "" if at(link, "media_key") else full)
    return html.unescape(text)


def _answers(found: Mapping[str, Any]) -> str:
    for one in found.get("referenced_tweets") or ():
        if at(one, "type") == "replied_to":
            return str(at(one, "id") or "")
    return ""

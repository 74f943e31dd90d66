"""What one event of Messenger or Instagram says, in our words; what nobody knows yet is kept as it came."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import orjson

from inbox.channels.base import About, Identity, IdentityKind, Medium, Report, Said, Seen
from inbox.direct.payload import moment, person_of
from inbox.messages.model import Content
from inbox.whatsapp.payload import Json, text
from kit.intake.model import Quarantined

KNOWN_BY: Final[Mapping[str, IdentityKind]] = {"messenger": "messenger_id", "instagram": "instagram_id"}
_FETCHED: Final[Mapping[str, str]] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "file": "document",
    "story_mention": "image",
}
_KINDS: Final[Mapping[str, str]] = {**_FETCHED, "story_mention": "story_mention", "location": "location"}
_FRAME: Final = frozenset({"mid", "text", "attachments", "is_echo", "app_id", "metadata", "seq", "nlp"})
_LONGEST_TEXT: Final = 100_000

Told = Said | Report | Seen | Quarantined


def read(content: bytes, channel: str) -> Told:
    """What an item's content says on a channel of this kind."""
    told = orjson.loads(content)
    event, end, sort = told["event"], text(told["end"]), told["sort"]
    part, time = event[sort], moment(event.get("timestamp"))
    person = person_of(event, end)
    known = (Identity(KNOWN_BY[channel], person[:200], end),) if person else ()
    if sort == "delivery" and "mid" in told:
        return Report(text(told["mid"]), "delivered", time, "")
    if sort == "read" and text(part.get("mid")):
        return Report(text(part.get("mid")), "read", time, "")
    if sort in ("read", "delivery"):
        until = moment(part.get("watermark"))
        if until is None or not known:
            return Quarantined("nobody knows until when, or by whom")
        return Seen(known, "read" if sort == "read" else "delivered", until)
    ours = _ours(part) if part.get("is_echo") else ""
    if ours:
        return Report(text(part.get("mid")), "sent", time, ours)
    theirs = text(_object(event, "sender").get("id")) != end
    return _said(sort, event, part, known, theirs=theirs)


def _said(sort: str, event: Json, part: Json, known: tuple[Identity, ...], *, theirs: bool) -> Said:
    mid, at = text(part.get("mid")), text(event.get("timestamp"))
    kind, content, media, about = _content(sort, part, mid)
    provider_id = mid
    if about is not None or sort not in ("message", "postback"):
        number = text(part.get("num_edit")) or at
        provider_id = f"{mid}:{sort}:{'deleted' if sort == 'message' else number}:{text(part.get('action'))}"
    elif sort == "postback":
        provider_id = mid or f"postback:{at}:{known[0].value if known else ''}"
    reply = _object(part, "reply_to")
    return Said(
        provider_id=provider_id,
        kind=kind,
        time=moment(event.get("timestamp")),
        known_as=known,
        name="",
        content=content,
        reply_to=text(reply.get("mid")),
        media=media,
        about=about,
        direction="in" if theirs else "out",
        opens=theirs and (sort in ("reaction", "postback") or (sort == "message" and about is None)),
        counts=theirs and sort in ("message", "postback"),
    )


def _content(sort: str, part: Json, mid: str) -> tuple[str, Content, tuple[Medium, ...], About | None]:
    """Kind, content, media, and what it is about."""
    if sort == "reaction":
        gone = text(part.get("action")) == "unreact"
        emoji = "" if gone else text(part.get("emoji")) or text(part.get("reaction"))
        return "reaction", Content(emoji[:40], {"reaction": _without(part, "mid")}), (), About("reaction", mid)
    if sort == "message_edit":
        return "edit", Content(text(part.get("text"))[:_LONGEST_TEXT]), (), About("edit", mid)
    if sort == "message" and part.get("is_deleted"):
        return "revoke", Content(""), (), About("revoke", mid)
    if sort == "message":
        return _message(part)
    shown = text(part.get("title"))[:_LONGEST_TEXT] or f"[{sort}]"
    return sort, Content(shown, {sort: _without(part, "mid")}), (), None


def _message(part: Json) -> tuple[str, Content, tuple[Medium, ...], None]:
    held = part.get("attachments")
    attachments = [each for each in held if isinstance(each, dict)] if isinstance(held, list) else []
    words = text(part.get("text"))[:_LONGEST_TEXT]
    first = text(attachments[0].get("type")) if attachments else ""
    kind = _KINDS.get(first, "attachment") if attachments else "text" if words else "unsupported"
    detail: dict[str, Any] = {name: value for name, value in part.items() if name not in _FRAME}
    if attachments:
        detail["attachments"] = [_shown(each) for each in attachments]
    media = tuple(_media(attachments))
    return kind, Content(words or (None if media else f"[{first[:40] or kind}]"), detail), media, None


def _shown(attachment: Json) -> dict[str, Any]:
    """An attachment without the address of a medium that is fetched: that leads to it for a while."""
    if text(attachment.get("type")) not in _FETCHED:
        return dict(attachment)
    return {**attachment, "payload": _without(_object(attachment, "payload"), "url")}


def _media(attachments: Iterable[Json]) -> Iterable[Medium]:
    for each in attachments:
        kind, url = _FETCHED.get(text(each.get("type"))), text(_object(each, "payload").get("url"))
        if kind is not None and url.startswith(("https://", "http://")) and len(url) <= 4000:
            yield Medium("", kind, "", "", "", url)


def _ours(part: Json) -> str:
    """Our id of a message in what we had put into it; empty where there is none."""
    try:
        return str(UUID(text(part.get("metadata"))))
    except ValueError:
        return ""


def _object(holder: Json, name: str) -> Json:
    held = holder.get(name)
    return held if isinstance(held, dict) else {}


def _without(part: Json, name: str) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != name}

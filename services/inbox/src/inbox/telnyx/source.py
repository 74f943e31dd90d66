"""Telnyx's webhook as intake knows it: texts that came in, and what became of ours."""

import base64
import binascii
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from inbox.channels.applying import Applying, Told
from inbox.channels.base import Identity, Medium, Report, Said
from inbox.channels.repository import organizations_of
from inbox.consent.words import keyword
from inbox.messages.model import Content
from inbox.whatsapp.payload import Hide, Json, json_of, key_of, message_item, text
from kit.clock import Clock
from kit.db.database import Transaction
from kit.intake.model import Item, Quarantined, Received, Unreadable, Verdict

TOLERANCE: Final = 300.0
"""How many seconds a delivery's time may be away from ours; older ones may be a replay."""

_STATUSES: Final[Mapping[str, str]] = {
    "sent": "sent",
    "delivered": "delivered",
    "delivery_unconfirmed": "sent",
    "sending_failed": "failed",
    "delivery_failed": "failed",
}
_WAITING: Final = frozenset({"queued", "sending"})
_OPTS: Final[Mapping[str, Any]] = {"stop": "out", "start": "in"}
_SORTS: Final[Mapping[str, str]] = {"image": "image", "video": "video", "audio": "audio"}
_FRAME: Final = frozenset(
    {
        "id",
        "from",
        "to",
        "text",
        "media",
        "direction",
        "record_type",
        "received_at",
        "tags",
        "messaging_profile_id",
        "organization_id",
        "cost",
        "cost_breakdown",
        "webhook_url",
        "webhook_failover_url",
    }
)
"""What of a text has a place of its own, or is a matter between us and Telnyx."""

_LONGEST_TEXT: Final = 100_000


@dataclass(frozen=True, slots=True)
class TelnyxSource:
    """Everything that Telnyx tells. Without the account's public key it believes nobody."""

    public_key: str
    clock: Clock
    hide: Hide = field(repr=False)
    applying: Applying
    name: str = "sms"
    body_limit: int = 1024 * 1024

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """Telnyx asks for none."""
        _ = query
        return None

    def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the account's key signed the time and exactly these bytes, and not long ago."""
        signature, at = headers.get("telnyx-signature-ed25519", ""), headers.get("telnyx-timestamp", "")
        if not self.public_key or not (at.isascii() and at.isdigit()) or len(at) > 12:
            return False
        if abs(self.clock.now().timestamp() - int(at)) > TOLERANCE:
            return False
        try:
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(self.public_key, validate=True))
            key.verify(base64.b64decode(signature, validate=True), at.encode() + b"|" + body)
        except (binascii.Error, ValueError, InvalidSignature):
            return False
        return True

    def split(self, body: bytes) -> Sequence[Item]:
        """The one event of a delivery; ids and keys are hashed."""
        try:
            data = json_of(body)["data"]
            payload, event = data["payload"], text(data["event_type"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise Unreadable("not an event of Telnyx") from None
        if not isinstance(data, dict) or not isinstance(payload, dict):
            raise Unreadable("not an event of Telnyx")
        return [self._item(data, payload, event)]

    def _item(self, data: Json, payload: Json, event: str) -> Item:
        sender, recipient = _numbers(payload)
        inbound = event == "message.received"
        end, person = (recipient, sender) if inbound else (sender, recipient)
        identity, kind = text(payload.get("id")), "field:" + "".join(c if c.isalnum() else "_" for c in event)[:40]
        item = f"o:{text(data.get('id'))}"[:200]
        if inbound:
            kind, item = "message", message_item(identity, self.hide) if identity else item
        elif event in ("message.sent", "message.finalized"):
            kind, item = "status", f"s:{self.hide(identity)}:{event}:{_status(payload)}"[:200]
        content = {"event": event, "payload": payload, "occurred_at": text(data.get("occurred_at"))}
        at = _moment(data.get("occurred_at"))
        key = key_of(end, person, self.hide)
        return Item(
            item, key=key, tenant=end[:64] or "none", kind=kind, content=orjson.dumps(content), occurred_at=at
        )

    async def organizations(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
        """Whose these numbers are."""
        return {end: organization_id for _, end, organization_id in await organizations_of(tx, tenants, ())}

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """Apply items in order."""
        return await self.applying.apply(tx, items, told)


def told(received: Received) -> Told:
    """What an item says, in our words."""
    content = orjson.loads(received.item.content)
    match received.item.kind:
        case "message":
            return _said(content)
        case "status":
            return _report(content)
        case kind:
            return Quarantined(f"nobody here knows what to do with {kind}")


def _said(told: Json) -> Said:
    payload: Json = told["payload"]
    sender, _ = _numbers(payload)
    words = text(payload.get("text"))[:_LONGEST_TEXT]
    media = tuple(_media(payload))
    word = keyword(words) if not media else ""
    detail = {name: value for name, value in payload.items() if name not in _FRAME and value}
    shown = words or (None if media else "[empty]")
    return Said(
        provider_id=text(payload.get("id")),
        kind=media[0].kind if media else "text",
        time=_moment(payload.get("received_at")) or _moment(told.get("occurred_at")),
        known_as=(Identity("phone", sender[:40]),) if sender else (),
        name="",
        content=Content(shown, detail | ({"keyword": word} if word else {})),
        media=media,
        opts=_OPTS.get(word, ""),
    )


def _media(payload: Json) -> Sequence[Medium]:
    held = payload.get("media")
    found = []
    for each in held if isinstance(held, list) else ():
        url = text(each.get("url")) if isinstance(each, dict) else ""
        if not url.startswith(("https://", "http://")) or len(url) > 4000:
            continue
        media_type = text(each.get("content_type"))[:100]
        kind = _SORTS.get(media_type.partition("/")[0], "document")
        digest = text(each.get("hash_sha256")) or text(each.get("sha256"))
        found.append(Medium("", kind, media_type, digest[:100] if len(digest) in (44, 64) else "", "", url))
    return found


def _report(told: Json) -> Told:
    payload: Json = told["payload"]
    status, tags = _status(payload), payload.get("tags")
    if status in _WAITING and told["event"] == "message.sent":
        status = "sent"
    ours = next((each for each in map(text, tags) if _is_id(each)), "") if isinstance(tags, list) else ""
    errors = payload.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    at = _moment(payload.get("completed_at")) or _moment(payload.get("sent_at")) or _moment(told.get("occurred_at"))
    return Report(text(payload.get("id")), _STATUSES.get(status, status), at, ours, text(first.get("code"))[:40])


def _status(payload: Json) -> str:
    recipients = payload.get("to")
    first = recipients[0] if isinstance(recipients, list) and recipients else {}
    return text(first.get("status")) if isinstance(first, dict) else ""


def _numbers(payload: Json) -> tuple[str, str]:
    """From which number to which."""
    sender, to = payload.get("from"), payload.get("to")
    first = to[0] if isinstance(to, list) and to else to
    return tuple(text(each.get("phone_number")) if isinstance(each, dict) else text(each) for each in (sender, first))  # type: ignore[return-value]


def _is_id(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True


def _moment(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None

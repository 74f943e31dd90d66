"""A delivery of WhatsApp's webhook taken apart, and what one message of it says."""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from operator import itemgetter
from typing import Any, Final

import orjson

from inbox.whatsapp.numbers import canonical
from kit.intake.model import Item, Unreadable

Json = Mapping[str, Any]
Hide = Callable[[str], str]
"""Turns a platform's id or a number into something that tells nothing of it: both name a person."""

_LATEST: Final = 4_102_444_800  # the year 2100; anything later is not a time
_MOST_ITEMS: Final = 10_000
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_REPLACED: Final = rb"\ufffd"


@dataclass(frozen=True, slots=True)
class Hidden:
    """Hides values by a hash under a key of our own."""

    key: bytes

    def __call__(self, value: str) -> str:
        """128 bits of it, in hexadecimal digits."""
        return hmac.new(self.key, value.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()[:32]


def hidden_by(app_secret: str) -> Hidden:
    """What hides ids and keys of items."""
    return Hidden(hmac.digest(app_secret.encode(), b"whatsapp items", "sha256"))


def message_item(provider_id: str, hide: Hide) -> str:
    """The id of the item that brings this message."""
    return f"m:{hide(provider_id)}"


def status_item(provider_id: str, status: str, timestamp: str, hide: Hide) -> str:
    """The id of the item that reports this status of a message."""
    return f"s:{hide(provider_id)}:{status}:{timestamp}"[:200]


def key_of(number: str, person: str, hide: Hide) -> str:
    """Whose items are applied in order: a person's at a number of ours, however their number is spelled."""
    return f"{number}:{hide(canonical(person))}"


def json_of(body: bytes) -> Any:
    """A delivery as JSON. Half of a character, as a cut emoji leaves it, is told as U+FFFD; the rest is not lost.

    Raises:
        JSONDecodeError: it is none.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return orjson.loads(_ESCAPE.sub(lambda found: _REPLACED if found["half"] else found[0], body))


def split(body: bytes, hide: Hide) -> Sequence[Item]:
    """Every message, status and other fact of a delivery, in its order.

    Raises:
        Unreadable: it is not a delivery of WhatsApp.
    """
    try:
        delivery = json_of(body)
    except orjson.JSONDecodeError:
        raise Unreadable("not JSON") from None
    if not isinstance(delivery, dict) or delivery.get("object") != "whatsapp_business_account":
        raise Unreadable("not a delivery of a WhatsApp business account")
    found = (item for entry in _objects(delivery, "entry") for item in _of_entry(entry, hide))
    items = list(islice(found, _MOST_ITEMS + 1))
    if len(items) > _MOST_ITEMS:
        raise Unreadable("more items than a delivery can hold")
    return items


def _of_entry(entry: Json, hide: Hide) -> Iterator[Item]:
    account = text(entry.get("id"))
    for change in _objects(entry, "changes"):
        value = change.get("value")
        field = text(change.get("field")) or "unknown"
        if not isinstance(value, dict):
            value = {"value": value}
        known = field == "messages" and number_of(value)
        if known and (value.get("messages") or value.get("statuses")):
            yield from _messages(value, account, hide)
            yield from _statuses(value, account, hide)
        elif field == "calls" and number_of(value) and value.get("calls"):
            yield from _calls(value, account, hide)
        elif field == "smb_message_echoes" and number_of(value) and value.get("message_echoes"):
            yield from _echoes(value, account, hide)
        elif field == "user_preferences" and number_of(value) and value.get("user_preferences"):
            yield from _preferences(value, account, hide)
        else:
            yield _other(field, value, account, text(entry.get("time")))


def _messages(value: Json, account: str, hide: Hide) -> Iterator[Item]:
    profiles = _Profiles(value)
    for message in _objects(value, "messages"):
        content = {"message": message, "profile": profiles.of(message), "account": account}
        identity = text(message.get("id"))
        yield Item(
            id=message_item(identity, hide) if identity else f"m:{_digest(content)}",
            key=key_of(number_of(value), _writer(message), hide),
            tenant=number_of(value),
            kind="message",
            content=orjson.dumps(content),
            occurred_at=moment(message.get("timestamp")),
        )


def _statuses(value: Json, account: str, hide: Hide) -> Iterator[Item]:
    for status in _objects(value, "statuses"):
        content = {"status": status, "account": account}
        identity, told, at = (text(status.get(part)) for part in ("id", "status", "timestamp"))
        yield Item(
            id=status_item(identity, told, at, hide),
            key=key_of(number_of(value), _person(status, "recipient_id", "recipient_user_id"), hide),
            tenant=number_of(value),
            kind="status",
            content=orjson.dumps(content),
            occurred_at=moment(status.get("timestamp")),
        )


def _calls(value: Json, account: str, hide: Hide) -> Iterator[Item]:
    """Calls: that one came, and how it ended; in order with the messages of the same person."""
    profiles = _Profiles(value)
    for call in _objects(value, "calls"):
        ours = text(call.get("direction")) == "BUSINESS_INITIATED"
        person = text(call.get("to" if ours else "from"))
        content = {"call": call, "profile": profiles.of({"from": person}), "account": account}
        identity, event = text(call.get("id")), text(call.get("event"))[:40]
        yield Item(
            id=f"c:{hide(identity)}:{event}" if identity else f"c:{_digest(content)}",
            key=key_of(number_of(value), person, hide),
            tenant=number_of(value),
            kind="call",
            content=orjson.dumps(content),
            occurred_at=moment(call.get("timestamp")),
        )


def _echoes(value: Json, account: str, hide: Hide) -> Iterator[Item]:
    """What the organization wrote on its own telephone, beside the API."""
    metadata = value.get("metadata")
    display = text(metadata.get("display_phone_number")) if isinstance(metadata, dict) else ""
    for message in _objects(value, "message_echoes"):
        content = {"message": message, "account": account, "ours": display}
        identity, person = text(message.get("id")), text(message.get("to")) or text(message.get("to_user_id"))
        if display and person == display:
            person = text(message.get("from"))
        yield Item(
            id=message_item(identity, hide) if identity else f"m:{_digest(content)}",
            key=key_of(number_of(value), person, hide),
            tenant=number_of(value),
            kind="echo",
            content=orjson.dumps(content),
            occurred_at=moment(message.get("timestamp")),
        )


def _preferences(value: Json, account: str, hide: Hide) -> Iterator[Item]:
    """Whether contacts want marketing messages; in order with the messages of the same person."""
    profiles = _Profiles(value)
    for preference in _objects(value, "user_preferences"):
        number, scoped = text(preference.get("wa_id")), text(preference.get("user_id"))
        profile = profiles.of({"from": number, "from_user_id": scoped})
        content = {"preference": preference, "profile": profile, "account": account}
        yield Item(
            id=f"p:{_digest(content)}",
            key=key_of(number_of(value), number or scoped, hide),
            tenant=number_of(value),
            kind="preference",
            content=orjson.dumps(content),
            occurred_at=moment(preference.get("timestamp")),
        )


def _other(field: str, value: Json, account: str, time: str) -> Item:
    """Whatever else is told (templates, the account, preferences, echoes), whole and in order per number."""
    tenant = number_of(value) or f"account:{account}"
    content = {"field": field, "value": value, "account": account, "time": time}
    kind = "".join(char if char.isascii() and (char.isalnum() or char == "_") else "_" for char in field)[:40]
    return Item(
        id=f"o:{_digest(content)}",
        key=f"{tenant}:{kind}",
        tenant=tenant,
        kind=f"field:{kind}",
        content=orjson.dumps(content),
    )


class _Profiles:
    """The contacts of a delivery: there may be several, as of messages, in another order."""

    def __init__(self, value: Json) -> None:
        profiles = list(_objects(value, "contacts"))
        self._only: Json = profiles[0] if len(profiles) == 1 else {}
        self._known: dict[str, tuple[int, Json]] = {}
        for place, profile in enumerate(profiles):
            for name in ("wa_id", "user_id"):
                if identity := text(profile.get(name)):
                    self._known.setdefault(identity, (place, profile))

    def of(self, message: Json) -> Json:
        """The contact who wrote this message."""
        own = {text(message.get("from")), text(message.get("from_user_id"))} - {""}
        found = [self._known[each] for each in own if each in self._known]
        if found:
            return min(found, key=itemgetter(0))[1]
        return {} if own else self._only


def _writer(message: Json) -> str:
    """Who wrote; for a change of number the new one, so that it is applied before the first message from there."""
    system = message.get("system")
    now = _person(system, "wa_id", "user_id") if isinstance(system, dict) else ""
    return now or _person(message, "from", "from_user_id")


def _person(told: Json, number: str, scoped: str) -> str:
    return text(told.get(number)) or text(told.get(scoped))


def number_of(value: Json) -> str:
    """The id of the business number a value is about; empty when it names none."""
    metadata = value.get("metadata")
    return text(metadata.get("phone_number_id"))[:64] if isinstance(metadata, dict) else ""


def text(value: object) -> str:
    """A text or a number as text; anything else is no text."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def moment(value: object) -> datetime | None:
    """A time told in seconds, as text or number; None when it is none."""
    told = text(value)
    if not (told.isascii() and told.isdigit()) or len(told) > 12 or int(told) > _LATEST:
        return None
    return datetime.fromtimestamp(int(told), UTC)


def _objects(holder: Json, name: str) -> Iterator[Json]:
    held = holder.get(name)
    yield from (each for each in held if isinstance(each, dict)) if isinstance(held, list) else ()


def _digest(content: Json) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:40]

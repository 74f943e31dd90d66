"""A delivery of Messenger's or Instagram's webhook taken apart."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import orjson

from inbox.whatsapp.payload import Hide, Json, json_of, key_of, message_item, text
from kit.intake.model import Item, Unreadable

_MOST_ITEMS: Final = 10_000
_LATEST: Final = 4_102_444_800_000
_SORTS: Final = ("message", "message_edit", "reaction", "postback", "delivery", "read", "referral")


def split(body: bytes, wanted: str, hide: Hide) -> Sequence[Item]:
    """Every message and fact of a delivery, in its order.

    What stands in `standby` is another application's conversation at the moment and no affair of ours.

    Raises:
        Unreadable: it is not a delivery about such an object.
    """
    try:
        delivery = json_of(body)
    except orjson.JSONDecodeError:
        raise Unreadable("not JSON") from None
    if not isinstance(delivery, dict) or delivery.get("object") != wanted:
        raise Unreadable(f"not a delivery about {wanted}")
    found = (item for entry in _objects(delivery, "entry") for item in _of_entry(entry, hide))
    items = list(islice(found, _MOST_ITEMS + 1))
    if len(items) > _MOST_ITEMS:
        raise Unreadable("more items than a delivery can hold")
    return items


def moment(value: object) -> datetime | None:
    """A time told in milliseconds; None when it is none."""
    told = text(value)
    if not (told.isascii() and told.isdigit()) or len(told) > 15 or int(told) > _LATEST:
        return None
    return datetime.fromtimestamp(int(told) / 1000, UTC)


def _of_entry(entry: Json, hide: Hide) -> Iterator[Item]:
    end = text(entry.get("id"))[:64]
    for event in _objects(entry, "messaging"):
        sort = next((each for each in _SORTS if isinstance(event.get(each), dict)), "")
        if sort:
            yield from _known(event, sort, end, hide)
        else:
            yield _other("messaging", event, end)
    for change in _objects(entry, "changes"):
        yield _other(text(change.get("field")) or "unknown", change, end)


def _known(event: Json, sort: str, end: str, hide: Hide) -> Iterator[Item]:
    part: Json = event[sort]
    content: dict[str, Any] = {"event": event, "end": end, "sort": sort}
    person = person_of(event, end)
    key, mids = key_of(end, person, hide), part.get("mids")
    if sort == "delivery" and isinstance(mids, list) and mids:
        for mid in dict.fromkeys(text(each) for each in mids):
            yield _item(f"s:{hide(mid)}:delivered", "status", content | {"mid": mid}, end, key)
        return
    id_ = _id_of(event, sort, part, person, hide) or f"x:{_digest(content)}"
    yield _item(id_, _kind(sort, part), content, end, key)


def _id_of(  # noqa: PLR0911 - one line for each sort
    event: Json, sort: str, part: Json, person: str, hide: Hide
) -> str:
    """The same for the same thing in each delivery; empty where the platform gives it no id."""
    mid, at = text(part.get("mid")), text(event.get("timestamp"))
    if sort in ("read", "delivery") and not mid:
        return f"w:{hide(person)}:{sort}:{text(part.get('watermark'))}"[:200]
    if not mid:
        return ""
    match sort:
        case "message":
            return f"d:{hide(mid)}" if part.get("is_deleted") else message_item(mid, hide)
        case "message_edit":
            return f"e:{hide(mid)}:{text(part.get('num_edit')) or at}"[:200]
        case "reaction":
            return f"r:{hide(mid + person)}:{at}:{text(part.get('action'))}"[:200]
        case "read":
            return f"s:{hide(mid)}:read"
        case _:
            return f"{sort[0]}:{hide(mid)}"


def _kind(sort: str, part: Json) -> str:
    if sort in ("read", "delivery"):
        return "status" if text(part.get("mid")) else "seen"
    return "echo" if sort == "message" and part.get("is_echo") else "message"


def person_of(event: Json, end: str) -> str:
    """The one of the two who is not our end."""
    sender, to = (_id(event, name) for name in ("sender", "recipient"))
    return to if sender == end else sender


def _id(event: Json, name: str) -> str:
    held = event.get(name)
    return text(held.get("id")) if isinstance(held, dict) else ""


def _item(id_: str, kind: str, content: Mapping[str, Any], end: str, key: str) -> Item:
    at = moment(content["event"].get("timestamp"))
    return Item(id_, key=key, tenant=end, kind=kind, content=orjson.dumps(content), occurred_at=at)


def _other(field: str, value: Json, end: str) -> Item:
    content = {"field": field, "value": value}
    kind = "".join(char if char.isascii() and (char.isalnum() or char == "_") else "_" for char in field)[:40]
    told = orjson.dumps(content)
    return Item(f"o:{_digest(content)}", key=f"{end}:{kind}", tenant=end, kind=f"field:{kind}", content=told)


def _objects(holder: Json, name: str) -> Iterator[Json]:
    held = holder.get(name)
    yield from (each for each in held if isinstance(each, dict)) if isinstance(held, list) else ()


def _digest(content: Json) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:40]

"""What an event of Stripe's hints at: which object is to be read again, and whose it is."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from billing.readings.model import Named
from kit.intake.model import Item, Unreadable

NOBODY: Final = "nobody"
"""The tenant of what concerns no customer: prices, products, payouts."""

INDIFFERENT: Final = frozenset(
    {
        "account",
        "balance",
        "billing_portal.configuration",
        "billing_portal.session",
        "capability",
        "file",
        "payout",
        "person",
        "plan",
        "price",
        "product",
        "tax_rate",
        "test_helpers.test_clock",
        "topup",
    }
)
"""Types of objects that change nothing here, also when the endpoint at Stripe is set to send them."""


@dataclass(frozen=True, slots=True)
class Hint:
    """An event's own id, its kind, and the object it is about."""

    id: str
    kind: str
    object: Named
    tenant: str
    occurred_at: datetime | None


def item_of(body: bytes) -> Item:
    """The one item of a delivery. It carries names only: what has changed is read at Stripe, never out of an event.

    Raises:
        Unreadable: it is not an event as Stripe documents it.
    """
    hint = hint_of(body)
    content = json.dumps({"type": hint.object.type, "id": hint.object.id}).encode()
    return Item(
        id=hint.id,
        key=hint.object.id or hint.id,
        tenant=hint.tenant,
        kind=hint.kind,
        content=content,
        occurred_at=hint.occurred_at,
    )


def hint_of(body: bytes) -> Hint:
    """What an event hints at.

    Raises:
        Unreadable: it is not an event as Stripe documents it.
    """
    event = _object(body)
    if event.get("object") not in ("event", "v2.core.event"):
        raise Unreadable("not an event")
    named = _named(event)
    return Hint(_text(event, "id"), _text(event, "type"), named, _tenant(event, named), _time(event.get("created")))


def object_of(content: bytes) -> Named:
    """The object that an item names."""
    named = json.loads(content)
    return Named(named["type"], named["id"])


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON") from error
    if not isinstance(event, Mapping):
        raise Unreadable("not an event")
    return event


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"an event without {name}")
    return value


def _about(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object as it was; a thin event (v2) only relates to one."""
    data = event.get("data")
    about = data.get("object") if isinstance(data, Mapping) else None
    about = about if about is not None else event.get("related_object")
    return about if isinstance(about, Mapping) else {}


def _named(event: Mapping[str, Any]) -> Named:
    about = _about(event)
    kind, object_id = about.get("object", about.get("type")), about.get("id")
    return Named(kind if isinstance(kind, str) else "", object_id if isinstance(object_id, str) else "")


def _tenant(event: Mapping[str, Any], named: Named) -> str:
    """The customer it is about, else what leads to one, else nobody."""
    if event.get("account"):
        return f"account {event['account']}"
    if named.type == "customer":
        return named.id
    about = _about(event)
    for name in ("customer", "payment_intent", "charge", "setup_intent"):
        found = reference(about.get(name))
        if found:
            return found
    return NOBODY


def reference(value: Any) -> str:
    """The id of what is named by its id or, expanded, by the whole object; empty when there is none."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) else ""


def _time(seconds: Any) -> datetime | None:
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds < 253_370_764_800:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def followed(objects: Collection[Named], types: Collection[str]) -> list[Named]:
    """Those that anybody here reads."""
    return [each for each in objects if each.type in types and each.id]

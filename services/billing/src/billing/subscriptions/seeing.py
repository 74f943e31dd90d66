"""Reads a subscription out of Stripe's object, in the shape of 2026: periods stand on the items."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from billing.catalogue.catalogue import Catalogue
from billing.catalogue.model import Interval, Price
from billing.stripe_objects import currency_of
from billing.subscriptions.model import UNKNOWN_PLAN, Offer, Seen

Json = Mapping[str, Any]

MOST_SEATS: Final = 1_000_000
STATUSES: Final = frozenset(
    {"incomplete", "incomplete_expired", "trialing", "active", "past_due", "unpaid", "paused", "canceled"}
)


class Unreadable(ValueError):
    """The object is not a subscription as Stripe documents it; says where, never what it contains."""


def seen_of(subscription: Json, catalogue: Catalogue, *, owing_since: int | None = None) -> Seen:
    """What we follow of a subscription; `owing_since` is when its oldest open invoice was issued, if one is open.

    Raises:
        Unreadable: something that every subscription has is missing.
    """
    try:
        return _seen(subscription, catalogue, owing_since)
    except (KeyError, TypeError, IndexError, ValueError, OverflowError, OSError) as error:
        raise Unreadable(f"a subscription without {error}") from error


def _seen(subscription: Json, catalogue: Catalogue, owing_since: int | None) -> Seen:
    items = subscription["items"]["data"]
    item, seats = _plan_item(items, catalogue), _seat_item(items, catalogue)
    owing = subscription["status"] in ("past_due", "unpaid")
    pending = subscription.get("pending_update") or {}
    return Seen(
        stripe_id=subscription["id"],
        customer_id=id_of(subscription["customer"]),
        plan_item=item["id"],
        seat_item=None if seats is None else seats["id"],
        status=_status(subscription["status"]),
        offer=_offer(item, seats, catalogue),
        period_start=instant(item["current_period_start"]),
        period_end=instant(item["current_period_end"]),
        created_at=instant(subscription["created"]),
        started_at=instant(subscription["start_date"]),
        trial_ends_at=instant_or_none(subscription.get("trial_end")),
        cancel_at=_cancel_at(subscription, item),
        ended_at=instant_or_none(subscription.get("ended_at")),
        end_reason=(subscription.get("cancellation_details") or {}).get("reason") or "",
        paused=subscription.get("pause_collection") is not None,
        past_due_since=instant(owing_since or item["current_period_start"]) if owing else None,
        schedule_id=id_or_none(subscription.get("schedule")),
        pending_until=instant_or_none(pending.get("expires_at")),
    )


def _status(word: Any) -> str:
    if word not in STATUSES:
        raise ValueError("a status that we know")
    return str(word)


def _plan_item(items: Sequence[Json], catalogue: Catalogue) -> Json:
    """The item that is the plan; others, which only somebody at Stripe's desk can have added, grant nothing."""
    plans = [item for item in items if (price := _price(item, catalogue)) is not None and not price.seat]
    return (plans or items)[0]


def _seat_item(items: Sequence[Json], catalogue: Catalogue) -> Json | None:
    """The item that is the seats beside those included."""
    seats = [item for item in items if (price := _price(item, catalogue)) is not None and price.seat]
    return seats[0] if seats else None


def _price(item: Json, catalogue: Catalogue) -> Price | None:
    key = item["price"].get("lookup_key")
    return None if key is None else catalogue.by_lookup_key(key)


def _offer(item: Json, seats: Json | None, catalogue: Catalogue) -> Offer:
    price, ours = item["price"], _price(item, catalogue)
    return Offer(
        plan=UNKNOWN_PLAN if ours is None or ours.seat else ours.plan,
        version=1 if ours is None else ours.version,
        interval=_interval(price["recurring"]),
        currency=currency_of(price["currency"]),
        seats=0 if seats is None else _seats(seats.get("quantity")),
    )


def _cancel_at(subscription: Json, item: Json) -> datetime | None:
    """When it will end; nothing once it has."""
    if subscription["status"] in ("canceled", "incomplete_expired"):
        return None
    if subscription.get("cancel_at") is not None:
        return instant(subscription["cancel_at"])
    return instant(item["current_period_end"]) if subscription.get("cancel_at_period_end") else None


def _interval(recurring: Json) -> Interval:
    if recurring.get("interval_count", 1) != 1:
        raise ValueError("an interval that we sell")
    return Interval(recurring["interval"])


def _seats(quantity: Any) -> int:
    seats = 1 if quantity is None else int(quantity)
    if not 0 <= seats <= MOST_SEATS:
        raise ValueError("a quantity that can be")
    return seats


def instant(seconds: Any) -> datetime:
    """A time of Stripe's, in whole seconds since 1970."""
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise TypeError("a time")
    return datetime.fromtimestamp(seconds, UTC)


def instant_or_none(seconds: Any) -> datetime | None:
    """The same where there may be none."""
    return None if seconds is None else instant(seconds)


def id_of(reference: Any) -> str:
    """The id of what Stripe names by its id or, expanded, by the whole object."""
    found = reference["id"] if isinstance(reference, Mapping) else reference
    if not isinstance(found, str) or not found:
        raise TypeError("an id")
    return found


def id_or_none(reference: Any) -> str | None:
    """The same where there may be none."""
    return None if reference is None else id_of(reference)

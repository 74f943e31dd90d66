"""Items of subscriptions, one at a time: https://docs.stripe.com/api/subscription_items."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sandbox.stripe import errors
from sandbox.stripe.billing import choosing, subscriptions, terms
from sandbox.stripe.operations import FLAG, LIST, TIME, Call, Operation, page, reading
from sandbox.stripe.params import Shape, Text
from sandbox.stripe.store import Doc, Record

_PATH: Final = "/v1/subscription_items"
_HOW: Final[Mapping[str, Shape]] = {
    "off_session": FLAG,
    "payment_behavior": choosing.PAYMENT,
    "proration_behavior": choosing.BEHAVIOR,
    "proration_date": TIME,
}


def operations() -> tuple[Operation, ...]:
    """All that is done with items."""
    whose = {"subscription": Text(required=True, unsets=False)}
    return (
        Operation("POST", _PATH, _create, {**choosing.ITEM_FIELDS, **_HOW, **whose}),
        Operation("GET", _PATH, _list, {**LIST, **whose}),
        reading("subscription_item", _PATH + "/{}"),
        Operation("POST", _PATH + "/{}", _update, {**choosing.ITEM_FIELDS, **_HOW}),
        Operation("DELETE", _PATH + "/{}", _delete, {**_HOW, "clear_usage": FLAG}),
    )


def _changed(call: Call, subscription: Record, item: Mapping[str, Any]) -> None:
    """Change the subscription by one of its items."""
    how = {name: call.given[name] for name in _HOW if name in call.given}
    subscriptions.update(replace(call, given={**how, "items": [item]}), subscription)


def _own(call: Call) -> dict[str, Any]:
    return {name: call.given[name] for name in choosing.ITEM_FIELDS if name in call.given}


def _create(call: Call) -> Record:
    subscription = call.world.need("subscription", call.given["subscription"], param="subscription", status=400)
    before = {item["id"] for item in terms.items_of(subscription.data)}
    _changed(call, subscription, _own(call))
    made = [item["id"] for item in terms.items_of(subscription.data) if item["id"] not in before]
    if not made:
        raise errors.invalid("The item is added when the pending update of the subscription is paid for.")
    return call.world.need("subscription_item", made[0])


def _update(call: Call) -> Record:
    item = call.world.need("subscription_item", call.ids[0])
    _changed(call, call.world.need("subscription", item.data["subscription"]), {"id": item.id, **_own(call)})
    return item


def _delete(call: Call) -> Doc:
    item = call.world.need("subscription_item", call.ids[0])
    subscription = call.world.need("subscription", item.data["subscription"])
    _changed(call, subscription, {"id": item.id, "deleted": True})
    return item.shown()


def _list(call: Call) -> Doc:
    subscription = call.world.need("subscription", call.given["subscription"], param="subscription", status=400)
    own = {item["id"] for item in terms.items_of(subscription.data)}
    found = (one for one in call.world.store.all("subscription_item") if one.id in own)
    return page(call, found, kind="subscription_item")

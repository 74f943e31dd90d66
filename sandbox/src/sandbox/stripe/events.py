"""Events: https://docs.stripe.com/api/events. What happened to an object, as it was then."""

from typing import Final

from sandbox.stripe import errors
from sandbox.stripe.kinds import Kind
from sandbox.stripe.operations import ID, LIST, PERIOD, Call, Operation, page, within
from sandbox.stripe.params import Flag, List
from sandbox.stripe.store import Doc, Record

KIND: Final = Kind("event")
KEPT_FOR: Final = 30 * 86_400
"""How long Stripe gives events out."""


def operations() -> tuple[Operation, ...]:
    """All that is done with events: they are read."""
    filters = {"created": PERIOD, "delivery_success": Flag(), "type": ID, "types": List(ID, most=20)}
    return (
        Operation("GET", "/v1/events", _list, {**LIST, **filters}),
        Operation("GET", "/v1/events/{}", _read),
    )


def _list(call: Call) -> Doc:
    types = call.get("types") or ([call.given["type"]] if call.has("type") else None)

    def meant(event: Record) -> bool:
        if _is_old(call, event) or not within(event.data["created"], call.get("created")):
            return False
        if call.has("delivery_success") and (event.data["pending_webhooks"] == 0) != call.given["delivery_success"]:
            return False
        return types is None or any(_is(event.data["type"], one) for one in types)

    return page(call, (one for one in call.world.store.all("event") if meant(one)), kind="event")


def _read(call: Call) -> Record:
    event = call.world.need("event", call.ids[0])
    if _is_old(call, event):
        raise errors.no_such("event", event.id)
    return event


def _is_old(call: Call, event: Record) -> bool:
    """Whether an event is given out no more; those of test clocks are told in the clock's time, and stay."""
    return event.clock is None and bool(event.data["created"] < call.world.now() - KEPT_FOR)


def _is(what: str, wanted: str) -> bool:
    """Whether an event is of a type, or of a family of types (`charge.*`)."""
    return what == wanted or (wanted.endswith("*") and what.startswith(wanted[:-1]))

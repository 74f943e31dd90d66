"""Test clocks: https://docs.stripe.com/api/test_clocks. What hangs on one lives in its time."""

from typing import Final

from sandbox.stripe import errors, ids
from sandbox.stripe.billing import terms
from sandbox.stripe.billing.walking import walk
from sandbox.stripe.engine.periods import boundary
from sandbox.stripe.kinds import Kind
from sandbox.stripe.operations import LIST, Call, Operation, page, reading
from sandbox.stripe.params import Integer, Text
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import CLOCK, World

KIND: Final = Kind(CLOCK, noun="test clock")
_PATH: Final = "/v1/test_helpers/test_clocks"
_KEPT_FOR: Final = 30 * 86_400
_TWO_YEARS: Final = 2 * 366 * 86_400


def operations() -> tuple[Operation, ...]:
    """All that is done with test clocks."""
    return (
        Operation("POST", _PATH, _create, {"frozen_time": Integer(least=0, required=True), "name": Text(300)}),
        Operation("GET", _PATH, lambda call: page(call, call.world.store.all(CLOCK), kind=CLOCK), LIST),
        reading(CLOCK, _PATH + "/{}"),
        Operation("DELETE", _PATH + "/{}", _delete),
        Operation("POST", _PATH + "/{}/advance", _advance, {"frozen_time": Integer(least=0, required=True)}),
    )


def _create(call: Call) -> Record:
    world = call.world
    data: Doc = {
        "id": ids.long_id("clock"),
        "object": CLOCK,
        "created": world.now(),
        "deletes_after": world.now() + _KEPT_FOR,
        "frozen_time": call.given["frozen_time"],
        "livemode": False,
        "name": call.get("name"),
        "status": "ready",
        "status_details": {},
    }
    record = world.add(CLOCK, data)
    world.tell("test_helpers.test_clock.created", record)
    return record


def _advance(call: Call) -> Doc:
    """Start to advance: the answer says so, as Stripe's does; by the next call it is done."""
    world, record = call.world, call.world.need(CLOCK, call.ids[0])
    data, to = record.data, call.given["frozen_time"]
    if to <= data["frozen_time"]:
        raise errors.invalid("`frozen_time` must be after the test clock's current frozen time.", "frozen_time")
    if to > _furthest(world, record):
        raise errors.invalid(
            "Cannot advance the test clock by more than two intervals of its shortest subscription at a time (two "
            "years where there is none).",
            "frozen_time",
        )
    data["status"] = "advancing"
    data["status_details"] = {"advancing": {"target_frozen_time": to}}
    world.tell("test_helpers.test_clock.advancing", record)
    answer = record.shown()
    walk(world, record.id, to)
    data["status"], data["status_details"] = "ready", {}
    world.tell("test_helpers.test_clock.ready", record)
    return answer


def _furthest(world: World, clock: Record) -> int:
    """Two intervals of the shortest subscription away."""
    now = clock.data["frozen_time"]
    ends = [
        boundary(now, terms.interval_of(terms.items_of(one.data)), 2)
        for one in world.store.all("subscription")
        if one.clock == clock.id and one.data["status"] not in {"canceled", "incomplete_expired"}
    ]
    return int(min(ends, default=now + _TWO_YEARS))


def _delete(call: Call) -> Doc:
    """With the clock go its customers and all of theirs."""
    world, record = call.world, call.world.need(CLOCK, call.ids[0])
    world.agenda.drop(record.id)
    for kind in ("customer", "subscription", "invoice", "invoiceitem"):
        for one in list(world.store.all(kind)):
            if one.clock == record.id:
                one.deleted = True
    record.deleted = True
    world.tell("test_helpers.test_clock.deleted", record)
    return record.shown()

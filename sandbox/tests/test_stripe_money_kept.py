"""Whatever is paid, given back and disputed, in any order: the account's balance is what the objects say."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sandbox.stripe import balance, cards, disputes, paying, payment_methods, refunds
from sandbox.stripe.errors import Refusal
from sandbox.stripe.store import Record
from sandbox.stripe.world import World

CARDS = (
    "visa",
    "bypassPending",
    "createDispute",
    "createDisputeInquiry",
    "authenticationRequired",
    "chargeCustomerFail",
)
AMOUNTS = st.integers(1, 1_500)
WHICH = st.integers(0, 30)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), st.sampled_from(CARDS), AMOUNTS),
        st.tuples(st.just("hold"), st.sampled_from(CARDS), AMOUNTS),
        st.tuples(st.just("capture"), WHICH, AMOUNTS),
        st.tuples(st.just("authenticate"), WHICH, st.booleans()),
        st.tuples(st.just("cancel"), WHICH, st.none()),
        st.tuples(st.just("refund"), WHICH, st.none() | AMOUNTS),
        st.tuples(st.just("fail"), WHICH, st.none()),
        st.tuples(st.just("dispute"), WHICH, st.none() | AMOUNTS),
        st.tuples(st.just("close"), WHICH, st.sampled_from(["won", "lost"])),
    ),
    max_size=25,
)


def pick(world: World, kind: str, which: int) -> Record | None:
    found = list(world.store.all(kind))
    return found[which % len(found)] if found else None


def act(world: World, name: str, which: Any, how: Any) -> None:
    """One step; what Stripe refuses changes nothing."""
    if name in {"pay", "hold"}:
        method = payment_methods.of_card(world, cards.BY_NAME[which])
        intent = paying.make(
            world, amount=how, currency="eur", capture_method="manual" if name == "hold" else "automatic"
        )
        paying.confirm(world, intent, method=method)
        return
    kind = {"capture": "payment_intent", "authenticate": "payment_intent", "cancel": "payment_intent"}.get(name)
    kind = kind or {"refund": "charge", "dispute": "charge", "fail": "refund", "close": "dispute"}[name]
    record = pick(world, kind, which)
    if record is None:
        return
    steps: dict[str, Callable[[], object]] = {
        "capture": lambda: paying.capture(world, record, how),
        "authenticate": lambda: paying.authenticate(world, record, passes=how),
        "cancel": lambda: paying.cancel(world, record),
        "refund": lambda: refunds.make(world, record, how),
        "fail": lambda: refunds.settle(world, record, failed=True),
        "dispute": lambda: disputes.make(world, record, amount=how),
        "close": lambda: disputes.close(world, record, how),
    }
    steps[name]()


def reckoned(world: World) -> int:
    """What the account should have, from charges, refunds and disputes alone."""
    taken = sum(
        one.data["amount_captured"] - balance.fee_of(one.data["amount_captured"])
        for one in world.store.all("charge")
        if one.data["captured"]
    )
    back = sum(one.data["amount"] for one in world.store.all("refund") if one.data["status"] != "failed")
    lost = sum(
        one.data["amount"] + disputes.FEE
        for one in world.store.all("dispute")
        if one.data["status"] not in {"won", "warning_closed", "warning_needs_response"}
    )
    return int(taken - back - lost)


@given(STEPS)
def test_no_cent_is_lost_or_made(steps: list[tuple[str, Any, Any]]) -> None:
    world = World()
    for name, which, how in steps:
        before = sum(one.data["net"] for one in world.store.all("balance_transaction"))
        try:
            act(world, name, which, how)
        except Refusal:
            assert before == sum(one.data["net"] for one in world.store.all("balance_transaction"))
        booked = sum(one.data["net"] for one in world.store.all("balance_transaction"))
        assert booked == reckoned(world)
        for charge in world.store.all("charge"):
            assert 0 <= refunds.refundable(charge) <= charge.data["amount_captured"] <= charge.data["amount"]

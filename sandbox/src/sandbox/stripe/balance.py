"""The account's own money: https://docs.stripe.com/api/balance_transactions.

The fee is 1.5 % and 25 of the smallest unit, whatever the card and currency; nothing is converted.
"""

from collections import defaultdict
from typing import Final

from sandbox.stripe import ids
from sandbox.stripe.kinds import ANY, Kind
from sandbox.stripe.operations import ID, LIST, PERIOD, Call, Operation, page, within
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World

KIND: Final = Kind("balance_transaction", noun="balance transaction", links={"source": ANY})
DAY: Final = 86_400
SETTLES_AFTER: Final = 7 * DAY
_CATEGORIES: Final = {"payment": "charge", "refund_failure": "refund_failure", "adjustment": "dispute"}


def operations() -> tuple[Operation, ...]:
    """All that is done with the account's balance."""
    filters = {"created": PERIOD, "currency": ID, "payout": ID, "source": ID, "type": ID}
    return (
        Operation("GET", "/v1/balance", _balance),
        Operation("GET", "/v1/balance_transactions", _list, {**LIST, **filters}),
        Operation("GET", "/v1/balance_transactions/{}", _read),
    )


def fee_of(amount: int) -> int:
    """What Stripe keeps of a payment."""
    return (amount * 15 + 500) // 1000 + 25


def book(
    world: World,
    source: Record,
    amount: int,
    *,
    what: str,
    fee: int = 0,
    category: str | None = None,
    settles_after: int = 0,
    description: str | None = None,
) -> Record:
    """Book a movement of money: what comes in is positive."""
    now = world.now(source.clock)
    currency = source.data["currency"]
    words = "Stripe processing fees" if what == "charge" else "Dispute fee"
    details = [{"amount": fee, "application": None, "currency": currency, "description": words, "type": "stripe_fee"}]
    data: Doc = {
        "id": ids.long_id("txn", 3),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": now + settles_after,
        "balance_type": "payments",
        "created": now,
        "currency": currency,
        "description": description,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": details if fee else [],
        "net": amount - fee,
        "reporting_category": category or _CATEGORIES.get(what, what),
        "source": source.id,
        "status": "pending" if settles_after else "available",
        "type": what,
    }
    return world.add("balance_transaction", data, clock=source.clock)


def _fresh(world: World, one: Record) -> Record:
    """The movement, whose money may be there by the time it is looked at."""
    if one.data["available_on"] <= world.now(one.clock):
        one.data["status"] = "available"
    return one


def _list(call: Call) -> Doc:
    def meant(one: Record) -> bool:
        if not within(one.data["created"], call.get("created")):
            return False
        return all(one.data[name] == call.given[name] for name in ("currency", "source", "type") if call.has(name))

    found = (_fresh(call.world, one) for one in call.world.store.all("balance_transaction") if meant(one))
    return page(call, found, kind="balance_transaction")


def _read(call: Call) -> Record:
    return _fresh(call.world, call.world.need("balance_transaction", call.ids[0]))


def _balance(call: Call) -> Doc:
    sums: dict[str, dict[str, int]] = {"available": defaultdict(int), "pending": defaultdict(int)}
    for one in call.world.store.all("balance_transaction"):
        sums[_fresh(call.world, one).data["status"]][one.data["currency"]] += one.data["net"]
    currencies = sorted({*sums["available"], *sums["pending"]} or {call.world.account.default_currency})

    def amounts(of: str) -> list[Doc]:
        return [{"amount": sums[of][c], "currency": c, "source_types": {"card": sums[of][c]}} for c in currencies]

    return {
        "object": "balance",
        "available": amounts("available"),
        "connect_reserved": [{"amount": 0, "currency": currency} for currency in currencies],
        "livemode": False,
        "pending": amounts("pending"),
        "refund_and_dispute_prefunding": {"available": [], "pending": []},
    }

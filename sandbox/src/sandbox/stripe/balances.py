"""What customers have to their credit, or owe: https://docs.stripe.com/billing/customer/balance."""

from typing import Any, Final

from sandbox.stripe import errors, ids
from sandbox.stripe.kinds import Kind
from sandbox.stripe.money import currency_of
from sandbox.stripe.operations import LIST, METADATA, Call, Operation, page
from sandbox.stripe.params import Integer, Text, noted
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World

KIND: Final = Kind(
    "customer_balance_transaction",
    links={
        "credit_note": "credit_note",
        "customer": "customer",
        "invoice": "invoice",
        "checkout_session": "checkout.session",
    },
)
_PATH: Final = "/v1/customers/{}/balance_transactions"


def operations() -> tuple[Operation, ...]:
    """All that is done with balances of customers."""
    creation = {
        "amount": Integer(required=True),
        "currency": Text(required=True),
        "description": Text(350),
        "metadata": METADATA,
    }
    return (
        Operation("POST", _PATH, _create, creation),
        Operation("GET", _PATH, _list, LIST),
        Operation("GET", _PATH + "/{}", _read),
        Operation("POST", _PATH + "/{}", _update, {"description": Text(350), "metadata": METADATA}),
    )


def move(
    world: World,
    customer: Record,
    amount: int,
    currency: str,
    *,
    what: str = "adjustment",
    quiet: bool = False,
    **more: Any,
) -> Record:
    """Change a customer's balance: a negative amount is to the customer's credit, a positive one is owed.

    `what` is the type of the transaction (`applied_to_invoice`, `credit_note` …); `more` are its other members;
    `quiet` leaves it to the caller to tell that the customer changed.

    Raises:
        Refusal: The customer's balance is in another currency.
    """
    held = customer.data["currency"]
    if held and held != currency:
        raise errors.invalid(
            f"The customer's currency is {held}; a balance in {currency} cannot be held beside it.", "currency"
        )
    before = {"balance": customer.data["balance"], "currency": held}
    customer.data["balance"] += amount
    customer.data["currency"] = currency
    data: Doc = {
        "id": ids.long_id("cbtxn"),
        "object": "customer_balance_transaction",
        "amount": amount,
        "checkout_session": None,
        "created": world.now(customer.clock),
        "credit_note": None,
        "currency": currency,
        "customer": customer.id,
        "customer_account": None,
        "description": None,
        "ending_balance": customer.data["balance"],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "type": what,
        **more,
    }
    if not quiet:
        world.tell("customer.updated", customer, before={k: v for k, v in before.items() if customer.data[k] != v})
    return world.add("customer_balance_transaction", data, clock=customer.clock)


def _create(call: Call) -> Record:
    customer = call.world.need("customer", call.ids[0])
    return move(
        call.world,
        customer,
        call.given["amount"],
        currency_of(call.given["currency"]),
        description=call.get("description"),
        metadata=noted({}, call.get("metadata", {})),
    )


def _list(call: Call) -> Doc:
    customer = call.world.need("customer", call.ids[0])
    found = (
        one for one in call.world.store.all("customer_balance_transaction") if one.data["customer"] == customer.id
    )
    return page(call, found, kind="customer_balance_transaction")


def _read(call: Call) -> Record:
    found = call.world.store.need(
        "customer_balance_transaction", call.ids[1], param="transaction", noun="customer balance transaction"
    )
    if found.data["customer"] != call.ids[0]:
        raise errors.no_such("customer balance transaction", call.ids[1], "transaction")
    return found


def _update(call: Call) -> Record:
    found = _read(call)
    if call.has("description"):
        found.data["description"] = call.given["description"]
    if call.has("metadata"):
        found.data["metadata"] = noted(found.data["metadata"], call.given["metadata"])
    return found

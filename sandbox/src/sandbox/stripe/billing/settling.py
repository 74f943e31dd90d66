"""An invoice from finalizing on: its number, the customer's balance, its payment, and how it ends."""

from collections.abc import Callable

from sandbox.stripe import balances, errors, ids
from sandbox.stripe.billing import drafting, following, payments, reckoning
from sandbox.stripe.engine.states import DAY, Dunning
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World


def finalize(world: World, invoice: Record) -> None:
    """Make a draft final: from now on it does not change. Where nothing is due it is paid.

    Raises:
        Refusal: It is no draft.
    """
    data = invoice.data
    if data["status"] != "draft":
        raise errors.invalid("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    drafting.rewrite(world, invoice)
    customer = world.need("customer", data["customer"])
    with world.changing(invoice, "invoice.finalized"):
        _make_final(world, invoice, customer)
    _use_balance(world, customer, invoice)
    customer.data["currency"] = customer.data["currency"] or data["currency"]
    if data["amount_due"] == 0:
        settle(world, invoice)
        return
    payments.begin(world, invoice)
    collects = data["collection_method"] == "charge_automatically" and data["auto_advance"]
    data["next_payment_attempt"] = world.now(invoice.clock) if collects else None
    plan(world, invoice)


def _make_final(world: World, invoice: Record, customer: Record) -> None:
    data, at = invoice.data, world.now(invoice.clock)
    data["ending_balance"] = reckoning.settle(data)
    sequence = customer.data["next_invoice_sequence"] or 1
    customer.data["next_invoice_sequence"] = sequence + 1
    token = invoice.more.setdefault("token", ids.letters(40))
    page = f"{world.pages}/invoices/{token}"
    data |= {
        "number": f"{customer.data['invoice_prefix']}-{sequence:04d}",
        "status": "open",
        "effective_at": data["effective_at"] or at,
        "automatically_finalizes_at": None,
        "hosted_invoice_url": page,
        "invoice_pdf": f"{page}/pdf",
    }
    if data["collection_method"] == "send_invoice" and data["due_date"] is None:
        data["due_date"] = at + invoice.more.get("days_until_due", 30) * DAY
    data["status_transitions"]["finalized_at"] = at


def _use_balance(world: World, customer: Record, invoice: Record) -> None:
    change = invoice.data["ending_balance"] - invoice.data["starting_balance"]
    if change:
        currency = invoice.data["currency"]
        balances.move(world, customer, change, currency, what="applied_to_invoice", invoice=invoice.id)


def collect(
    world: World,
    invoice: Record,
    *,
    method: str | None = None,
    off_session: bool = True,
    authenticated: bool = False,
) -> str:
    """Try to pay what remains; answers `paid`, `action`, `declined`, or `none` where there is no card."""
    data = invoice.data
    chosen = method or payments.method_for(world, data)
    data["next_payment_attempt"] = None
    outcome = "none"
    if chosen:
        outcome = payments.attempt(world, invoice, chosen, off_session=off_session, authenticated=authenticated)
    if outcome == "paid":
        return outcome
    if data["collection_method"] == "charge_automatically" or outcome != "none":
        data |= {"attempted": True, "attempt_count": data["attempt_count"] + 1}
    missed(world, invoice, outcome)
    return outcome


def missed(world: World, invoice: Record, outcome: str) -> None:
    """A payment was not made: tell of it, and plan the next attempt, or give up."""
    data = invoice.data
    retried = data["auto_advance"] and data["billing_reason"] != "subscription_create"
    dunning = Dunning(tuple(world.account.retry_days))
    following_attempt = dunning.next_attempt(data["attempt_count"], world.now(invoice.clock)) if retried else None
    data["next_payment_attempt"] = following_attempt
    _mark(world, data, late=True)
    world.tell("invoice.payment_failed", invoice)
    if outcome == "action":
        world.tell("invoice.payment_action_required", invoice)
    following.failed(world, invoice)
    if retried and following_attempt is None and data["collection_method"] == "charge_automatically":
        data["auto_advance"] = False
        following.given_up(world, invoice)
    plan(world, invoice)


def settle(world: World, invoice: Record, *, out_of_band: bool = False) -> None:
    """The invoice is paid."""
    data, at = invoice.data, world.now(invoice.clock)
    if data["status"] == "paid":
        return
    with world.changing(invoice, "invoice.updated"):
        data |= {
            "status": "paid",
            "amount_paid": 0 if out_of_band else data["amount_due"] - data["pre_payment_credit_notes_amount"],
            "amount_remaining": 0,
            "attempted": True,
            "auto_advance": False,
            "next_payment_attempt": None,
        }
        data["status_transitions"]["paid_at"] = at
    plan(world, invoice)
    following.paid(world, invoice)
    world.tell("invoice.paid", invoice)
    if not out_of_band:
        world.tell("invoice.payment_succeeded", invoice)
    _mark(world, data, late=False)
    _then(invoice, "then")


def void(world: World, invoice: Record) -> None:
    """Take an invoice back; what it had of the customer's balance returns.

    Raises:
        Refusal: It is paid, void or a draft.
    """
    data = invoice.data
    if data["status"] not in {"open", "uncollectible"}:
        raise errors.invalid(
            f"You can only pass in open invoices. This invoice isn't open (it is {data['status']})."
            if data["status"] != "draft"
            else "This invoice is a draft. Finalize it first, or delete it."
        )
    payments.cancel(world, invoice)
    data["status_transitions"]["voided_at"] = world.now(invoice.clock)
    _end(world, invoice, "void", "invoice.voided")
    change = data["starting_balance"] - data["ending_balance"]
    if change:
        customer = world.need("customer", data["customer"])
        balances.move(world, customer, change, data["currency"], what="unapplied_from_invoice", invoice=invoice.id)


def give_up(world: World, invoice: Record) -> None:
    """Mark an open invoice as uncollectible; it can still be paid.

    Raises:
        Refusal: It is not open.
    """
    if invoice.data["status"] != "open":
        raise errors.invalid(f"You can only mark open invoices as uncollectible; it is {invoice.data['status']}.")
    invoice.data["status_transitions"]["marked_uncollectible_at"] = world.now(invoice.clock)
    _end(world, invoice, "uncollectible", "invoice.marked_uncollectible")


def _end(world: World, invoice: Record, status: str, told: str) -> None:
    invoice.data |= {"status": status, "auto_advance": False, "next_payment_attempt": None}
    plan(world, invoice)
    world.tell(told, invoice)
    following.forgiven(world, invoice)
    _then(invoice, "lost")


def plan(world: World, invoice: Record) -> None:
    """Note when time will next do something to it."""
    data = invoice.data
    at: int | None = None
    if data["status"] == "draft" and data["auto_advance"]:
        at = data["automatically_finalizes_at"]
    elif data["status"] == "open":
        overdue = data["due_date"] if not invoice.more.get("overdue") else None
        at = min((each for each in (data["next_payment_attempt"], overdue) if each), default=None)
    world.agenda.put(invoice.clock, invoice.id, at)


def look_at(world: World, invoice: Record) -> None:
    """Its moment has come: a draft is finalized, an open one is collected or overdue."""
    data, at = invoice.data, world.now(invoice.clock)
    if data["status"] == "draft":
        finalize(world, invoice)
        if data["status"] == "open" and data["collection_method"] == "send_invoice":
            world.tell("invoice.sent", invoice)
        look_at_open(world, invoice)
    elif data["status"] == "open":
        look_at_open(world, invoice)
        if data["status"] == "open" and (data["due_date"] or at + 1) <= at and not invoice.more.get("overdue"):
            invoice.more["overdue"] = True
            world.tell("invoice.overdue", invoice)
            plan(world, invoice)


def look_at_open(world: World, invoice: Record) -> None:
    """Collect what is due to be collected."""
    data = invoice.data
    wanted = data["next_payment_attempt"]
    if data["status"] == "open" and wanted is not None and wanted <= world.now(invoice.clock):
        collect(world, invoice)


def _then(invoice: Record, which: str) -> None:
    waiting: list[Callable[[], None]] = invoice.more.pop(which, [])
    for each in waiting:
        each()


def _mark(world: World, invoice: Doc, *, late: bool) -> None:
    """A customer whose latest try to pay has failed is delinquent."""
    customer = world.store.get("customer", invoice["customer"])
    if customer is not None and customer.data["delinquent"] != late:
        with world.changing(customer) as data:
            data["delinquent"] = late

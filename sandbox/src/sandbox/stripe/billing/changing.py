"""Carrying out a plan: the items change, the lines wait or are invoiced, and the invoice is paid as asked."""

from collections.abc import Sequence
from copy import deepcopy

from sandbox.stripe import errors
from sandbox.stripe.billing import drafting, following, invoicing, moments, payments, settling, terms
from sandbox.stripe.billing.planning import Plan
from sandbox.stripe.billing.seeds import Seed
from sandbox.stripe.engine.states import INCOMPLETE_FOR
from sandbox.stripe.store import Doc, Record
from sandbox.stripe.world import World


def carry_out(world: World, subscription: Record, plan: Plan, *, payment: str, off_session: bool) -> None:
    """Do what was planned, and collect for it in the way of `payment_behavior`.

    Raises:
        Refusal: `error_if_incomplete`, and the card would not pay: nothing has changed.
    """
    if payment == "pending_if_incomplete" and plan.bills:
        _pay_first(world, subscription, plan, off_session=off_session)
        return
    if payment == "error_if_incomplete" and plan.bills:
        draft = draft_of(world, subscription, plan, plan.prorations)
        payments.refuse_unpayable(world, draft.data, off_session=off_session)
    _apply(world, subscription, plan)
    for seed in plan.prorations:
        terms.wait(world, subscription, seed)
    if not plan.bills:
        return
    invoice = _invoice(world, subscription, plan)
    if payment == "default_incomplete":
        if invoice.data["status"] == "open":
            following.failed(world, invoice)
    elif invoice.data["status"] == "open" and invoice.data["collection_method"] == "charge_automatically":
        settling.collect(world, invoice, off_session=off_session)


def replace_items(world: World, subscription: Record, plan: Plan) -> None:
    """Change the items where a period ends: the renewal that follows bills them, in their own rhythm."""
    with world.changing(subscription, "customer.subscription.updated") as data:
        ended = terms.period_of(data)
        same = terms.interval_of(plan.items) == terms.interval_of(terms.items_of(data))
        data["items"]["data"] = _stored(world, subscription, plan)
        data["items"]["total_count"] = len(plan.items)
        for item in terms.items_of(data):
            item |= {"current_period_start": ended.start, "current_period_end": ended.end}
        if not same:
            data["billing_cycle_anchor"] = ended.end


def _apply(world: World, subscription: Record, plan: Plan) -> None:
    with world.changing(subscription, "customer.subscription.updated") as data:
        data["items"]["data"] = _stored(world, subscription, plan)
        data["items"]["total_count"] = len(plan.items)
        data["billing_cycle_anchor"] = plan.anchor
        data["status"] = plan.status
        if plan.trial is not None:
            data["trial_start"], data["trial_end"] = plan.trial
        if data["cancel_at_period_end"]:
            data["cancel_at"] = plan.period.end
    subscription.more.pop("upcoming", None)
    moments.plan(world, subscription)


def _stored(world: World, subscription: Record, plan: Plan) -> list[Doc]:
    """The items as the plan has them, each kept under its id."""
    for item in terms.items_of(subscription.data):
        if item["id"] not in {each["id"] for each in plan.items}:
            gone = world.need("subscription_item", item["id"])
            gone.deleted = True
    found = []
    for item in plan.items:
        record = world.store.get("subscription_item", item["id"])
        if record is None:
            item["created"] = world.now(subscription.clock)
            record = world.add("subscription_item", dict(item), clock=subscription.clock)
        else:
            record.data |= item
        record.more["debited"] = plan.debits.get(item["id"], record.more.get("debited", 0))
        found.append(record.data)
    return found


def draft_of(world: World, subscription: Record, plan: Plan, prorations: Sequence[Seed]) -> drafting.Draft:
    """The invoice that a plan leads to at once: of what waits, of those prorations that do not yet, and the rest."""
    held = [drafting.seed_of(one) for one in invoicing.waiting(world, subscription)]
    return invoicing.draft(world, subscription, [*held, *prorations, *plan.regular], "subscription_update")


def _invoice(world: World, subscription: Record, plan: Plan) -> Record:
    invoice = invoicing.keep(world, subscription, draft_of(world, subscription, plan, ()))
    if invoice.data["status"] == "draft" and invoice.data["auto_advance"]:
        settling.finalize(world, invoice)
    invoice.data["next_payment_attempt"] = None
    return invoice


def _pay_first(world: World, subscription: Record, plan: Plan, *, off_session: bool) -> None:
    """Collect before anything changes; what could not be paid waits as a pending update for 23 hours."""
    if subscription.data["pending_update"]:
        drop_pending(world, subscription)
    for seed in plan.prorations:
        terms.wait(world, subscription, seed)
    invoice = drafting.keep(world, draft_of(world, subscription, plan, ()), subscription.clock)
    invoice.more["then"] = [lambda: _paid_for(world, subscription, plan, invoice)]
    settling.finalize(world, invoice)
    if invoice.data["status"] == "paid":
        return
    invoice.data["next_payment_attempt"] = None
    invoice.data["auto_advance"] = False
    if settling.collect(world, invoice, off_session=off_session) == "paid":
        return
    at = world.now(subscription.clock) + INCOMPLETE_FOR
    subscription.more["pending"] = invoice.id
    with world.changing(subscription, "customer.subscription.updated") as data:
        data["latest_invoice"] = invoice.id
        data["pending_update"] = {
            "billing_cycle_anchor": plan.anchor if plan.anchor != data["billing_cycle_anchor"] else None,
            "discount": None,
            "discounts": None,
            "expires_at": at,
            "metadata": None,
            "subscription_items": deepcopy(list(plan.items)),
            "trial_end": plan.change.trial_end,
            "trial_from_plan": None,
        }
    moments.plan(world, subscription)


def _paid_for(world: World, subscription: Record, plan: Plan, invoice: Record) -> None:
    waited = subscription.data["pending_update"] is not None
    subscription.data["latest_invoice"] = invoice.id
    subscription.data["pending_update"] = None
    subscription.more.pop("pending", None)
    _apply(world, subscription, plan)
    terms.note_debits(world, invoice)
    if waited:
        world.tell("customer.subscription.pending_update_applied", subscription)


def drop_pending(world: World, subscription: Record) -> None:
    """A pending update was not paid for in time, or another took its place: its invoice is void."""
    identifier = subscription.more.pop("pending")
    subscription.data["pending_update"] = None
    invoice = world.need("invoice", identifier)
    invoice.more.pop("then", None)
    if invoice.data["status"] == "open":
        settling.void(world, invoice)
    world.tell("customer.subscription.pending_update_expired", subscription)


def refuse_ended(subscription: Record) -> None:
    """Refuse to change what is over.

    Raises:
        Refusal: The subscription is canceled or has expired.
    """
    if subscription.data["status"] in {"canceled", "incomplete_expired"}:
        raise errors.invalid("A canceled subscription can only update its cancellation_details and metadata.")

"""What Stripe's objects of money mean; functions of values."""

import re
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.credit_notes.seeing import seen_of as credit_note_seen
from billing.disputes.model import Change as DisputeChange
from billing.disputes.model import begun as dispute_begun
from billing.disputes.model import changes as dispute_changes
from billing.disputes.seeing import seen_of as dispute_seen
from billing.invoices.model import Change as InvoiceChange
from billing.invoices.model import Invoice
from billing.invoices.model import Seen as InvoiceSeen
from billing.invoices.model import changes as invoice_changes
from billing.invoices.repository import new
from billing.invoices.seeing import seen_of as invoice_seen
from billing.payments.declines import DECLINES, UNTOLD, decline, told
from billing.payments.model import Change, Payment, Seen, State, begun, change
from billing.payments.seeing import seen_of
from billing.pays.kind import outcome
from billing.refunds.model import Change as RefundChange
from billing.refunds.model import State as RefundState
from billing.refunds.model import change as refund_change
from billing.refunds.seeing import seen_of as refund_seen
from billing.stripe_objects import Unreadable
from kit.ids import new_id
from kit.ledger.model import Status

from .stripe_shapes import credit_note, declined, dispute, intent, invoice, line, refund

SNAPSHOTS: Final = (
    intent(status="requires_payment_method", charge=None),
    declined("insufficient_funds", "ch_1"),
    declined("insufficient_funds", "ch_2"),
    intent(status="requires_action", charge="ch_2"),
    intent(status="processing", charge="ch_3"),
    intent(status="succeeded", charge="ch_3"),
)


def told_of(snapshots: list[Seen]) -> tuple[list[Change], Payment]:
    """What is told when these are seen one after the other, and where it ends."""
    facts, payment = [], None
    for seen in snapshots:
        after = begun(new_id(), seen) if payment is None else payment.follow(seen)
        happened = change(payment, after)
        facts += [happened] if happened else []
        payment = after
    assert payment
    return facts, payment


def test_a_payment_that_fails_twice_needs_its_payer_and_succeeds_is_told_as_it_went() -> None:
    facts, payment = told_of([seen_of(each) for each in SNAPSHOTS])
    assert facts == [Change.FAILED, Change.FAILED, Change.ACTION_REQUIRED, Change.RECOVERED]
    assert (payment.seen.state, payment.faltered, payment.refundable) == (State.SUCCEEDED, True, 2_900)


@given(st.lists(st.sampled_from(range(len(SNAPSHOTS))), min_size=1, max_size=12))
def test_seeing_the_same_again_and_skipping_steps_tells_nothing_twice(steps: list[int]) -> None:
    """Readings are of what is now, so steps are skipped and repeated but never turned back."""
    seen = [seen_of(SNAPSHOTS[step]) for step in sorted(steps)]
    facts, payment = told_of(seen)
    once, end = told_of([each for number, each in enumerate(seen) if number == 0 or each != seen[number - 1]])
    assert (facts, payment.seen, payment.version) == (once, end.seen, end.version)
    assert facts.count(Change.SUCCEEDED) + facts.count(Change.RECOVERED) == (5 in steps)
    assert facts.count(Change.FAILED) == len({1, 2} & set(steps))


def test_why_a_payment_failed_is_told_in_plain_words_and_what_must_not_be_told_is_not() -> None:
    assert seen_of(declined("insufficient_funds", "ch_1")).failure == "insufficient_funds"
    assert seen_of(declined("stolen_card", "ch_1")).failure == UNTOLD
    assert told("") == ""
    assert decline("never_heard_of") == DECLINES[UNTOLD]
    for code, found in DECLINES.items():
        assert found.says.endswith("."), code
        assert len(code) <= 40


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        (Status.DONE, "", "succeeded"),
        (Status.REFUSED, "invoice_payment_intent_requires_action", "action_required"),
        (Status.REFUSED, "expired_card", "failed"),
        (Status.REFUSED, "invoice_already_paid", "succeeded"),
        (Status.UNKNOWN, "timeout", "unknown"),
        (Status.UNCONFIRMED, "timeout", "failed"),
    ],
)
def test_what_a_try_to_pay_again_came_to(status: Status, code: str, state: str) -> None:
    assert outcome(status, code)[0] == state


def test_a_finalised_invoice_stays_as_it_was_whatever_is_said_later() -> None:
    first = Invoice(new_id(), invoice_seen(invoice(), [line()]), 0, 1)
    other = invoice_seen(invoice(status="paid", total=99), [line(99)])
    after = first.follow(other)
    assert (after.seen.total, after.seen.lines, after.seen.status) == (2_900, first.seen.lines, "paid")
    assert set(first.contradicts(other)) == {"subtotal", "tax", "total", "lines"}
    assert first.follow(first.seen) is first


def test_an_invoice_is_issued_and_paid_once() -> None:
    draft, final, paid = (new(invoice_seen(invoice(status=status), [line()])) for status in ("draft", "open", "paid"))
    assert invoice_changes(None, draft) == ()
    assert invoice_changes(draft, final) == (InvoiceChange.FINALIZED,)
    assert invoice_changes(final, paid) == (InvoiceChange.PAID,)
    assert invoice_changes(None, paid) == (InvoiceChange.FINALIZED, InvoiceChange.PAID)
    assert invoice_changes(paid, paid) == ()


def test_a_refund_is_told_when_stripe_has_it_and_again_only_when_it_comes_back() -> None:
    states = [RefundState.ASKED, RefundState.PENDING, RefundState.SUCCEEDED, RefundState.FAILED, RefundState.FAILED]
    facts = [refund_change(before, after) for before, after in pairwise(states)]
    assert facts == [RefundChange.ISSUED, None, RefundChange.FAILED, None]
    assert refund_change(None, RefundState.SUCCEEDED) is RefundChange.ISSUED
    assert refund_change(None, RefundState.FAILED) is RefundChange.FAILED


def test_a_lost_dispute_withholds_until_it_is_lifted_and_seen_again_it_stays_lifted() -> None:
    opened = dispute_begun(new_id(), new_id(), dispute_seen(dispute()))
    lost = opened.follow(dispute_seen(dispute(status="lost")))
    assert (opened.withholds, lost.withholds) == (False, True)
    assert dispute_changes(None, opened) == (DisputeChange.OPENED,)
    assert dispute_changes(opened, lost) == (DisputeChange.CLOSED,)
    lifted = replace(lost, withholds=False)
    assert lifted.follow(replace(lost.seen, amount=1)).withholds is False
    assert not lost.follow(dispute_seen(dispute(status="won"))).withholds


_OBJECTS: Final[tuple[tuple[Callable[[Any], Any], Any], ...]] = (
    (lambda each: invoice_seen(each, each["lines"]["data"]), {**invoice(status="paid"), "lines": {"data": [line()]}}),
    (seen_of, intent()),
    (refund_seen, refund()),
    (credit_note_seen, credit_note()),
    (dispute_seen, dispute()),
)
_ODD: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from(["", "EUR", "euro", "e", "€€€", "12", "eur\n", "paid"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["id", "amount"]), st.integers(), max_size=2),
)


@given(st.sampled_from(range(len(_OBJECTS))), _ODD, st.data())
def test_whatever_stands_in_an_object_is_refused_or_can_be_kept(place: int, odd: Any, data: st.DataObject) -> None:
    """So no object, however odd, is one that the database refuses again and again."""
    read, whole = _OBJECTS[place]
    name = data.draw(st.sampled_from(sorted(whole)))
    try:
        seen = read({**whole, name: odd})
    except Unreadable:
        return
    assert re.fullmatch("[a-z]{3}", seen.currency)
    assert isinstance(seen.stripe_id, str)
    never_negative = {"amount", "received", "paid", "remaining", "discount", "attempts"}
    for field in fields(seen):
        value = getattr(seen, field.name)
        if isinstance(value, int):
            assert -(2**53) < value < 2**53
            assert field.name not in never_negative or value >= 0
    if isinstance(seen, InvoiceSeen):
        assert seen.status in {"draft", "open", "paid", "uncollectible", "void"}
        assert seen.attempts < 2**31


@pytest.mark.parametrize("gone", ["id", "currency", "amount", "status", "created"])
def test_an_object_without_what_each_has_is_refused_and_not_repeated(gone: str) -> None:
    for read, whole in ((seen_of, intent()), (refund_seen, refund()), (dispute_seen, dispute())):
        with pytest.raises(Unreadable) as caught:
            read({name: value for name, value in whole.items() if name != gone})
        assert "pi_1" not in str(caught.value)
    wrong: tuple[object, ...] = (1.5, "12", True, None, 2**60, {})
    for value in wrong:
        with pytest.raises(Unreadable):
            seen_of({**intent(), "amount": value})

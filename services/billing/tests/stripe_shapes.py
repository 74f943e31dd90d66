"""Objects of Stripe's in the shape of 2026, as small as they may be; written after the documentation."""

from typing import Any

from billing.stripe_objects import Json

BEGAN = 1_790_000_000


def invoice(stripe_id: str = "in_1", *, status: str = "open", total: int = 2_900, **more: Any) -> Json:
    final = None if status == "draft" else BEGAN + 60
    paid = total if status == "paid" else 0
    return {
        "object": "invoice",
        "id": stripe_id,
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}},
        "number": None if final is None else "R-0001",
        "status": status,
        "billing_reason": "subscription_cycle",
        "currency": "eur",
        "subtotal": total,
        "total_discount_amounts": [],
        "total_taxes": [{"amount": total * 19 // 119, "tax_behavior": "inclusive"}],
        "total": total,
        "amount_due": total,
        "amount_paid": paid,
        "amount_remaining": total - paid,
        "period_start": BEGAN,
        "period_end": BEGAN + 2_592_000,
        "due_date": None,
        "next_payment_attempt": None,
        "attempt_count": 1,
        "status_transitions": {"finalized_at": final, "paid_at": BEGAN + 90 if paid else None},
        "created": BEGAN,
        "payments": {"data": [{"payment": {"type": "payment_intent", "payment_intent": "pi_1"}}]},
        **more,
    }


def line(amount: int = 2_900) -> Json:
    return {
        "id": "il_1",
        "amount": amount,
        "quantity": 1,
        "taxes": [{"amount": amount * 19 // 119}],
        "pricing": {"type": "price_details", "price_details": {"price": "price_1"}},
        "parent": {"type": "subscription_item_details", "subscription_item_details": {"proration": False}},
        "period": {"start": BEGAN, "end": BEGAN + 2_592_000},
    }


def intent(
    stripe_id: str = "pi_1",
    *,
    status: str = "succeeded",
    amount: int = 2_900,
    charge: str | None = "ch_1",
    error: Json | None = None,
) -> Json:
    return {
        "object": "payment_intent",
        "id": stripe_id,
        "status": status,
        "currency": "eur",
        "amount": amount,
        "amount_received": amount if status == "succeeded" else 0,
        "latest_charge": charge,
        "last_payment_error": error,
        "client_secret": "pi_1_secret_never_kept",
        "created": BEGAN,
    }


def declined(code: str, charge: str) -> Json:
    return intent(
        status="requires_payment_method",
        charge=charge,
        error={"type": "card_error", "code": "card_declined", "decline_code": code, "charge": charge},
    )


def refund(stripe_id: str = "re_1", *, status: str = "succeeded", amount: int = 500, row_id: object = None) -> Json:
    return {
        "object": "refund",
        "id": stripe_id,
        "payment_intent": "pi_1",
        "charge": "ch_1",
        "metadata": {} if row_id is None else {"row_id": str(row_id)},
        "currency": "eur",
        "amount": amount,
        "reason": "requested_by_customer",
        "status": status,
        "failure_reason": "expired_or_canceled_card" if status == "failed" else None,
        "created": BEGAN + 100,
    }


def credit_note(stripe_id: str = "cn_1", *, status: str = "issued", amount: int = 500, row_id: object = None) -> Json:
    return {
        "object": "credit_note",
        "id": stripe_id,
        "invoice": "in_1",
        "metadata": {} if row_id is None else {"row_id": str(row_id)},
        "number": "R-0001-CN-01",
        "currency": "eur",
        "total": amount,
        "reason": "order_change",
        "status": status,
        "created": BEGAN + 100,
    }


def dispute(stripe_id: str = "dp_1", *, status: str = "needs_response", amount: int = 2_900) -> Json:
    return {
        "object": "dispute",
        "id": stripe_id,
        "payment_intent": "pi_1",
        "charge": "ch_1",
        "currency": "eur",
        "amount": amount,
        "reason": "fraudulent",
        "status": status,
        "evidence_details": {"due_by": BEGAN + 864_000},
        "evidence": {"customer_name": "never read"},
        "created": BEGAN + 200,
    }

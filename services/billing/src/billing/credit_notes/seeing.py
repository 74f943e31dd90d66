"""Reads a credit note out of Stripe's object."""

from billing.credit_notes.model import REASONS, Seen, State
from billing.refunds.seeing import row_of
from billing.stripe_objects import Json, amount_of, currency_of, id_of, instant, readable


@readable("a credit note")
def seen_of(note: Json) -> Seen:
    """What we follow of a credit note.

    Raises:
        Unreadable: something that every credit note has is missing.
    """
    reason = str(note.get("reason") or "other")
    return Seen(
        stripe_id=id_of(note["id"]),
        invoice=id_of(note["invoice"]),
        row_id=row_of(note.get("metadata")),
        number=note.get("number"),
        currency=currency_of(note["currency"]),
        amount=amount_of(note["total"], least=1),
        reason=reason if reason in REASONS else "other",
        state=State.VOID if note["status"] == "void" else State.ISSUED,
        created_at=instant(note["created"]),
    )

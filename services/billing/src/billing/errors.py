"""What may be wrong between us and Stripe, for whichever endpoint needs it."""

from kit.errors import TransientError


class PaymentsOff(TransientError):
    """Payments are switched off here."""

    code = "payments-off"

    def __init__(self) -> None:
        super().__init__("Payments are switched off here; nothing can be bought or changed.", retry_after=600.0)


class PaymentsUnavailable(TransientError):
    """The payment provider has not answered; send the same request again."""

    code = "payments-unavailable"

    def __init__(self, detail: str | None = None, *, retry_after: float = 2.0) -> None:
        super().__init__(detail or "The payment provider has not answered; send it again.", retry_after=retry_after)

from kit.errors import NotFound


class PaymentNotFound(NotFound):
    """There is no such payment."""

    code = "payment-not-found"

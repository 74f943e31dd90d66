from kit.errors import Conflict, NotFound


class OverRefund(Conflict):
    """More cannot be given back than was received and not given back yet."""

    code = "over-refund"


class NothingReceived(Conflict):
    """Nothing was received by this payment."""

    code = "nothing-received"


class PaymentDisputed(Conflict):
    """The payer's bank has taken this money back already, or is about to; answer the dispute instead."""

    code = "payment-disputed"


class RefundNotFound(NotFound):
    """There is no such refund."""

    code = "refund-not-found"

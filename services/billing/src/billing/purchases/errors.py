from kit.errors import Conflict


class PurchaseRefused(Conflict):
    """The payment provider does not sell this just now."""

    code = "purchase-refused"

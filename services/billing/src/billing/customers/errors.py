from kit.errors import Conflict


class CustomerRefused(Conflict):
    """The payment provider does not accept this organization as a customer; write to support."""

    code = "customer-refused"

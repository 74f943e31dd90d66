from kit.errors import Conflict, NotFound


class InvoiceNotFound(NotFound):
    """There is no such invoice."""

    code = "invoice-not-found"


class InvoiceNotOpen(Conflict):
    """Only an open invoice can be paid."""

    code = "invoice-not-open"


class InvoiceNotIssued(Conflict):
    """A draft has no page yet, and nothing to correct."""

    code = "invoice-not-issued"

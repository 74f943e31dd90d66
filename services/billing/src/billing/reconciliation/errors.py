from kit.errors import NotFound


class ReconciliationNotFound(NotFound):
    """There is no such comparison."""

    code = "reconciliation-not-found"

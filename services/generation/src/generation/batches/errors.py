from kit.errors import Conflict, Invalid, NotFound


class BatchNotFound(NotFound):
    """There is no such batch."""

    code = "batch-not-found"


class BatchEnded(Conflict):
    """This batch has ended; there is nothing to cancel."""

    code = "batch-ended"


class NoBatches(Conflict):
    """No provider that is set up here works through batches; ask for each generation by itself."""

    code = "no-batches"


class ItemBlocked(Invalid):
    """One of these is of a category that this organization blocks; leave it out."""

    code = "item-blocked"

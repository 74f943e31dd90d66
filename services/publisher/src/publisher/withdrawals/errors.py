from kit.errors import NotFound


class DeletionNotFound(NotFound):
    """There is no request by this code; one that was just made is shown after a moment."""

    code = "deletion-not-found"

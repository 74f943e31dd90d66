from kit.errors import Conflict, DomainError, NotFound


class HeldNotFound(NotFound):
    """There is no such message that was held back."""

    code = "held-submission-not-found"


class HeldDecided(Conflict):
    """Somebody has decided about this message already."""

    code = "held-submission-decided"


class FormNotTaken(DomainError):
    """Send a form as JSON, or as a page does: application/x-www-form-urlencoded or multipart/form-data."""

    status = 415
    code = "form-not-taken"

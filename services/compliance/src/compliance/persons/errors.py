from kit.errors import Forbidden, NotFound


class NotYourself(Forbidden):
    """You can ask this about your own account only."""

    code = "not-yourself"


class NoManager(Forbidden):
    """Owners and administrators of the organization ask this about its contacts."""

    code = "role-missing"


class RequestNotFound(NotFound):
    """There is no such request."""

    code = "request-not-found"

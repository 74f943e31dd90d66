from kit.errors import Conflict, NotFound


class StopNotFound(NotFound):
    """There is no such stop."""

    code = "stop-not-found"


class StopLifted(Conflict):
    """This stop was lifted already."""

    code = "stop-lifted"

from kit.errors import Conflict, Invalid, NotFound


class QueueNotFound(NotFound):
    """There is no such queue."""

    code = "queue-not-found"


class QueueNotAcceptable(Invalid):
    """The queue cannot be as it is wanted."""

    code = "queue-not-acceptable"


class QueueMoved(Conflict):
    """Some of these posts do not wait in this queue any more; read it again."""

    code = "queue-moved"

from kit.errors import Conflict, FieldError, Invalid, NotFound


class PostNotFound(NotFound):
    """There is no such post."""

    code = "post-not-found"


class DeliveryNotFound(NotFound):
    """This post is not on its way to that account."""

    code = "delivery-not-found"


class PostAlreadyLeft(Conflict):
    """The post may already be on a platform and can no longer be changed or cancelled."""

    code = "post-already-left"


class PostNotDraft(Conflict):
    """Only a draft can be deleted; a scheduled post is cancelled."""

    code = "post-not-draft"


class PostNotScheduled(Conflict):
    """The post is not scheduled."""

    code = "post-not-scheduled"


class PostScheduledAlready(Conflict):
    """The post is scheduled already; change its time instead."""

    code = "post-scheduled-already"


class NothingToDecide(Conflict):
    """This delivery is not waiting for a person's decision."""

    code = "nothing-to-decide"


class LiveAlready(Conflict):
    """Another delivery to this account is what is live there."""

    code = "live-already"


class PostNotAcceptable(Invalid):
    """The post cannot be published as it is."""

    code = "post-not-acceptable"


class TimeNotAcceptable(Invalid):
    """The post cannot be published at that time."""

    code = "publish-time-not-acceptable"

    def __init__(self, pointer: str, detail: str, *, suggestions: tuple[str, ...] = ()) -> None:
        extensions = {"suggestions": list(suggestions)} if suggestions else {}
        super().__init__(None, errors=[FieldError(pointer, detail)], **extensions)


class NotLive(Conflict):
    """It is not live there, or a person has said so without an address by which we could find it."""

    code = "not-live"


class NotTakenDownHere(Conflict):
    """The platform does not let us take it down; do it there."""

    code = "not-taken-down-here"

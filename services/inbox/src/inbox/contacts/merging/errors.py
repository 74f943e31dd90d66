from kit.errors import Conflict, NotFound, TransientError


class AlreadyOne(Conflict):
    """These are one contact already."""

    code = "contacts-already-one"


class MergeNotFound(NotFound):
    """There is no such merge in this organization."""

    code = "merge-not-found"


class AlreadyUndone(Conflict):
    """This merge was undone before."""

    code = "merge-already-undone"


class MatchNotFound(NotFound):
    """There is no such suggestion in this organization."""

    code = "suggestion-not-found"


class MatchDecided(Conflict):
    """This suggestion was decided before."""

    code = "suggestion-decided"


class BeingErased(Conflict):
    """One of these contacts is being erased."""

    code = "contact-being-erased"


class StillMoving(TransientError):
    """Others were merging the same contacts just now."""

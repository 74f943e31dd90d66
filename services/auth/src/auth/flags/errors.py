from kit.errors import Conflict, NotFound


class FlagNotFound(NotFound):
    """There is no such flag."""

    code = "flag-not-found"


class FlagExists(Conflict):
    """There is a flag of this key."""

    code = "flag-exists"


class TooManyFlags(Conflict):
    """There are too many flags; take away those that nobody needs any more."""

    code = "too-many-flags"

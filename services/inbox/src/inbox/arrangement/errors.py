from kit.errors import Conflict, Forbidden, NotFound


class NotArranged(NotFound):
    """There is no such thing here, or it is somebody else's own."""

    code = "not-arranged"


class NameTaken(Conflict):
    """There is one of this name among those that all share, or among your own."""

    code = "name-taken"


class TooManyArranged(Conflict):
    """There are as many of these as there can be; delete one first."""

    code = "too-many-arranged"


class SharedByAll(Forbidden):
    """What all share is changed by owners and admins."""

    code = "shared-by-all"

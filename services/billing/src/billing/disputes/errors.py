from kit.errors import Conflict, NotFound


class DisputeNotFound(NotFound):
    """There is no such dispute."""

    code = "dispute-not-found"


class NothingWithheld(Conflict):
    """This dispute withholds no plan."""

    code = "nothing-withheld"

from kit.errors import Conflict, NotFound


class PayUnderWay(Conflict):
    """This invoice is being paid just now."""

    code = "pay-under-way"


class PayNotFound(NotFound):
    """Nobody asked for that."""

    code = "pay-not-found"

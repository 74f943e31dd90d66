from kit.errors import Conflict, Invalid, NotFound


class ChangeNotFound(NotFound):
    """There is no such change."""

    code = "change-not-found"


class SubscriptionNotChangeable(Conflict):
    """The subscription is in a state in which this cannot be done."""

    code = "subscription-not-changeable"


class ChangeUnderWay(Conflict):
    """Another change is on its way to the payment provider; wait for what becomes of it."""

    code = "change-under-way"


class NothingToChange(Conflict):
    """The subscription is like this already."""

    code = "nothing-to-change"


class NotSold(Invalid):
    """This plan is not sold for this interval and currency."""

    code = "not-sold"


class SeatsInUse(Conflict):
    """More members are in the organization than there would be seats; remove some first, or buy more seats."""

    code = "seats-in-use"


class PreviewTooOld(Conflict):
    """What was previewed is not what would be charged any more; ask for another preview."""

    code = "preview-too-old"

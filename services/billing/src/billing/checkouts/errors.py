from kit.errors import Conflict, Invalid, NotFound


class PlanNotSold(Invalid):
    """This plan cannot be bought like this; GET /v1/billing/plans lists what can."""

    code = "plan-not-sold"


class AlreadySubscribed(Conflict):
    """This organization has a subscription; change that one."""

    code = "already-subscribed"


class CheckoutOpen(Conflict):
    """Another checkout is open for this organization; finish or cancel it first."""

    code = "checkout-open"


class TrialSpent(Conflict):
    """This organization has tried a plan before."""

    code = "trial-spent"


class NothingToTry(Conflict):
    """This plan cannot be tried."""

    code = "nothing-to-try"


class CheckoutNotFound(NotFound):
    """There is no such checkout."""

    code = "checkout-not-found"


class CheckoutOver(Conflict):
    """This checkout has ended."""

    code = "checkout-over"


class CheckoutRefused(Conflict):
    """The payment provider does not accept this; the detail says why where it may."""

    code = "checkout-refused"


class NoCustomer(Conflict):
    """There is nothing to pay for yet."""

    code = "no-customer"

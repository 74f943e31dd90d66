from kit.errors import Conflict, NotFound


class CreditsInsufficient(Conflict):
    """There are fewer credits than that; nothing was spent."""

    code = "credits-insufficient"


class SpendDiffers(Conflict):
    """This id stands for another spend; use a new one."""

    code = "spend-differs"


class SpendNotFound(NotFound):
    """Nothing was spent under this id."""

    code = "spend-not-found"


class ReturnTooLarge(Conflict):
    """More cannot be given back than was spent and not given back yet."""

    code = "return-too-large"


class LotNotFound(NotFound):
    """There is no such lot of credits."""

    code = "lot-not-found"


class LotEndsInThePast(Conflict):
    """Credits that are granted end in the future, or not at all."""

    code = "lot-ends-in-the-past"

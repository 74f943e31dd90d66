from kit.errors import Conflict


class OverCredit(Conflict):
    """More cannot be credited than the invoice is over, less what was credited already."""

    code = "over-credit"


class NothingToCorrect(Conflict):
    """Only an invoice that is open or paid is corrected."""

    code = "nothing-to-correct"

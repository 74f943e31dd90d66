from kit.errors import Forbidden, Invalid


class BudgetExhausted(Forbidden):
    """What this organization lets generation spend in a month does not cover this; raise it, or wait for the next."""

    code = "budget-exhausted"


class PeriodTooLong(Invalid):
    """Usage is shown for at most 92 days at once, from a day to a later one."""

    code = "period-too-long"

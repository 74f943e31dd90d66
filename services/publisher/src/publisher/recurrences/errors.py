from typing import Self

from kit.errors import Conflict, FieldError, Invalid, NotFound


class RecurrenceNotFound(NotFound):
    """There is no such recurring post."""

    code = "recurrence-not-found"


class RecurrenceEnded(Conflict):
    """This recurring post has ended; begin another."""

    code = "recurrence-ended"


class RuleNotAcceptable(Invalid):
    """A post cannot recur by this rule."""

    code = "rule-not-acceptable"

    @classmethod
    def of(cls, detail: str, pointer: str = "#/rule") -> Self:
        """What is wrong with it."""
        return cls(errors=[FieldError(pointer, detail)])

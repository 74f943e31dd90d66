from kit.errors import Conflict, FieldError, Gone, Invalid, NotFound


class RecoveryPending(Conflict):
    """A recovery of this user's factors is pending already."""

    code = "factor-recovery-pending"


class NothingLost(Conflict):
    """This user has no second factor that could be removed."""

    code = "user-without-second-factor"


class NobodyToTell(Conflict):
    """This user has no proven mail address at which they could be told, so nothing is begun."""

    code = "user-without-address"


class OfStaff(Conflict):
    """This is an account of a member of staff; an operator of the platform must see to it."""

    code = "user-is-of-staff"


class RecoveryNotFound(NotFound):
    """There is no such recovery of this user."""

    code = "factor-recovery-not-found"


class RecoveryOver(Gone):
    """This recovery was stopped before, or is done."""

    code = "factor-recovery-over"


class StopLinkForged(Invalid):
    """This is not a link of ours; open the newest mail and follow its link."""

    code = "stop-link-malformed"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/token", self.title())])

from kit.errors import Conflict, Forbidden, NotFound


class ImpersonationNotFound(NotFound):
    """There is no such impersonation."""

    code = "impersonation-not-found"


class ImpersonationOver(Conflict):
    """This impersonation has ended; begin another."""

    code = "impersonation-over"


class UserUnavailable(Forbidden):
    """Nobody acts for a user who is suspended or being forgotten."""

    code = "user-unavailable"


class NotAMember(Conflict):
    """This user does not belong to this organization."""

    code = "not-a-member"

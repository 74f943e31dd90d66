from kit.errors import Conflict, FieldError, Forbidden, Gone, Invalid, NotFound, TooManyRequests, Unauthenticated


class StaffCredentialsWrong(Unauthenticated):
    """The address, the password or the code is wrong."""

    code = "wrong-credentials"


class TooManyStaffAttempts(TooManyRequests):
    """Too many attempts; wait a little."""

    code = "too-many-attempts"


class StaffSessionEnded(Unauthenticated):
    """The session has ended; sign in."""

    code = "session-ended"


class FreshProofNeeded(Forbidden):
    """This needs a fresh proof that it is you: show password and code at /v1/staff/sessions/current/proofs."""

    code = "step-up-needed"


class EnrolmentOver(Gone):
    """This enrolment was used, replaced or has expired; ask for another."""

    code = "enrolment-over"


class EnrolmentCodeWrong(Invalid):
    """This is not the code that the app shows now."""

    code = "code-wrong"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/code", self.title())])


class StaffNotFound(NotFound):
    """There is no such member of staff."""

    code = "staff-not-found"


class StaffSessionNotFound(NotFound):
    """There is no such session."""

    code = "session-not-found"


class AlreadyStaff(Conflict):
    """This address belongs to a member of staff already."""

    code = "already-staff"


class LastAdmin(Conflict):
    """Somebody must stay who manages the staff."""

    code = "last-admin"

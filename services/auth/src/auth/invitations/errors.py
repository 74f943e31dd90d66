from kit.errors import Conflict, FieldError, Forbidden, Gone, Invalid, NotFound, TooManyRequests


class InvitationNotFound(NotFound):
    """There is no such invitation in this organization."""

    code = "invitation-not-found"


class AlreadyInvited(Conflict):
    """This address has an open invitation; send its mail again, or revoke it first."""

    code = "already-invited"


class AlreadyMember(Conflict):
    """Somebody with this address is a member already."""

    code = "already-member"


class TooManyInvitations(Conflict):
    """This organization has too many open invitations; revoke some first."""

    code = "too-many-invitations"


class InvitationSettled(Conflict):
    """This invitation has been accepted or revoked."""

    code = "invitation-settled"


class TooManyMails(TooManyRequests):
    """Enough invitations were mailed to this address; try again later."""

    code = "too-many-mails"


class InvitationMalformed(Invalid):
    """This is not an invitation of ours; follow the link of the newest mail."""

    code = "invitation-malformed"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/token", self.title())])


class InvitationForAnother(Forbidden):
    """This invitation is for another address; sign in with the address it was sent to."""

    code = "invitation-for-another"


class InvitationGone(Gone):
    """This invitation has expired, was revoked, or is used up; ask for another."""

    code = "invitation-gone"

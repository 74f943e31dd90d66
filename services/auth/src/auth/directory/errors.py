from kit.errors import Conflict, NotFound


class UserNotFound(NotFound):
    """There is no such user."""

    code = "user-not-found"


class NoMailAddress(Conflict):
    """This user has no proven mail address; a reset by text message is begun on their own phone."""

    code = "no-mail-address"


class NoSuchOrganization(NotFound):
    """There is no such organization."""

    code = "organization-not-found"

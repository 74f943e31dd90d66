from kit.errors import NotFound


class UserNotFound(NotFound):
    """There is no such user."""

    code = "user-not-found"


class NoSuchOrganization(NotFound):
    """There is no such organization."""

    code = "organization-not-found"

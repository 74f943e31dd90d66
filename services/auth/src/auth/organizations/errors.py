from kit.errors import NotFound


class OrganizationNotFound(NotFound):
    """There is no such organization among yours."""

    code = "organization-not-found"

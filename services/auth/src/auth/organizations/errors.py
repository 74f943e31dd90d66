from kit.errors import Forbidden, NotFound


class OrganizationIsSuspended(Forbidden):
    """This organization has been suspended; ask the support."""

    code = "organization-suspended"


class OrganizationNotFound(NotFound):
    """There is no such organization among yours."""

    code = "organization-not-found"

from kit.errors import Conflict, Forbidden, Invalid, NotFound


class ClientNotFound(NotFound):
    """There is no such program in this organization."""

    code = "oauth-client-not-found"


class ClientIsPublic(Conflict):
    """A public program has no secret: it could not keep one."""

    code = "oauth-client-public"


class TooManyClients(Conflict):
    """This organization has registered too many programs; end some first."""

    code = "too-many-oauth-clients"


class ClientRoleTooHigh(Forbidden):
    """A program may not be more than you are, and none is an owner."""

    code = "oauth-client-role-too-high"


class ClientUseless(Invalid):
    """Name an address to return to, for people who sign in, or a role, for the program itself."""

    code = "oauth-client-useless"

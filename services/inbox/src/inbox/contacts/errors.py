from kit.errors import Conflict, NotFound


class ContactNotFound(NotFound):
    """There is no such contact in this organization."""

    code = "contact-not-found"


class IdentityTaken(Conflict):
    """Another contact is known by this; merge the two instead."""

    code = "identity-taken"

from kit.errors import NotFound


class ContactNotFound(NotFound):
    """There is no such contact in this organization."""

    code = "contact-not-found"

from kit.errors import NotFound


class KeyNotFound(NotFound):
    """There is no such signing key."""

    code = "signing-key-not-found"

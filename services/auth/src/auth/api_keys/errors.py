from kit.errors import Conflict, Forbidden, NotFound, Unauthenticated


class ApiKeyNotFound(NotFound):
    """There is no such API key in this organization."""

    code = "api-key-not-found"


class ApiKeyOver(Conflict):
    """This API key has ended or was replaced; rotate the one that is in use, or make another."""

    code = "api-key-over"


class TooManyApiKeys(Conflict):
    """This organization has too many API keys; end some first."""

    code = "too-many-api-keys"


class ApiKeyRoleTooHigh(Forbidden):
    """A key may not be more than you are, and no key is an owner."""

    code = "api-key-role-too-high"


class ApiKeyRefused(Unauthenticated):
    """This API key is not valid."""

    code = "invalid-api-key"

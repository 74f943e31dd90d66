from kit.errors import NotFound


class AccountNotFound(NotFound):
    """There is no such connected account."""

    code = "account-not-found"

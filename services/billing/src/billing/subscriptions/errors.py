from kit.errors import NotFound


class NoSubscription(NotFound):
    """The organization has no subscription; buy one first."""

    code = "no-subscription"

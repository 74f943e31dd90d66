from kit.errors import TransientError, Unauthenticated


class ProviderUnreachable(TransientError):
    """The identity provider did not answer; begin the sign-in anew in a moment."""

    code = "provider-unreachable"

    def __init__(self, reason: str) -> None:
        super().__init__("The identity provider did not answer; begin the sign-in anew in a moment.", retry_after=5.0)
        self.reason = reason


class ProviderRefused(Unauthenticated):
    """The identity provider has not confirmed who you are; begin the sign-in anew."""

    code = "provider-refused"

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason
        """A word for the log and the audit trail; the person is not told which check failed."""

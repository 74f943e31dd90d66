from kit.errors import NotFound, TooManyRequests, Unauthenticated


class WrongCredentials(Unauthenticated):
    """The e-mail address or the password is wrong, or the address is not verified yet."""

    code = "wrong-credentials"


class TooManyAttempts(TooManyRequests):
    """Too many attempts to sign in with this address; wait a little."""

    code = "too-many-attempts"


class RefreshTokenForged(Unauthenticated):
    """This is not a refresh token of ours; sign in."""

    code = "refresh-token-malformed"


class RefreshTokenReused(Unauthenticated):
    """This refresh token was used before, so the session has been ended; sign in."""

    code = "refresh-token-reused"


class SessionNotFound(NotFound):
    """There is no such session of yours, or it has ended."""

    code = "session-not-found"


class SessionEnded(Unauthenticated):
    """The session has ended; sign in."""

    code = "session-ended"

from collections.abc import Sequence

from kit.errors import FieldError, Forbidden, Invalid, TooManyRequests


class TooManyPasswords(TooManyRequests):
    """Too many people are signing in or up at this moment; try again shortly."""

    code = "too-many-passwords"


class PasswordRefused(Invalid):
    """Choose another password."""

    code = "password-refused"

    def __init__(self, warning: str, suggestions: Sequence[str] = ()) -> None:
        said = [warning, *suggestions]
        super().__init__(
            errors=[FieldError("#/password", each) for each in said], warning=warning, suggestions=list(suggestions)
        )


class PasswordWrong(Forbidden):
    """This is not your present password."""

    code = "password-wrong"

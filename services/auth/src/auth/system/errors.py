from kit.errors import FieldError, Forbidden, Invalid, NotFound


class SettingNotFound(NotFound):
    """There is no such setting."""

    code = "setting-not-found"


class SettingInvalid(Invalid):
    """The setting cannot have this value."""

    code = "setting-invalid"

    def __init__(self, detail: str) -> None:
        super().__init__(errors=[FieldError("#/value", detail)])


class SignUpsClosed(Forbidden):
    """New accounts cannot be opened at the moment."""

    code = "sign-ups-closed"

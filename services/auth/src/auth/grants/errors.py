from kit.errors import Conflict, FieldError, Invalid, NotFound


class GrantNotFound(NotFound):
    """There is no such grant."""

    code = "grant-not-found"


class GrantOver(Conflict):
    """This grant has ended by itself."""

    code = "grant-over"


class TooManyGrants(Conflict):
    """This organization has as many open grants as there may be; revoke one first."""

    code = "too-many-grants"


class UntilRefused(Invalid):
    """Say until when: a date within two years, or a number of months."""

    code = "until-refused"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/until", self.title())])

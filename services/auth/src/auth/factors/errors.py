from kit.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, Unauthenticated


class FactorNotFound(NotFound):
    """There is no such factor among yours."""

    code = "factor-not-found"


class TooManyFactors(Conflict):
    """You have as many factors of this kind as one may have; remove one first."""

    code = "too-many-factors"


class CodeWrong(Invalid):
    """This is not the code that the app shows now; see that the clock of your device is right."""

    code = "code-wrong"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("#/code", self.title())])


class AlreadyActive(Conflict):
    """This factor is in use already."""

    code = "factor-already-active"


class NothingToRecover(Conflict):
    """Recovery codes stand in for another second factor; add one first."""

    code = "no-second-factor"


class FactorDemanded(Conflict):
    """An organization of yours demands a second factor, and this is your last; add another first, or leave it."""

    code = "factor-demanded"


class PasswordTooShort(Conflict):
    """Your password is good enough only beside a second factor; choose a longer one before you remove your last."""

    code = "password-needs-factor"


class WrongFactor(Unauthenticated):
    """This is wrong, was used before or is too old; try again with the next one."""

    code = "wrong-factor"


class ProofRefused(Forbidden):
    """This is wrong, was used before or is too old; try again with the next one."""

    code = "proof-refused"

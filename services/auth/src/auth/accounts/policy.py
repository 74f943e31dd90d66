"""Which passwords are good enough: long, hard to guess, not the address; nothing is asked of their composition."""

from functools import cache
from typing import Any, Final

from auth.accounts.address import EmailAddress

SHORTEST: Final = 12
LONGEST: Final = 256
LEAST_SCORE: Final = 3
# zxcvbn takes quadratic time for each reading of the signs in a password, and holds up the whole process: 100 signs
# chosen with malice cost seconds. What follows these can only make a password better.
_LOOKED_AT: Final = 32

_LONG_ENOUGH: Final = 8  # a shorter run of letters may stand anywhere by chance


def length_objection(password: str) -> str | None:
    """What is wrong with the length, if anything; cheap, to be asked first."""
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    return None


def objections(password: str, email: EmailAddress) -> list[str]:
    """Why a password of acceptable length is refused, in words for its owner; empty when it is good.

    Takes milliseconds of computing: not for the event loop.
    """
    if _holds(password, email):
        return ["Do not use your e-mail address in the password."]
    local, _, domain = email.value.partition("@")
    found = _zxcvbn()(password[:_LOOKED_AT], user_inputs=[email.value, local, domain], max_length=_LOOKED_AT)
    if found["score"] >= LEAST_SCORE:
        return []
    feedback = found["feedback"]
    said = [str(each) for each in (feedback["warning"], *feedback["suggestions"]) if each]
    return said or ["This password is too easy to guess."]


def _holds(password: str, email: EmailAddress) -> bool:
    """Whether the address stands in the password, also without its dots and signs."""
    bare = _bare(email.value)
    return email.value in password.casefold() or (len(bare) >= _LONG_ENOUGH and bare in _bare(password))


def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


@cache
def _zxcvbn() -> Any:
    """Its dictionaries take 20 MiB and a quarter of a second, so they are loaded when first needed."""
    from zxcvbn import zxcvbn  # noqa: PLC0415 - lazily on purpose

    return zxcvbn

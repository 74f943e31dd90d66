"""Which passwords are good enough (NIST SP 800-63B-4, 3.1.1.2): long, not known, hard to guess, not one's own name.

Nothing is asked of their composition, and none expires.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

from auth.passwords.common import KnownPasswords

if TYPE_CHECKING:
    from zxcvbn_rs_py import Entropy

LONGEST: Final = 256
LEAST_SCORE: Final = 3
LEAST_SCORE_OF_TWO: Final = 2
"""zxcvbn gives no eight characters more, however they were drawn."""
SHORTEST: Final = {"default": 12, "strict": 15}
"""By the name of the policy, where the password is the only factor."""
SHORTEST_OF_TWO: Final = 8
"""Where a second factor is asked for, too."""

# zxcvbn takes quadratic time, and more for signs chosen with malice; what follows these only makes a password better.
_LOOKED_AT: Final = 32

_LONG_ENOUGH: Final = 8  # a shorter run of letters may stand anywhere by chance


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a password is refused, and what would be better."""

    warning: str
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What is asked of passwords here; `product` names us, which everybody would try."""

    name: Literal["default", "strict"] = "default"
    product: str = "rostrum"
    known: KnownPasswords = field(default_factory=KnownPasswords.shipped)

    def length_objection(self, password: str, *, second_factor: bool = False) -> Objection | None:
        """What is wrong with the length, if anything; cheap, to be asked first."""
        shortest = SHORTEST_OF_TWO if second_factor else SHORTEST[self.name]
        if len(password) < shortest:
            return Objection(f"Use at least {shortest} characters.")
        if len(password) > LONGEST:
            return Objection(f"Use at most {LONGEST} characters.")
        return None

    def objection(
        self, password: str, context: Sequence[str] = (), *, second_factor: bool = False
    ) -> Objection | None:
        """Why a password of acceptable length is refused; `context` are the addresses of its owner.

        Takes milliseconds of computing: not for the event loop.
        """
        if password in self.known:
            return Objection("This password is one of those that are tried first.", ("Choose words of your own.",))
        if any(_holds(password, each) for each in context):
            return Objection("Do not use your own address in the password.")
        words = [self.product, *(word for each in context for word in (each, *each.split("@")))]
        found = _zxcvbn()(password[:_LOOKED_AT], words)
        if int(found.score) >= (LEAST_SCORE_OF_TWO if second_factor else LEAST_SCORE):
            return None
        warning, suggestions = (
            found.feedback and found.feedback.warning,
            found.feedback and found.feedback.suggestions,
        )
        return Objection(str(warning or "This password is too easy to guess."), tuple(map(str, suggestions or ())))


def _holds(password: str, address: str) -> bool:
    """Whether the address stands in the password, also without its dots and signs."""
    bare = _bare(address)
    return address.casefold() in password.casefold() or (len(bare) >= _LONG_ENOUGH and bare in _bare(password))


def _bare(text: Iterable[str]) -> str:
    return "".join(each for each in "".join(text).casefold() if each.isalnum())


@cache
def _zxcvbn() -> "Callable[[str, list[str]], Entropy]":
    """Its dictionaries take memory and a tenth of a second, so they are loaded when first needed."""
    from zxcvbn_rs_py import zxcvbn  # noqa: PLC0415 - lazily on purpose

    return zxcvbn

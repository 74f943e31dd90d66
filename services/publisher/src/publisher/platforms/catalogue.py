"""Errors of platforms as data: what each of their codes means for what was sent, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from kit.ledger.model import NotAccepted, Parked, Refused, Unanswered

Outcome = Literal["refused", "not_accepted", "parked", "unanswered"]
"""The classes of outcomes, by the ledger's names: `unanswered` may have happened."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one error of a platform means.

    `code` is our name for it, `plain` says what is wrong and what to do in words for a user. `retry_after` is in
    seconds, for what the platform does not say itself; `whole_lane` says that the account is meant and not the post.
    """

    outcome: Outcome
    code: str
    plain: str
    retry_after: float | None = None
    whole_lane: bool = False

    def raised(self, said: str, *, retry_after: float | None = None) -> Exception:
        """The ledger's outcome with the platform's words; `retry_after` is what the platform asks for itself."""
        match self.outcome:
            case "refused":
                return Refused(self.plain, code=self.code, said=said)
            case "parked":
                return Parked(self.plain, code=self.code, said=said)
            case "unanswered":
                return Unanswered(self.plain, code=self.code, said=said)
        wait = retry_after if retry_after is not None else self.retry_after
        return NotAccepted(self.plain, code=self.code, said=said, retry_after=wait, whole_lane=self.whole_lane)


Catalogue = Mapping[str, Meaning]
"""By the platform's code, as text; one of a code and a subcode is `code.subcode`."""

"""What the platform's error codes mean: which are a matter of time, of the account, or of the message."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from kit.ledger.model import NotAccepted, Parked, Refused, Unanswered

Class = Literal["pace", "pair", "passing", "token", "restricted", "refused", "unknown"]

TOKEN_CODES: Final = frozenset({0, 3, 10, 104, 190, 131005, *range(200, 300)})
_PACE: Final = frozenset({4, 80007, 130429, 131057})
_RESTRICTED: Final = frozenset({368, 131031, 131037, 131042, 131045})
_SPAM: Final = 131048
_SPAM_PAUSE: Final = 900.0
_PAIR: Final = 131056
_PASSING: Final = 131016

# In words of our own: the platform's may name the person or their number.
PLAIN: Final[Mapping[int, str]] = {
    100: "WhatsApp does not accept a part of this message.",
    131008: "WhatsApp misses a part of this message.",
    131009: "WhatsApp does not accept a part of this message.",
    131021: "Sender and recipient are the same number.",
    131026: "This contact cannot be reached on WhatsApp, or has not accepted its terms.",
    131030: "This number is not among those that a test account may write to.",
    131047: "More than 24 hours have passed since the contact last wrote; a template is needed.",
    131049: "WhatsApp holds this message back, so that the contact is not written to too often. Wait at least a day.",
    131050: "The contact does not want marketing messages.",
    131051: "WhatsApp does not know this kind of message.",
    131052: "The medium could not be fetched.",
    131053: "The medium could not be taken in; check its kind and size.",
    131062: "This message needs the contact's phone number, which is not known.",
    130472: "The contact is part of an experiment of WhatsApp and is not sent marketing messages.",
    130497: "WhatsApp does not allow this to be sent to the contact's country.",
    132000: "The number of the template's variables is wrong.",
    132001: "There is no such template in this language, or it is not approved.",
    132005: "The template with its variables is too long.",
    132007: "The template breaks WhatsApp's rules.",
    132008: "The template does not exist in this form.",
    132012: "A variable of the template has the wrong form.",
    132015: "The template is paused because of its quality.",
    132016: "The template is disabled because of its quality.",
}

_SORTS: Final[Mapping[int | None, Class]] = {
    **dict.fromkeys(PLAIN, "refused"),
    **dict.fromkeys(TOKEN_CODES, "token"),
    **dict.fromkeys(_RESTRICTED, "restricted"),
    **dict.fromkeys(_PACE, "pace"),
    _SPAM: "pace",
    _PAIR: "pair",
    _PASSING: "passing",
}
REFUSED_TOKEN: Final = "token-refused"  # noqa: S105 - a code, not a secret
_TIMED_OUT: Final = 408
_BARE: Final[Mapping[int, Class]] = {401: "token", 403: "token", 429: "pace"}


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error as the platform names it: HTTP status, its code, how long it wants to be left in peace."""

    status: int
    code: int | None
    retry_after: float | None = None

    @property
    def sort(self) -> Class:
        """What it means. The code decides; the status only where there is none, or one that is not documented."""
        if self.code in _SORTS:
            return _SORTS[self.code]
        if self.code is None and self.status in _BARE:
            return _BARE[self.status]
        return "refused" if self.status < 500 and self.status != _TIMED_OUT else "unknown"

    @property
    def plain(self) -> str:
        """The reason for a person, without anything personal."""
        return PLAIN.get(self.code or -1, "WhatsApp has refused this message.")


def exception(  # noqa: PLR0911 - one line for each sort
    trouble: Trouble, attempt: int
) -> Refused | NotAccepted | Parked | Unanswered:
    """What the ledger is to be told. Nothing of the platform's own text is passed on: it may name a person."""
    code = "" if trouble.code is None else str(trouble.code)
    said = f"status {trouble.status} code {code or 'none'}"
    match trouble.sort:
        case "pair":
            pause = float(4 ** min(max(attempt, 1), 6))
            return NotAccepted("too many messages to one contact", code=code, said=said, retry_after=pause)
        case "pace":
            pause = _SPAM_PAUSE if trouble.code == _SPAM else trouble.retry_after or 1.0
            return NotAccepted("too many messages", code=code, said=said, retry_after=pause, whole_lane=True)
        case "passing":
            return NotAccepted("a passing fault", code=code, said=said, retry_after=trouble.retry_after)
        case "token":
            return Parked(
                "The access token is no longer good; connect it again.", code=code or REFUSED_TOKEN, said=said
            )
        case "restricted":
            return Parked("WhatsApp has restricted this account; see its business manager.", code=code, said=said)
        case "refused":
            return Refused(trouble.plain, code=code, said=said)
        case _:
            return Unanswered("an error of the platform", code=code, said=said)


def parks(code: str) -> bool:
    """Whether this is the code of a refusal that parks a lane."""
    return code == REFUSED_TOKEN or (code.isdigit() and _SORTS.get(int(code)) in ("token", "restricted"))


def health_of(code: str) -> Literal["token_dead", "restricted"]:
    """What a parked lane says of the channel's health."""
    return "restricted" if code.isdigit() and int(code) in _RESTRICTED else "token_dead"

"""What the errors of a platform mean, as data, and what the ledger is to be told of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from kit.ledger.model import NotAccepted, Parked, Refused, Unanswered

Sort = Literal["pace", "stop_sender", "skip_recipient", "our_bug", "auth", "unknown"]
"""Slow down; nothing leaves until somebody acts; this contact cannot get it; what we sent is wrong; the token is no
longer good; nobody knows."""
Scope = Literal["message", "recipient", "lane"]
Health = Literal["token_dead", "restricted"]
Outcome = Refused | NotAccepted | Parked | Unanswered

TOKEN_REFUSED: Final = "token-refused"  # noqa: S105 - a code, not a secret
_TIMED_OUT: Final = 408
_AUTH_STATUS: Final = (401, 403)
_TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class Rule:
    """What one code means, in words of our own: the platform's may name the person or their number.

    `plain` is the reason and `advice` what to do about it. `scope` says how far it reaches: an error of pace or of a
    sender holds this message, this recipient or the whole lane; `pause` is for how many seconds, if the platform does
    not say. A sender that is stopped without one is refused, or parked where it is the lane's, until somebody acts.
    """

    sort: Sort
    plain: str
    advice: str = ""
    scope: Scope = "message"
    pause: float | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error as a platform names it: HTTP status, its code, how long it wants to be left in peace."""

    status: int
    code: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The errors of one platform."""

    name: str
    rules: Mapping[str, Rule]
    anything: Rule = field(default=Rule("our_bug", "The platform has refused this message."))
    """What a refusal means whose code is not documented."""

    def rule(self, trouble: Trouble) -> Rule | None:
        """What it means: the code decides, the status only where there is none. None proves nothing."""
        if known := self.rules.get(trouble.code):
            return known
        if not trouble.code and trouble.status in _AUTH_STATUS:
            return self.dead
        if not trouble.code and trouble.status == _TOO_MANY:
            return Rule("pace", "too many messages", scope="lane")
        if trouble.status >= 500 or trouble.status == _TIMED_OUT:
            return None
        return self.anything

    def outcome(self, trouble: Trouble, attempt: int) -> Outcome:
        """What the ledger is to be told. Nothing of the platform's own text is passed on: it may name a person."""
        rule, code = self.rule(trouble), trouble.code
        said = f"status {trouble.status} code {code or 'none'}"
        if rule is None or rule.sort == "unknown":
            return Unanswered("an error of the platform", code=code, said=said)
        if rule.sort == "auth":
            return Parked(self.dead.plain, code=code or TOKEN_REFUSED, said=said)
        if rule.sort == "pace":
            return _paced(rule, trouble, attempt, said)
        if rule.sort == "stop_sender" and (rule.scope == "lane" or rule.pause is not None):
            return _stopped(rule, code, said)
        return Refused(rule.plain, code=code, said=said)

    @property
    def dead(self) -> Rule:
        """A token that is no longer good."""
        plain = "The access token is no longer good; connect it again."
        return Rule("auth", plain, "Connect the channel again with a new token; what waits leaves then.", "lane")

    def told(self, code: str) -> Rule:
        """What a code means that came with a report, or that stands at a message."""
        return self.rules.get(code) or OURS.get(code) or self.anything

    def parks(self, code: str) -> bool:
        """Whether this is the code of a refusal that parks a lane."""
        return code == TOKEN_REFUSED or ((rule := self.rules.get(code)) is not None and _parks(rule))

    def health_of(self, code: str) -> Health:
        """What a parked lane says of the channel's health."""
        rule = self.rules.get(code)
        return "restricted" if rule is not None and rule.sort == "stop_sender" else "token_dead"


def _parks(rule: Rule) -> bool:
    return rule.sort == "auth" or (rule.sort == "stop_sender" and rule.scope == "lane" and rule.pause is None)


def _stopped(rule: Rule, code: str, said: str) -> NotAccepted | Parked:
    if rule.pause is None:
        return Parked(rule.plain, code=code, said=said)
    return NotAccepted(rule.plain, code=code, said=said, retry_after=rule.pause, whole_lane=rule.scope == "lane")


def _paced(rule: Rule, trouble: Trouble, attempt: int, said: str) -> NotAccepted:
    """A contact's own limit waits four times longer each time; the sender's holds its whole lane."""
    if rule.scope == "recipient":
        pause: float | None = float(4 ** min(max(attempt, 1), 6))
    elif rule.scope == "lane":
        pause = rule.pause or trouble.retry_after or 1.0
    else:
        pause = rule.pause or trouble.retry_after
    return NotAccepted(rule.plain, code=trouble.code, said=said, retry_after=pause, whole_lane=rule.scope == "lane")


OURS: Final[Mapping[str, Rule]] = {
    "window-closed": Rule(
        "skip_recipient",
        "The contact has not written for too long to be written to freely.",
        "Send a template, or let it wait until the contact writes.",
    ),
    "contact-opted-out": Rule("skip_recipient", "The contact does not want messages here.", "Send them none."),
    "contact-blocked": Rule("skip_recipient", "The contact is blocked.", "Unblock them to write to them again."),
    "consent-withdrawn": Rule("skip_recipient", "The contact has withdrawn their consent.", "Send them none."),
    "consent-missing": Rule(
        "skip_recipient", "The contact never agreed to marketing on this channel.", "Ask for their consent first."
    ),
    "value-missing": Rule(
        "our_bug", "Nothing is known for a variable, and it has no fallback.", "Give the variable a fallback."
    ),
    "contact-forgotten": Rule("skip_recipient", "The contact was forgotten.", "Nothing can be sent to them."),
    "contact-unreachable": Rule(
        "skip_recipient", "Nothing is known by which the contact can be reached here.", "Reach them elsewhere."
    ),
    "channel-disconnected": Rule(
        "stop_sender", "The channel was disconnected.", "Connect it again, then send it anew.", "lane"
    ),
    "expired": Rule("pace", "It could not leave in time.", "Send it again."),
    "cancelled": Rule("our_bug", "It was taken back before it left.", "Nothing."),
    **dict.fromkeys(
        (
            f"template-{each}"
            for each in ("paused", "disabled", "rejected", "pending", "deleted", "deleting", "archived")
        ),
        Rule(
            "stop_sender",
            "The template was stopped before this left.",
            "Use another template until this one is in order again.",
        ),
    ),
    "partly-failed": Rule("our_bug", "Some parts were not sent.", "See each part, and try those that failed again."),
    "unsendable": Rule("our_bug", "The request cannot be made.", "Change the message and send it again."),
}
"""What our own codes mean: for what failed before a platform was asked."""


def same(rule: Rule, codes: Iterable[int | str]) -> dict[str, Rule]:
    """One rule for several codes."""
    return {str(code): rule for code in codes}

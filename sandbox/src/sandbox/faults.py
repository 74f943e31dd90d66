"""The one mechanism by which every member goes wrong on demand."""

from dataclasses import dataclass
from random import Random
from typing import Literal, TypeVar

from pydantic import BaseModel

from sandbox.rules import (
    AnyRule,
    Delay,
    DropAfterEffect,
    ErrorAfterEffect,
    Match,
    Occurrence,
    RefuseBeforeEffect,
    Rule,
    VisibleAfter,
)

Door = Literal["http", "smtp"]
R = TypeVar("R", bound=Rule)


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall go wrong with one occurrence."""

    delay: float = 0.0
    outcome: RefuseBeforeEffect | DropAfterEffect | ErrorAfterEffect | None = None
    visible_after: float = 0.0


class LiveRule:
    """A rule and how often it has struck."""

    def __init__(self, rule: AnyRule) -> None:
        self.rule = rule
        self.random = Random(rule.seed)
        self.struck = 0

    @property
    def remaining(self) -> int | None:
        """How often it may still strike; None is always."""
        return None if self.rule.times is None else self.rule.times - self.struck

    def strikes(self, seen: Occurrence) -> bool:
        """Whether it strikes now; a rule that does has one time less."""
        if self.remaining == 0 or not self.rule.match.fits(seen):
            return False
        if self.random.random() >= self.rule.probability:
            return False
        self.struck += 1
        return True


class Faults:
    """The live rules of one member; per kind of effect the first that strikes is the one that counts."""

    def __init__(self) -> None:
        self._live: list[LiveRule] = []

    @property
    def live(self) -> tuple[LiveRule, ...]:
        """All rules in their order, spent ones too."""
        return tuple(self._live)

    def replace(self, rules: list[AnyRule]) -> None:
        """Put these rules in place of all others; counts begin anew."""
        self._live = [LiveRule(rule) for rule in rules]

    def clear(self) -> None:
        """From now on all goes well."""
        self._live = []

    def take(self, seen: Occurrence, kind: type[R]) -> R | None:
        """The first rule of this kind that strikes, counted as used."""
        for live in self._live:
            if isinstance(live.rule, kind) and live.strikes(seen):
                return live.rule
        return None

    def plan(self, seen: Occurrence) -> Plan:
        """Decide what goes wrong with a call; what is refused has no visibility to delay."""
        delay = self.take(seen, Delay)
        outcome = self._outcome(seen)
        hidden = None if isinstance(outcome, RefuseBeforeEffect) else self.take(seen, VisibleAfter)
        return Plan(
            delay=delay.seconds if delay else 0.0,
            outcome=outcome,
            visible_after=hidden.seconds if hidden else 0.0,
        )

    def _outcome(self, seen: Occurrence) -> RefuseBeforeEffect | DropAfterEffect | ErrorAfterEffect | None:
        for live in self._live:
            rule = live.rule
            if isinstance(rule, RefuseBeforeEffect | DropAfterEffect | ErrorAfterEffect) and live.strikes(seen):
                return rule
        return None


class RuleOut(BaseModel):
    """A rule, how often it has struck and how often it still may."""

    rule: AnyRule
    struck: int
    remaining: int | None


def misplaced(rule: Rule, *, door: Door, sends_webhooks: bool) -> str | None:
    """The name of the part of a rule that this member could never obey, as a path below the rule."""
    kind = str(getattr(rule, "kind", ""))
    if kind.startswith("webhook_"):
        return _not_of_webhooks(rule.match) if sends_webhooks else "kind"
    foreign = _FOREIGN[door]
    named = {*rule.model_fields_set, *(f"match/{name}" for name in rule.match.model_fields_set)}
    if door == "smtp" and (rule.match.method or "DATA").upper() not in {"RCPT", "DATA"}:
        return "match/method"
    return next((name for name in sorted(foreign) if name in named), None)


_FOREIGN: dict[Door, set[str]] = {
    "http": {"code", "text", "match/recipient", "match/topic"},
    "smtp": {"status", "headers", "body", "match/path", "match/topic"},
}


def _not_of_webhooks(match: Match) -> str | None:
    return next((f"match/{name}" for name in sorted(match.model_fields_set - {"topic"})), None)

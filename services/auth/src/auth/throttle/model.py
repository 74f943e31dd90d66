"""How long whoever guesses must wait: plain functions of what was counted and the time.

A guess is counted before it is made, so that guessing at once gains nothing, and taken back when it was right or when
nobody said whether it was. Only verdicts about a password or code count. From a device that is known of the account a
guess counts for that device alone; so whoever does not hold its token can neither make its owner wait there nor lock
it out.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Self, TypeAlias
from uuid import UUID

MOST_FAILURES: Final = 100
"""Failures in a row after which nothing is tried any more (NIST SP 800-63B-4, 3.2.2)."""
LOCKED_WAIT: Final = timedelta(hours=1)
"""What somebody is told to wait who must really follow the link of a mail; the same where no account is."""
STUFFING: Final = 30
"""Different identifiers tried in vain from one network within its window that make it suspicious."""
_SKETCH_BITS: Final = 512
_MOST_COUNTED: Final = 1_000_000
_LONGEST_DOUBLING: Final = 20


class Scope(StrEnum):
    """On what, or from where, guesses are counted."""

    ACCOUNT = "account"
    DEVICE = "device"
    FACTOR = "factor"
    FACTOR_DEVICE = "factor-device"
    ADDRESS = "address"
    NETWORK = "network"


LOCKABLE: Final = frozenset({Scope.ACCOUNT, Scope.FACTOR})
"""Here too many failures in a row lock, until a mail's link is followed."""
DEVICES: Final = frozenset({Scope.DEVICE, Scope.FACTOR_DEVICE})
"""Here they make the device a stranger, which is then counted among the unknown ones."""
PLACES: Final = frozenset({Scope.ADDRESS, Scope.NETWORK})

Key: TypeAlias = tuple[Scope, bytes]


@dataclass(frozen=True, slots=True)
class Rule:
    """So many guesses are free, then each doubles the wait from one second to the longest.

    What is recent is forgotten after a time without any guess, or, counted in windows, with the window.
    """

    free: int
    longest: timedelta
    forgotten_after: timedelta
    in_windows: bool = False
    most: int = _MOST_COUNTED


_UNKNOWN: Final = Rule(10, timedelta(minutes=15), timedelta(hours=1), most=MOST_FAILURES)
_KNOWN: Final = Rule(10, timedelta(minutes=5), timedelta(minutes=30), most=MOST_FAILURES)
RULES: Final = MappingProxyType(
    {
        Scope.ACCOUNT: _UNKNOWN,
        Scope.FACTOR: _UNKNOWN,
        Scope.DEVICE: _KNOWN,
        Scope.FACTOR_DEVICE: _KNOWN,
        Scope.ADDRESS: Rule(30, timedelta(minutes=1), timedelta(hours=1), in_windows=True),
        Scope.NETWORK: Rule(150, timedelta(minutes=1), timedelta(hours=1), in_windows=True),
    }
)
_SUSPICIOUS: Final = Rule(STUFFING, timedelta(minutes=15), timedelta(hours=1), in_windows=True)


@dataclass(frozen=True, slots=True)
class Count:
    """What was counted of one key."""

    scope: Scope
    key: bytes = field(repr=False)
    since: datetime
    last_at: datetime
    blocked_until: datetime | None = None
    recent: int = 0
    failures: int = 0
    """In a row, since the last guess that was right."""
    identifiers: bytes | None = None
    """A sketch of how many different identifiers failed from a network: one bit each, of few, so it names nobody."""
    lock_id: UUID | None = None

    @classmethod
    def first(cls, scope: Scope, now: datetime) -> Self:
        """A guess that is about to be made where none is counted, of whatever key."""
        return cls(scope, b"", now, now).claimed(now)

    @property
    def rule(self) -> Rule:
        """What holds here: more for a network from which many identifiers are tried."""
        return _SUSPICIOUS if self.suspicious else RULES[self.scope]

    @property
    def suspicious(self) -> bool:
        """Whether this is a network from which stolen lists seem to be tried (credential stuffing)."""
        return self.distinct >= STUFFING

    @property
    def distinct(self) -> int:
        """About how many identifiers failed from here."""
        return 0 if self.identifiers is None else int.from_bytes(self.identifiers).bit_count()

    @property
    def locked(self) -> bool:
        """Whether too many guesses in a row were wrong."""
        return self.failures >= self.rule.most

    def wait(self, now: datetime) -> timedelta | None:
        """How long no guess may be made; None when one may be made now."""
        if self.locked:
            return LOCKED_WAIT
        if self.blocked_until is None or self.blocked_until <= now:
            return None
        return self.blocked_until - now

    def claimed(self, now: datetime) -> Self:
        """With one more guess, which is about to be made; of those at once that are free, none makes another wait."""
        held = self._as_of(now)
        recent = min(held.recent + 1, _MOST_COUNTED)
        wait = pause(held.rule, recent)
        return replace(
            held,
            recent=recent,
            failures=min(held.failures + 1, _MOST_COUNTED),
            last_at=now,
            blocked_until=now + wait if wait else None,
        )

    def taken_back(self) -> Self:
        """Without the last guess; what it made others wait is over."""
        return replace(self, recent=max(self.recent - 1, 0), failures=max(self.failures - 1, 0), blocked_until=None)

    def failed(self, identifier: bytes) -> Self:
        """With the guess known to have been wrong; a network remembers on how many identifiers."""
        if self.scope is not Scope.NETWORK:
            return self
        return replace(self, identifiers=_with(self.identifiers or bytes(_SKETCH_BITS // 8), identifier))

    def _as_of(self, now: datetime) -> Self:
        rule = self.rule
        begun = self.since if rule.in_windows else self.last_at
        if now - begun < rule.forgotten_after:
            return self
        return replace(self, recent=0, since=now, identifiers=None)


def pause(rule: Rule, recent: int) -> timedelta:
    """The wait after so many recent guesses."""
    beyond = recent - rule.free
    if beyond <= 0:
        return timedelta()
    return min(timedelta(seconds=2 ** min(beyond - 1, _LONGEST_DOUBLING)), rule.longest)


def _with(sketch: bytes, identifier: bytes) -> bytes:
    at = int.from_bytes(hashlib.sha256(identifier).digest()[:4]) % _SKETCH_BITS
    return (int.from_bytes(sketch) | 1 << at).to_bytes(len(sketch))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One guess, from its claim to its verdict."""

    keys: tuple[Key, ...] = field(repr=False)
    identifier: bytes = field(repr=False)
    user_id: UUID | None
    device_id: UUID | None
    """The known device it comes from."""
    wait: timedelta | None = None
    """Set when it may not be made."""

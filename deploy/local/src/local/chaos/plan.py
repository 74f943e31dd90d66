"""What goes wrong and when: a pure function of a seed and a length, so that a run can be asked for again.

The same seed gives the same strikes at the same seconds. What they meet is not the same: processes and servers take
their own time, so two runs of one plan interleave differently.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from local.plan import WORKERS
from local.state import SERVICES

PROCESSES: Final = ("gateway", *SERVICES, *WORKERS)
SERVERS: Final = ("postgres", "rabbitmq", "redis")
OUTSIDE: Final = ("linkedin", "whatsapp", "mailbox", "stripe")
CLOCK: Final = "clock"

_CALM: Final = 2.0  # seconds before the first strike and after the last
_AT_SERVERS: Final = (
    *((server, what) for server in SERVERS for what in ("killed", "stopped", "frozen")),
    ("redis", "flushed"),
)
_AT_OUTSIDE: Final = ("slow", "refusing", "lying", "all at once")
_DOWN: Final = {"postgres": 3.0, "rabbitmq": 4.0, "redis": 3.0}  # the longest a server stays away


@dataclass(frozen=True, slots=True, order=True)
class Strike:
    """One thing that goes wrong: from when, whom it hits, what happens, for how long."""

    at: float
    target: str
    what: str
    lasts: float = 0.0
    seed: int = 0
    """What the sandbox draws by, where it is to misbehave."""

    def __str__(self) -> str:
        span = f" for {self.lasts:.1f} s" if self.lasts else ""
        return f"{self.target} {self.what}{span}"


def draw(seed: int, seconds: float) -> tuple[Strike, ...]:
    """All strikes of a run, in the order of their times; a longer run of the same seed begins alike."""
    end = seconds - _CALM
    tracks = [
        _at_servers(Random(f"{seed}/servers")),
        _at_processes(Random(f"{seed}/processes")),
        _at_the_clock(Random(f"{seed}/clock")),
        *(_outside(Random(f"{seed}/{member}"), member) for member in OUTSIDE),
    ]
    return tuple(sorted(strike for track in tracks for strike in _until(track, end)))


def _until(track: Iterator[Strike], end: float) -> Iterator[Strike]:
    for strike in track:
        if strike.at + strike.lasts > end:
            return
        yield strike


def _at_servers(random: Random) -> Iterator[Strike]:
    """One server at a time, each way of failing once before any comes again."""
    at = _CALM
    while True:
        for server, what in _shuffled(random, _AT_SERVERS):
            at += random.uniform(1.0, 4.0)
            lasts = 0.0 if what == "flushed" else random.uniform(0.3, _DOWN[server])
            yield Strike(round(at, 1), server, what, round(lasts, 1))
            at += lasts


def _at_processes(random: Random) -> Iterator[Strike]:
    """Each process once before any comes again; most are killed, some only stand still for a while."""
    at = _CALM
    while True:
        for process in _shuffled(random, PROCESSES):
            at += random.uniform(1.0, 5.0)
            frozen = random.random() < 0.3
            lasts = random.uniform(0.5, 6.0) if frozen else 0.0
            yield Strike(round(at, 1), process, "frozen" if frozen else "killed", round(lasts, 1))


def _at_the_clock(random: Random) -> Iterator[Strike]:
    at = 10.0
    while True:
        at += random.uniform(5.0, 25.0)
        yield Strike(round(at, 1), CLOCK, f"moved by {random.randint(20, 200)} s")
        at += 20.0


def _outside(random: Random, member: str) -> Iterator[Strike]:
    at = _CALM
    while True:
        for what in _shuffled(random, _AT_OUTSIDE):
            at += random.uniform(0.5, 5.0)
            lasts = random.uniform(3.0, 10.0)
            yield Strike(round(at, 1), member, what, round(lasts, 1), random.randrange(10**6))
            at += lasts


def _shuffled(random: Random, what: Sequence[str] | Sequence[tuple[str, str]]) -> list:  # type: ignore[type-arg]
    deck = list(what)
    random.shuffle(deck)
    return deck

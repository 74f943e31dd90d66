"""What one request is counted by: the limits of a policy as numbers, and what they say."""

from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from gateway.policy import Rate

MICRO = 1_000_000


class Whose(NamedTuple):
    """Whom a request is counted for; what is not known is empty and counts for nobody."""

    address: str
    user: str = ""
    organization: str = ""
    credential: str = ""


class Limit:
    """A rate as numbers of microseconds, ready for arithmetic and for the headers.

    `interval` is what one unit takes, `takes` what this request does, `window` how much may be taken ahead.
    """

    __slots__ = ("burst", "interval", "name", "per", "policy", "takes", "window")

    def __init__(self, rate: Rate, *, cost: int = 1, scale: float = 1.0, share: int = 1) -> None:
        burst = max(1, round(rate.burst * scale))
        self.name = rate.name.encode()
        self.per = Whose._fields.index(rate.per)
        self.burst = max(1, burst // share)
        self.interval = ceil(rate.period * MICRO / burst) * share
        self.takes = self.interval * min(cost, self.burst)
        self.window = self.interval * self.burst
        self.policy = b'"%s";q=%d;w=%d' % (self.name, burst, ceil(rate.period))


class Tally:
    """The limits by which one request is counted, with everything that never changes about them.

    What a request costs is taken from the limits that always count; the classes of its own route take one.
    """

    __slots__ = ("_names", "arguments", "limits", "policies", "shared")

    def __init__(
        self, general: list[Rate], own: list[Rate], cost: int, prefix: str, *, scale: float, share: int
    ) -> None:
        def limits(share: int) -> list[Limit]:
            return [
                *(Limit(rate, cost=cost, scale=scale, share=share) for rate in general),
                *(Limit(rate, scale=scale, share=share) for rate in own),
            ]

        self.limits, self.shared = limits(1), limits(share)
        self.policies = b"ratelimit-policy: %b\r\n" % b", ".join(limit.policy for limit in self.limits)
        """The header line that tells of all limits."""
        self.arguments = [len(self.limits), *(number for each in self.limits for number in (each.takes, each.window))]
        self._names = [(f"{prefix}{limit.name.decode()}:", limit.per) for limit in self.limits]

    def keys(self, whose: Whose) -> list[str]:
        """The Redis keys of the limits, each naming whom it counts."""
        return [name + whose[per] for name, per in self._names]


@dataclass(slots=True)
class Verdict:
    """What the limits say of one request; `retry_after` is 0 when it may pass."""

    retry_after: int
    limit: Limit
    remaining: int
    resets_in: int
    epoch: int | None = None
    session_revoked: bool = False
    local: bool = False

    def lines(self, policies: bytes) -> bytes:
        """`RateLimit` tells of the tightest limit, `RateLimit-Policy` of all that applied."""
        return b'%bratelimit: "%b";r=%d;t=%d\r\n' % (policies, self.limit.name, self.remaining, self.resets_in)

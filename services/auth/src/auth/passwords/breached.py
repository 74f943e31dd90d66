"""Whether a password has leaked, asked of a range API (as Have I Been Pwned has it) without telling the password.

Only the first five digits of the SHA-1 leave, and a padded list of those that begin alike comes back. Whoever cannot
be reached refuses nobody.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from kit.http.client import Call, NotSent, Outbound, Refused, Unanswered
from kit.telemetry import metrics

ASKED = metrics.counter("auth_breached_passwords_total", "Passwords looked up in the range API", ("outcome",))

_DIGITS: Final = 5
_PATIENCE: Final = 1.5


@dataclass(frozen=True, slots=True)
class BreachedPasswords:
    """A range API at `{url}/{first five digits}`."""

    outbound: Outbound
    url: str

    async def holds(self, password: str) -> bool:
        """Whether it is known to have leaked; no when nobody can say. To be asked with no transaction open."""
        digest = hashlib.sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest().upper()
        try:
            answer = await self.outbound.send(
                Call(
                    "GET",
                    f"{self.url.rstrip('/')}/{digest[:_DIGITS]}",
                    {"add-padding": "true", "user-agent": "rostrum-auth"},
                    deadline=_PATIENCE,
                    attempts=2,
                )
            )
        except (NotSent, Unanswered, Refused):
            ASKED.labels("unanswered").inc()
            return False
        found = _stands_in(answer.body.decode("ascii", "replace"), digest[_DIGITS:])
        ASKED.labels("breached" if found else "clean").inc()
        return found


def _stands_in(lines: str, suffix: str) -> bool:
    """Whether a line `SUFFIX:count` is there; padding has the count 0."""
    for line in lines.splitlines():
        found, _, count = line.strip().partition(":")
        if found.upper() == suffix and count.strip() != "0":
            return True
    return False

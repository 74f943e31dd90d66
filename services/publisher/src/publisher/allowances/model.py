"""What plans include of the publisher's work."""

from datetime import datetime, timedelta
from typing import Final

from kit.quota import Meter, Quota
from publisher.posts.when import When

ACCOUNTS: Final = Meter("connected_accounts", before_first=3, held=True, says="connected accounts")
POSTS: Final = Meter("posts_per_month", before_first=30, says="posts a month")
"""One post counts once, to however many accounts it goes, in the month in which it was scheduled.

Until billing has spoken, as many as the smallest plan has.
"""

QUOTA: Final = Quota([ACCOUNTS, POSTS])

KEPT: Final = timedelta(days=31)
"""How long after its time what is set aside for a post stands: it may have to wait for a person."""


def life(when: When, now: datetime) -> timedelta:
    """For how long an amount is set aside for a post that leaves then."""
    return max(when.at - now, timedelta(0)) + KEPT

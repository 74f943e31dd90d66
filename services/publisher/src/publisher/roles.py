"""Who may do what here."""

from typing import Final

from contracts.names import MANAGERS, TEAM

CONNECTS: Final = tuple(sorted(MANAGERS))
"""Who connects and disconnects accounts."""

POSTS: Final = tuple(sorted(MANAGERS | {"editor"}))
"""Who writes, schedules and cancels posts, and decides on those that nobody could confirm."""

READS: Final = tuple(sorted(TEAM))
"""Who sees accounts and posts."""

"""What plans include of the inbox's work."""

from datetime import timedelta
from typing import Final

from kit.quota import Meter, Quota

MESSAGES: Final = Meter("messages_per_month", before_first=500, says="messages a month")
"""Each message that a platform carries for us counts, in the month in which it was written: one of three parts is
three. What people write to us never counts.

Until billing has spoken, as many as the smallest plan has.
"""

QUOTA: Final = Quota([MESSAGES])

KEPT: Final = timedelta(days=31)
"""How long what is set aside for a message stands: it may have to wait for its contact, or for a token."""

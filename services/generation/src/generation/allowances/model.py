"""What plans include of generation."""

from typing import Final

from kit.quota import Meter, Quota

GENERATIONS: Final = Meter("generations_per_month", before_first=20, says="generations a month")
"""One generation counts once, however many texts and calls it takes; what fails counts nothing.

Until billing has spoken, as many as the smallest plan has.
"""

QUOTA: Final = Quota([GENERATIONS])

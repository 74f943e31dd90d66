"""What WhatsApp tells of how fast, and to how many people, a number may write, in our words."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from inbox.channels.base import Standing

RATES: Final[Mapping[str, int]] = {"STANDARD": 80, "HIGH": 1000}
"""Messages per second by the level of throughput."""
COEXISTING: Final = 20
"""Messages per second of a number that is also used in WhatsApp's own app; no level raises it."""
PAIR_BURST: Final = 45
"""Messages that one number may send to one person at once; each borrows six seconds of what may follow."""
PAIR_WITHIN: Final = timedelta(seconds=6 * PAIR_BURST)
"""So many within this time, and never more, keep one in six seconds with that burst, from wherever one counts."""
QUALITIES: Final = frozenset({"GREEN", "YELLOW", "RED", "UNKNOWN"})
_TIERS: Final[Mapping[str, int]] = {
    "TIER_50": 50,
    "TIER_250": 250,
    "TIER_1K": 1000,
    "TIER_2K": 2000,
    "TIER_10K": 10_000,
    "TIER_100K": 100_000,
    "TIER_UNLIMITED": 0,
}
_MOST: Final = 2_000_000_000


def limit_of(told: object) -> int | None:
    """People within 24 hours, told as a tier or as a number; 0 is no limit, None that nothing is told."""
    if isinstance(told, str):
        return _TIERS[told] if told in _TIERS else limit_of(int(told)) if _whole(told) else None
    if isinstance(told, int) and not isinstance(told, bool):
        return 0 if told == -1 else told if 0 < told <= _MOST else None
    return None


def standing_of(number: Mapping[str, Any], owner: str) -> Standing:
    """From a number as it is read, and the portfolio of its account."""
    throughput, quality = number.get("throughput"), number.get("quality_rating")
    coexists = number.get("is_on_biz_app")
    level = throughput.get("level") if isinstance(throughput, dict) else None
    rate = RATES.get(level) if isinstance(level, str) else None
    told = number.get("whatsapp_business_manager_messaging_limit", number.get("messaging_limit_tier"))
    return Standing(
        rate=COEXISTING if coexists is True else rate,
        coexists=coexists if isinstance(coexists, bool) else None,
        quality=quality if quality in QUALITIES else None,
        daily_limit=limit_of(told),
        portfolio=owner or None,
    )


def _whole(told: str) -> bool:
    return told == "-1" or (told.isascii() and told.isdigit() and len(told) <= 10)

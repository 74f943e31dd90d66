"""What is wrong with a draft, before anybody sends it anywhere."""

from dataclasses import dataclass

from postrules.limits import LIMITS, Platform
from postrules.measure import counted


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that a platform would refuse; `pointer` is a JSON Pointer within the draft."""

    pointer: str
    detail: str


def check(platform: Platform, text: str) -> list[Fault]:
    """What this platform would refuse in a text-only draft; nothing when it may go."""
    if not text.strip():
        return [Fault("/text", f"{NAMES[platform]} takes no empty post.")]
    limit = LIMITS[platform].text
    length = counted(platform, text)
    if length > limit.value:
        return [Fault("/text", f"{NAMES[platform]} takes {limit.value:,.0f} characters; these are {length:,}.")]
    return []


NAMES = {Platform.LINKEDIN: "LinkedIn"}
"""How a platform calls itself."""

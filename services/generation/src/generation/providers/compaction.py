"""Prompts without what costs and says nothing: repeated lines, runs of space, what addresses carry to count visitors.

What is left out is counted in tokens as providers usually have them for European languages, four bytes each; what a
call really took is what its provider says.
"""

import re
from typing import Final

_SPACES: Final = re.compile(r"[ \t\u00a0]{2,}")
_LINES: Final = re.compile(r"\n(?:[ \t]*\n){2,}")
_TRACKING: Final = re.compile(
    r"(?<=[?&])(?:utm_[a-z]+|fbclid|gclid|mc_[a-z]+|igshid|msclkid)=[^\s&#\"')\]]*&?", re.IGNORECASE
)
_DANGLING: Final = re.compile(r"(https?://[^\s?]+)\?(?=[\s#\"')\]]|$)")
LEAST: Final = 20
"""Letters of a line below which it may stand there twice: a rule, a bullet, a refrain."""


def compact(text: str) -> str:
    """The same material in fewer words; nothing that is said once goes."""
    text = _DANGLING.sub(r"\1", _TRACKING.sub("", text))
    text = _SPACES.sub(" ", text.replace("\r\n", "\n"))
    seen: set[str] = set()
    kept = []
    for line in text.split("\n"):
        said = line.strip().casefold()
        if len(said) >= LEAST and said in seen:
            continue
        seen.add(said)
        kept.append(line.rstrip())
    return _LINES.sub("\n\n", "\n".join(kept)).strip()


def tokens(text: str) -> int:
    """About how many tokens a text has."""
    return (len(text.encode(errors="replace")) + 3) // 4


def left_out(before: str, after: str) -> int:
    """About how many tokens shorter it is."""
    return max(0, tokens(before) - tokens(after))

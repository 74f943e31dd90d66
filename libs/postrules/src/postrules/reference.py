"""The page of the documentation that shows every limit; written from the data files."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from postrules import words
from postrules.limits import LIMITS, RULES, Limit, Limits

PAGE: Final = Path("docs/platform-limits.md")
_HEAD: Final = """# What each platform accepts

Written by `make docs` from `libs/postrules/src/postrules/data`; change the data, not this page.

*Confirmed* was read in the platform's own documentation, *reported* in that of others or in working tools, *assumed*
is our choice. Where sources disagree the stricter stands here and the note says so. What a platform tells of itself
(quotas, what a creator may do) is read at run time and comes before what stands here.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(line for limits in LIMITS.values() for line in _section(limits))])


def _section(limits: Limits) -> Iterator[str]:
    yield f"## {limits.name}\n"
    yield "| what | for | value | sure | source, as of | note |"
    yield "|---|---|---|---|---|---|"
    order = list(RULES)
    rules = sorted(limits, key=lambda limit: (order.index(limit.rule), limit.kind, limit.account))
    for _, same in groupby(rules, key=lambda limit: limit.rule):
        yield from (_row(limit) for limit in same)
    yield ""


def _row(limit: Limit) -> str:
    scope = " ".join(filter(None, (limit.account, limit.kind))) or "all"
    source = f"{limit.source}, {limit.as_of.isoformat()}"
    cells = (RULES[limit.rule], scope, words.of(limit), limit.confidence, source, limit.note)
    return (
        "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;") for cell in cells) + " |"
    )


def main() -> None:
    """Write the page, from the root of the repository."""
    PAGE.write_text(page(), encoding="utf-8")

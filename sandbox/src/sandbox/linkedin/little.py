"""LinkedIn's "little" text format: what a reader of the post sees, and where the writer forgot to escape."""

import re

RESERVED = "|{}@[]()<>#\\*_~"

_PIECE = re.compile(
    r"""
      \\(?P<escaped>[|{}@\[\]()<>\#\\*_~])
    | @\[(?P<name>(?:\\.|[^\\\]\[])*)\]\((?P<urn>urn:li:(?:person|organization):[^()\s]+)\)
    | \{hashtag\|(?:\\?[#\uff03])\|(?P<tag>(?:\\.|[^\\|{}])+)\}
    | (?P<hashtag>[#\uff03]\w+)
    | (?P<plain>[^|{}@\[\]()<>\#\\*_~]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def render(commentary: str) -> tuple[str, int | None]:
    """What a reader sees, up to the place of the first reserved character that stands unescaped, if there is one."""
    seen: list[str] = []
    at = 0
    while at < len(commentary):
        piece = _PIECE.match(commentary, at)
        if piece is None:
            return "".join(seen), at
        seen.append(_seen(piece))
        at = piece.end()
    return "".join(seen), None


def _seen(piece: re.Match[str]) -> str:
    kind = piece.lastgroup
    text = piece.group(kind or 0)
    if kind == "urn":
        return _ESCAPED.sub(r"\1", piece["name"])
    if kind == "tag":
        return "#" + _ESCAPED.sub(r"\1", text)
    return text

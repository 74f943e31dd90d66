"""GIF without what nobody sees: comments, foreign extensions, and whatever follows its end."""

from collections.abc import Iterator
from typing import Final

from publisher.media.workshop.verdict import Unfit

_LOOPS: Final = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_TRUNCATED: Final = Unfit("truncated", "The picture ends before it is complete; upload it again.")


def cleaned(content: bytes) -> bytes:
    """The same pictures, and how often they are repeated.

    Raises:
        Unfit: it ends too early, or is not made as it should be.
    """
    return b"".join(_parts(content))


def _parts(content: bytes) -> Iterator[bytes]:
    at = 13 + _table(content[10])
    yield content[:at]
    while True:
        mark = content[at : at + 1]
        if mark == b";":
            yield mark
            return
        if mark == b"!":
            end = _after_blocks(content, at + 2)
            if content[at + 1] == 0xF9 or (content[at + 1] == 0xFF and content[at + 3 : at + 14] in _LOOPS):
                yield content[at:end]
        elif mark == b"," and len(content) > at + 10:
            end = _after_blocks(content, at + 10 + _table(content[at + 9]) + 1)
            yield content[at:end]
        elif mark:
            raise Unfit("damaged", "The picture is damaged; save it anew and upload that.")
        else:
            raise _TRUNCATED
        at = end


def _table(flags: int) -> int:
    """Bytes of a table of colours."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(content: bytes, at: int) -> int:
    while at < len(content):
        size = content[at]
        at += size + 1
        if not size:
            return at
    raise _TRUNCATED

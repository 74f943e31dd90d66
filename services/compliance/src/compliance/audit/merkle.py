"""A Merkle tree that grows (RFC 6962), kept in tiles: plain functions of hashes.

A tile is a row of up to 256 hashes (C2SP tlog-tiles, height 8): at level 0 the hashes of entries, at level 1 those of
complete subtrees of 256 entries, and so on. A hash once written never changes; only the last tile of a level grows.
All other nodes are computed from these: a proof in a tree of a million entries needs three tiles.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, TypeAlias

HASH: Final = 32
HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
EMPTY: Final = sha256(b"").digest()

TileId: TypeAlias = tuple[int, int]
"""Level and number."""
Tiles: TypeAlias = Mapping[TileId, bytes]
Span: TypeAlias = tuple[int, int]
"""From this entry to before that one."""


class TileMissing(LookupError):
    """A hash that must be there is not: tiles were lost or cut."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of an entry."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def inclusion(index: int, size: int) -> list[Span]:
    """The spans whose hashes prove that an entry is in a tree of that size, from the bottom up (RFC 6962, 2.1.1)."""
    low, high, spans = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    return spans[::-1]


def consistency(size: int, later: int) -> list[Span]:
    """The spans whose hashes prove that the later tree begins with the earlier one (RFC 6962, 2.1.2)."""
    if size in (0, later):
        return []
    low, high, spans = 0, later, []
    while size != high:
        middle = low + _split(high - low)
        if size <= middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    if low:  # else the verifier knows this subtree: it is the earlier tree itself
        spans.append((low, high))
    return spans[::-1]


def tiles_of(spans: Iterable[Span]) -> set[TileId]:
    """The tiles from which the hashes of these spans are computed."""
    return {_place(height, index)[0] for span in spans for height, index in _subtrees(span)}


def edge_of(size: int) -> list[TileId]:
    """The tiles at the right edge that are not full: what one needs to append, and to know the root."""
    levels = range((size.bit_length() + HEIGHT - 1) // HEIGHT)
    return [(level, size >> HEIGHT * (level + 1)) for level in levels if (size >> HEIGHT * level) % WIDTH]


@dataclass(slots=True)
class Tree:
    """Computes hashes from tiles; the nodes within a tile are computed at its first use."""

    tiles: Tiles
    _rows: dict[TileId, list[list[bytes]]] = field(default_factory=dict)

    def hashes(self, spans: Iterable[Span]) -> list[bytes]:
        """The hash of each span.

        Raises:
            TileMissing: one of the tiles is not there, or is shorter than it was.
        """
        return [self.hash(span) for span in spans]

    def hash(self, span: Span) -> bytes:
        """The hash of a span, which begins where a subtree of its size may.

        Raises:
            TileMissing: one of the tiles is not there, or is shorter than it was.
        """
        if span[0] == span[1]:
            return EMPTY
        *others, found = [self._subtree(height, index) for height, index in _subtrees(span)]
        for left in reversed(others):
            found = node_hash(left, found)
        return found

    def _subtree(self, height: int, index: int) -> bytes:
        tile, offset = _place(height, index)
        if tile not in self._rows:
            self._rows[tile] = _rows(self.tiles.get(tile, b""))
        row, within = self._rows[tile][height % HEIGHT], offset >> height % HEIGHT
        if within >= len(row):
            raise TileMissing(f"tile {tile}, hash {offset}")
        return row[within]


@dataclass(frozen=True, slots=True)
class Grown:
    """A tree after appending: its size and root, and the tiles that are new or longer."""

    size: int
    root: bytes
    tiles: Mapping[TileId, bytes]


def append(edge: Tiles, size: int, leaves: Sequence[bytes]) -> Grown:
    """Append the hashes of entries to a tree, of which only the edge need be known.

    Raises:
        TileMissing: the edge is not there, or is shorter than it was.
    """
    written: dict[TileId, bytes] = {}
    level, count, added = 0, size, list(leaves)
    while added:
        carried = []
        for start in range(count - count % WIDTH, count + len(added), WIDTH):
            tile = (level, start >> HEIGHT)
            known = edge.get(tile, b"")[: HASH * (count - start)] if start < count else b""
            if len(known) != HASH * max(0, count - start):
                raise TileMissing(f"tile {tile}")
            taken = added[max(0, start - count) : start + WIDTH - count]
            written[tile] = known + b"".join(taken)
            if len(written[tile]) == WIDTH * HASH:
                carried.append(_rows(written[tile])[HEIGHT][0])
        level, count, added = level + 1, count >> HEIGHT, carried
    grown = size + len(leaves)
    return Grown(grown, Tree({**edge, **written}).hash((0, grown)), written)


def _split(count: int) -> int:
    """The largest power of two below a count of two or more."""
    return 1 << (count - 1).bit_length() - 1


def _subtrees(span: Span) -> list[tuple[int, int]]:
    """The complete subtrees of a span from left to right, each as height and index."""
    start, end = span
    found = []
    for height in range((end - start).bit_length() - 1, -1, -1):
        if (end - span[0]) >> height & 1:
            found.append((height, start >> height))
            start += 1 << height
    return found


def _rows(tile: bytes) -> list[list[bytes]]:
    """The complete nodes of a tile, row by row, from its hashes up to the one that stands for all."""
    rows = [[tile[start : start + HASH] for start in range(0, len(tile) - len(tile) % HASH, HASH)]]
    for _ in range(HEIGHT):
        below = rows[-1]
        rows.append([sha256(b"\x01" + left + right).digest() for left, right in zip(below[::2], below[1::2])])  # noqa: B905 - a node without a neighbour is not complete
    return rows


def _place(height: int, index: int) -> tuple[TileId, int]:
    """The tile with the first of the hashes below a node, and where in it that stands."""
    first = index << height % HEIGHT
    return (height // HEIGHT, first >> HEIGHT), first % WIDTH

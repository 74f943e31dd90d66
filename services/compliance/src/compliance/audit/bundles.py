"""What is exported: NDJSON that can be checked without asking anybody (see docs/howto/verify-the-audit-trail.md)."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from compliance.audit.merkle import Span, Tiles, Tree
from compliance.audit.model import Stretch
from compliance.audit.notes import Signer, b64


def written(
    signer: Signer,
    stretch: Stretch,
    spans: Sequence[Sequence[Span]],
    tiles: Tiles,
    older: tuple[int, Sequence[bytes]] | None,
) -> str:
    """A bundle: signed header, entries with their proofs, and an end with the signed checkpoint."""
    return "".join(json.dumps(part) + "\n" for part in _parts(signer, stretch, spans, Tree(tiles), older))


def _parts(
    signer: Signer,
    stretch: Stretch,
    spans: Sequence[Sequence[Span]],
    tree: Tree,
    older: tuple[int, Sequence[bytes]] | None,
) -> Iterator[dict[str, Any]]:
    yield {"type": "header", "note": signer.header(stretch)}
    for entry, needed in zip(stretch.entries, spans, strict=True):
        yield {
            "type": "entry",
            "position": entry.position,
            "leaf": entry.leaf.decode("ascii"),
            "proof": [b64(each) for each in tree.hashes(needed)],
        }
    end: dict[str, Any] = {"type": "end", "checkpoint": stretch.checkpoint.note}
    if older is not None:
        end["consistency"] = {"from_size": older[0], "proof": [b64(each) for each in older[1]]}
    yield end

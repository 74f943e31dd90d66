"""An honest log, and bundles of it, made in the plainest way: by the definitions of RFC 6962, without any tiles."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rostrum_verifier import Key, leaf_hash

ORIGIN = "rostrum.test/audit"
OURS, THEIRS = UUID(int=1), UUID(int=2)


def root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    k = _split(len(leaves))
    return sha256(b"\x01" + root(leaves[:k]) + root(leaves[k:])).digest()


def path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962, 2.1.1."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*path(index, leaves[:k]), root(leaves[k:])]
    return [*path(index - k, leaves[k:]), root(leaves[:k])]


def proof(size: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PROOF of RFC 6962, 2.1.2."""
    return [] if size in (0, len(leaves)) else _subproof(size, leaves, known=True)


def _subproof(size: int, leaves: Sequence[bytes], *, known: bool) -> list[bytes]:
    if size == len(leaves):
        return [] if known else [root(leaves)]
    k = _split(len(leaves))
    if size <= k:
        return [*_subproof(size, leaves[:k], known=known), root(leaves[k:])]
    return [*_subproof(size - k, leaves[k:], known=False), root(leaves[:k])]


def _split(n: int) -> int:
    return 1 << (n - 1).bit_length() - 1


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


@dataclass(slots=True)
class Log:
    """A log with the key that signs it."""

    origin: str = ORIGIN
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    leaves: list[bytes] = field(default_factory=list)
    counts: dict[UUID, int] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return Key(self.origin, self.private.public_key().public_bytes_raw())

    def record(self, organization: UUID, **said: Any) -> None:
        self.counts[organization] = self.counts.get(organization, 0) + 1
        self.leaves.append(entry(organization, self.counts[organization], **said))

    def sign(self, text: str) -> str:
        signature = self.key.hash + self.private.sign(text.encode())
        return f"{text}\n— {self.origin} {b64(signature)}\n"

    def checkpoint(self, size: int | None = None) -> str:
        size = len(self.leaves) if size is None else size
        return self.sign(f"{self.origin}\n{size}\n{b64(root(self.leaves[:size]))}\n")

    def bundle(
        self,
        organization: UUID = OURS,
        *,
        first: int = 1,
        last: int | None = None,
        size: int | None = None,
        older_size: int | None = None,
    ) -> list[dict[str, Any]]:
        """The lines of a bundle, as objects that a test may doctor."""
        leaves = self.leaves[:size]
        own = [(place, leaf) for place, leaf in enumerate(leaves) if f'"{organization}"'.encode() in leaf]
        newest = len(own)
        last = newest if last is None else last
        header = (
            f"rostrum-audit-bundle/v1\n{self.origin}\norganization {organization}\n"
            f"sequences {first} {last} of {newest}\ncount {last - first + 1}\n"
            f"checkpoint {len(leaves)} {b64(root(leaves))}\n"
        )
        end: dict[str, Any] = {"type": "end", "checkpoint": self.checkpoint(len(leaves))}
        if older_size is not None:
            end["consistency"] = {"from_size": older_size, "proof": [*map(b64, proof(older_size, leaves))]}
        return [
            {"type": "header", "note": self.sign(header)},
            *(
                {
                    "type": "entry",
                    "position": place,
                    "leaf": leaf.decode(),
                    "proof": [*map(b64, path(place, leaves))],
                }
                for place, leaf in own[first - 1 : last]
            ),
            end,
        ]


def entry(organization: UUID, sequence: int, **said: Any) -> bytes:
    whole = {"action": "auth.member.added", "organization": str(organization), "sequence": sequence, "v": 1, **said}
    return json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()


def lines(parts: Sequence[dict[str, Any]]) -> list[str]:
    return [json.dumps(part) for part in parts]


def filled(ours: int = 20, theirs: int = 13) -> Log:
    """A log of two organizations, entry by entry in turns."""
    log = Log()
    for turn in range(max(ours, theirs)):
        if turn < theirs:
            log.record(THEIRS, number=turn)
        if turn < ours:
            log.record(OURS, number=turn)
    return log

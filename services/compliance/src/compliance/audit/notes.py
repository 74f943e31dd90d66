"""What the log signs: checkpoints and headers of bundles, as signed notes.

https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint
"""

import base64
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance.audit.model import Stretch

ED25519: Final = b"\x01"


def b64(value: bytes) -> str:
    """Base64 as notes write it."""
    return base64.b64encode(value).decode("ascii")


def key_hash(origin: str, public: bytes) -> bytes:
    """The four bytes by which a signature names its key."""
    return sha256(origin.encode() + b"\n" + ED25519 + public).digest()[:4]


def verifier_key(origin: str, public: bytes) -> str:
    """The public key in the form that is pinned: name, hash and key."""
    return f"{origin}+{key_hash(origin, public).hex()}+{b64(ED25519 + public)}"


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs for the log of this name."""

    origin: str
    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> bytes:
        """The public half."""
        return self.private.public_key().public_bytes_raw()

    @property
    def id(self) -> str:
        """The name of the key."""
        return key_hash(self.origin, self.public).hex()

    def checkpoint(self, size: int, root: bytes) -> str:
        """Sign that the log has this many entries and this root."""
        return self._note(f"{self.origin}\n{size}\n{b64(root)}\n")

    def header(self, stretch: Stretch) -> str:
        """Sign which entries a bundle holds: neither its beginning nor its end can be cut off unnoticed.

        The first line is no origin, so that it can never be taken for a checkpoint.
        """
        return self._note(
            f"rostrum-audit-bundle/v1\n{self.origin}\norganization {stretch.organization_id}\n"
            f"sequences {stretch.first} {stretch.last} of {stretch.newest}\n"
            f"count {stretch.last - stretch.first + 1}\n"
            f"checkpoint {stretch.checkpoint.size} {b64(stretch.checkpoint.root)}\n"
        )

    def _note(self, text: str) -> str:
        signature = key_hash(self.origin, self.public) + self.private.sign(text.encode())
        return f"{text}\n— {self.origin} {b64(signature)}\n"

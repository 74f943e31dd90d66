"""Checks an exported audit trail of Rostrum, offline, trusting nothing but a public key that you pinned."""

from rostrum_verifier.bundle import Bundle, Checked, check, continues, read
from rostrum_verifier.log import Checkpoint, Key, Rejected, consistent, included, leaf_hash, opened

__all__ = [
    "Bundle",
    "Checked",
    "Checkpoint",
    "Key",
    "Rejected",
    "check",
    "consistent",
    "continues",
    "included",
    "leaf_hash",
    "opened",
    "read",
]

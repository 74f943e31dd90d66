"""A log that can only grow: Merkle proofs (RFC 6962, RFC 9162), signed notes and checkpoints (C2SP).

https://www.rfc-editor.org/rfc/rfc9162#name-merkle-trees
https://c2sp.org/signed-note
https://c2sp.org/tlog-checkpoint
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HASH: Final = 32
ED25519: Final = b"\x01"
LARGEST_NOTE: Final = 65_536
LONGEST_PROOF: Final = 64
EMPTY: Final = sha256(b"").digest()

_NUMBER: Final = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")
_NAME: Final = re.compile(r"[!-*,-~]{1,200}\Z")  # printable ASCII, neither space nor plus
_SIGNATURE: Final = re.compile(r"— ([^ +]+) ([A-Za-z0-9+/=]+)\Z")


class Rejected(Exception):
    """What was shown does not hold; the words say what and where."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of an entry."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows that the leaf with this hash is the one at `index` of the tree (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or len(proof) > LONGEST_PROOF or not _all_hashes(leaf, root, *proof):
        return False
    here, end, found = index, size - 1, leaf
    for each in proof:
        if end == 0:
            return False
        if here & 1 or here == end:
            found = node_hash(each, found)
            while here and not here & 1:
                here, end = here >> 1, end >> 1
        else:
            found = node_hash(found, each)
        here, end = here >> 1, end >> 1
    return end == 0 and found == root


def consistent(size: int, root: bytes, later: int, later_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the later tree begins with the earlier one (RFC 9162, 2.1.4.2).

    An empty tree proves nothing.
    """
    if size == later:
        return size > 0 and not proof and root == later_root
    if not 0 < size < later or not 0 < len(proof) <= LONGEST_PROOF or not _all_hashes(root, later_root, *proof):
        return False
    path = [root, *proof] if size & (size - 1) == 0 else list(proof)
    here, end = size - 1, later - 1
    while here & 1:
        here, end = here >> 1, end >> 1
    old = new = path[0]
    for each in path[1:]:
        if end == 0:
            return False
        if here & 1 or here == end:
            old, new = node_hash(each, old), node_hash(each, new)
            while here and not here & 1:
                here, end = here >> 1, end >> 1
        else:
            new = node_hash(new, each)
        here, end = here >> 1, end >> 1
    return end == 0 and old == root and new == later_root


def _all_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH for value in values)


@dataclass(frozen=True, slots=True)
class Key:
    """A pinned public key, under the name of the log that it signs for."""

    name: str
    public: bytes

    @classmethod
    def from_text(cls, text: str) -> "Key":
        """Read `name+hash+base64`, the verifier key of the signed-note format.

        Raises:
            ValueError: it is not one, or its hash does not fit its key.
        """
        name, _, rest = text.strip().partition("+")
        told, _, encoded = rest.partition("+")
        try:
            data = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise ValueError("a key reads name+hash+base64") from error
        if not _NAME.match(name) or data[:1] != ED25519 or len(data) != 1 + HASH:
            raise ValueError("a key reads name+hash+base64, with an Ed25519 key of 32 bytes")
        key = cls(name, data[1:])
        if told != key.hash.hex():
            raise ValueError("the hash of the key does not fit the key: was it copied whole?")
        return key

    @property
    def hash(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.hash.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"

    def has_signed(self, text: bytes, signature: bytes) -> bool:
        """Whether the signature over the text is by this key."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


def opened(note: str, keys: Sequence[Key]) -> tuple[str, Key]:
    """The text of a signed note and the pinned key that signed it; signatures by others are passed over.

    Raises:
        Rejected: no pinned key has signed it, or one of them that is named has not.
    """
    if len(note) > LARGEST_NOTE or any(ord(letter) < ord(" ") and letter != "\n" for letter in note):
        raise Rejected("this is no signed note")
    body, gap, signatures = note.rpartition("\n\n")
    if not gap or not signatures.endswith("\n"):
        raise Rejected("this is no signed note")
    text, signer = body + "\n", None
    for line in signatures.removesuffix("\n").split("\n"):
        signer = _signer(text, line, keys) or signer
    if signer is None:
        raise Rejected("no key that you pinned has signed this")
    return text, signer


def _signer(text: str, line: str, keys: Sequence[Key]) -> Key | None:
    """The pinned key that signed by this line, if the line names one."""
    parts = _SIGNATURE.match(line)
    if parts is None:
        raise Rejected("this is no signed note: a signature has another form")
    try:
        data = base64.b64decode(parts[2], validate=True)
    except binascii.Error as error:
        raise Rejected("this is no signed note: a signature is not base64") from error
    for key in keys:
        if (key.name, key.hash) == (parts[1], data[:4]):
            if not key.has_signed(text.encode(), data[4:]):
                raise Rejected(f"the signature of {key.name} does not fit the text")
            return key
    return None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the log has signed: this many entries, and the one root hash that stands for all of them."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def from_note(cls, note: str, keys: Sequence[Key]) -> "Checkpoint":
        """Open a signed checkpoint.

        Raises:
            Rejected: it is not signed by a pinned key of the log it speaks for, or is none.
        """
        text, key = opened(note, keys)
        lines = text.split("\n")
        if len(lines) < 4:
            raise Rejected("this is no checkpoint")
        origin, size, root = lines[0], number(lines[1]), unpacked(lines[2])
        if origin != key.name:
            raise Rejected(f"the checkpoint is of {origin}, and not of {key.name}")
        return cls(origin, size, root)


def number(text: str) -> int:
    """A number of entries or a place among them.

    Raises:
        Rejected: it is none, or is written in another way than the one.
    """
    if not _NUMBER.match(text):
        raise Rejected("a number is none")
    return int(text)


def unpacked(text: str) -> bytes:
    """A hash in base64.

    Raises:
        Rejected: it is none.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Rejected("a hash is not base64") from error
    if len(data) != HASH:
        raise Rejected("a hash has not 32 bytes")
    return data

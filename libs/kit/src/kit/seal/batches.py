"""Keys of many new subjects, made of one: a root stands for all of them until the first of them is forgotten.

The key of a member is BLAKE2b (RFC 7693) of the member's id, keyed by the root's. That id is the root's with
its place in the last 16 bits, and both the id of the key and that of the subject: what is sealed leads to the root,
and so does the name of the subject. Ids of batches are UUIDs of version 8 (RFC 9562), in order of time as others are.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final
from uuid import UUID

from asyncpg.pgproto import pgproto
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kit.ids import new_id
from kit.seal.model import FORM, KEY_BYTES, NONCE_BYTES, Key, Owner

MOST: Final = 8000
"""Members of one root: as many keys are written when one of them is forgotten."""

_PLACE: Final = 0xFFFF
_VERSION: Final = 0xF << 76
_OURS: Final = 0x8 << 76
_ROOT: Final = "-root"
_PURPOSE: Final = b"seal-member"


def new_root(organization_id: UUID, kind: str, count: int) -> Owner:
    """Whose the key of a new batch is: it tells of which kind its subjects are, and how many there are.

    Raises:
        ValueError: none, or too many for one batch.
    """
    if not 0 < count <= MOST:
        raise ValueError(f"a batch has 1 to {MOST} members")
    root_id = UUID(int=new_id().int & ~_VERSION & ~_PLACE | _OURS)
    return Owner.of(organization_id, f"{kind}{_ROOT}:{root_id}-{count:04x}")


def root_id_of(owner: Owner) -> UUID | None:
    """The id of the key of a batch; None for anybody else."""
    kind, _, told = owner.subject.partition(":")
    return UUID(told[:36]) if kind.endswith(_ROOT) else None


def root_of(key_id: UUID) -> UUID | None:
    """The root of which a key of this id may be made; None when it is of nobody's batch."""
    number = key_id.int
    return UUID(int=number & ~_PLACE) if number & _VERSION == _OURS and number & _PLACE else None


def member_id(owner: Owner) -> UUID | None:
    """The id of the key that a batch gave to a subject; None when it is of nobody's batch."""
    told = owner.subject.partition(":")[2]
    if len(told) != 36 or told[14] != "8":
        return None
    found = UUID(told)
    return None if root_of(found) is None else found


def member(root: Key, key_id: UUID) -> Key | None:
    """The key of one member; None when this is none of the batch."""
    kind, count = _read(root.owner)
    if root_of(key_id) != root.id or key_id.int & _PLACE > count:
        return None
    owner = Owner(root.owner.organization_id, f"{kind}:{UUID(int=key_id.int)}")
    return Key(key_id, owner, _made(root.plain, key_id.bytes))


def members(root: Key) -> Iterator[Key]:
    """The keys of all members."""
    for place in range(1, _read(root.owner)[1] + 1):
        key = member(root, UUID(int=root.id.int | place))
        if key is not None:
            yield key


@dataclass(frozen=True, slots=True)
class KeyBatch:
    """Keys of new subjects; sealing asks nobody and may be done in any one thread."""

    root: Key
    ids: Sequence[UUID]
    """The new subjects, in order: `contact:{id}` for the kind `contact`."""
    _aeads: list[AESGCM] = field(default_factory=list, repr=False)
    """The key of each of them, once it is needed: making it ready costs three times as much as sealing."""

    @classmethod
    def of(cls, root: Key) -> "KeyBatch":
        """What a root stands for."""
        first = root.id.bytes[:-2]
        return cls(
            root, [pgproto.UUID(first + place.to_bytes(2, "big")) for place in range(1, _read(root.owner)[1] + 1)]
        )

    def seal(self, places: Sequence[int], values: Sequence[bytes], where: bytes) -> list[bytes]:
        """Encrypt values that stand in the same column, each under the key of the member at its place in `ids`."""
        if not self._aeads:
            self._aeads.extend(map(AESGCM, _made_each(self.root.plain, self.ids)))
        bound, drawn = self.root.owner.tenant.bytes + where, os.urandom(NONCE_BYTES * len(values))
        sealed = []
        for at, place, value in zip(range(0, len(drawn), NONCE_BYTES), places, values, strict=True):
            head, nonce = FORM + self.ids[place].bytes, drawn[at : at + NONCE_BYTES]
            sealed.append(head + nonce + self._aeads[place].encrypt(nonce, value, head + bound))
        return sealed


def _made_each(root: bytes, ids: Sequence[UUID]) -> Iterator[bytes]:
    first = blake2b(key=root, digest_size=KEY_BYTES, person=_PURPOSE)
    for key_id in ids:
        its = first.copy()
        its.update(key_id.bytes)
        yield its.digest()


def _made(root: bytes, key_id: bytes) -> bytes:
    return blake2b(key_id, key=root, digest_size=KEY_BYTES, person=_PURPOSE).digest()


def _read(root: Owner) -> tuple[str, int]:
    kind, _, told = root.subject.partition(":")
    return kind.removesuffix(_ROOT), int(told[37:], 16)

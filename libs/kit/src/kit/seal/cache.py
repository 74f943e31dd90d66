import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final
from uuid import UUID

from kit.seal.batches import member, member_id, root_of
from kit.seal.model import Key, Owner

KEEP_FOR: Final = 300.0
KEEP_AT_MOST: Final = 10_000


class KeyCache:
    """Keys in use, by id and by owner; the least used leave first, and none stays longer than five minutes."""

    def __init__(
        self, keep_for: float = KEEP_FOR, at_most: int = KEEP_AT_MOST, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._keep_for, self._at_most, self.now = keep_for, at_most, now
        self._keys: OrderedDict[UUID, tuple[Key, float]] = OrderedDict()
        self._current: dict[Owner, UUID] = {}
        self._of: dict[UUID | None, set[UUID]] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, key_id: UUID) -> Key | None:
        """The key of this id, or made of its root."""
        held = self._keys.get(key_id)
        if held is None:
            root_id = root_of(key_id)
            root = None if root_id is None else self.find(root_id)
            return None if root is None else member(root, key_id)
        key, until = held
        if until <= self.now():
            self._drop(key)
            return None
        self._keys.move_to_end(key_id)
        return key

    def current(self, owner: Owner) -> Key | None:
        """The key that seals for this owner now."""
        key_id = self._current.get(owner) or member_id(owner)
        key = None if key_id is None else self.find(key_id)
        return key if key is not None and key.owner == owner else None

    def keep(self, key: Key, *, current: bool = False) -> None:
        """Remember a key; a repetition does not make its time longer."""
        if key.id not in self._keys:
            self._keys[key.id] = (key, self.now() + self._keep_for)
            self._of.setdefault(key.owner.organization_id, set()).add(key.id)
        if current:
            self._current[key.owner] = key.id
        while len(self._keys) > self._at_most:
            self._drop(next(iter(self._keys.values()))[0])

    def forget(self, *owners: Owner) -> None:
        """Forget these owners' keys, and roots they were made of; with an organization's own go those it wraps."""
        forgotten = frozenset(owners)
        roots = {root_of(key_id) for owner in owners if (key_id := member_id(owner)) is not None}
        for organization_id in {owner.organization_id for owner in owners}:
            for key_id in list(self._of.get(organization_id, ())):
                key = self._keys[key_id][0]
                if key.owner in forgotten or key.owner.parent in forgotten or key_id in roots:
                    self._drop(key)

    def forget_all(self) -> None:
        """Forget every key."""
        self._keys.clear()
        self._current.clear()
        self._of.clear()

    def _drop(self, key: Key) -> None:
        del self._keys[key.id]
        of = self._of[key.owner.organization_id]
        of.discard(key.id)
        if not of:
            del self._of[key.owner.organization_id]
        if self._current.get(key.owner) == key.id:
            del self._current[key.owner]

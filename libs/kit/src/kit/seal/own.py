import secrets
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final
from uuid import UUID

from kit.db.database import Database, Transaction
from kit.ids import new_id
from kit.seal.batches import member, member_id, members, root_id_of, root_of
from kit.seal.cache import KeyCache
from kit.seal.master import MasterKey, unwrapped_under, wrapped_under
from kit.seal.model import KEY_BYTES, Key, KeyShredded, Owner, wrap_context
from kit.seal.repository import KeyRepository, StoredKey
from kit.seal.store import KeyRef

TOLD_AT_MOST: Final = 10_000


class OwnKeys:
    """Keys in the service's own schema, each wrapped by the one above it, at the top by the master key.

    The database is asked every time; only what wraps is kept in memory, in the cache that is given. Each look-up is a
    short transaction on a connection kept back for that (`Database.aside`), and no master key is asked within one.
    """

    def __init__(self, database: Database, master: MasterKey, cache: KeyCache) -> None:
        self._database = database
        self._master = master
        self._cache = cache

    async def current(self, owners: Collection[Owner]) -> Mapping[Owner, Key | None]:
        """The key that seals for each owner now; missing ones are made, all of them in a few statements."""
        found: dict[Owner, Key | None] = {}
        left = set(owners)
        while left:
            tops = {owner.parent for owner in left}
            async with self._bound(owner.organization_id for owner in tops) as tx:
                rows = {row.owner: row for row in await KeyRepository(tx).current(left | tops)}
            for owner in left & rows.keys():
                found[owner] = await self._opened(rows[owner])
            left -= found.keys()
            if left:
                found |= await self._made(left, rows)
                left -= found.keys()
        return found

    async def find(self, wanted: Collection[KeyRef]) -> Mapping[KeyRef, Key | None]:
        """Keys by id, of these organizations only."""
        async with self._bound(ref.organization_id for ref in wanted) as tx:
            rows = await KeyRepository(tx).find(wanted)
        return {KeyRef(row.owner.organization_id, row.id): await self._opened(row) for row in rows}

    async def destroyed_within(self, seconds: float) -> Collection[Owner] | None:
        """Whose keys were destroyed lately, in all organizations."""
        async with self._database.transaction() as tx:
            destroyed = await KeyRepository(tx).shredded_within(seconds, TOLD_AT_MOST + 1)
        return None if len(destroyed) > TOLD_AT_MOST else destroyed

    async def shred(self, tx: Transaction, owner: Owner) -> None:
        """Destroy all versions of an owner's key, and with an organization's those of its subjects."""
        await self._take_apart(KeyRepository(tx), owner)
        await KeyRepository(tx).shred(owner, new_id())

    async def _take_apart(self, keys: KeyRepository, owner: Owner) -> None:
        """Destroy the root of which an owner's key is made; all its other members get theirs as rows of their own.

        Who forgets another member at once waits at the root, and then finds that member's own key.
        """
        key_id = member_id(owner)
        root_id = None if key_id is None else root_of(key_id)
        if key_id is None or root_id is None:
            return
        stored = await keys.lock_root(KeyRef(owner.organization_id, root_id))
        root = None if stored is None else await self._opened(stored)
        parent = None if stored is None or stored.parent is None else await self._opened(stored.parent)
        its_own = None if root is None else member(root, key_id)
        if stored is None or root is None or parent is None or its_own is None or its_own.owner != owner:
            return
        await keys.add(
            [_wrapped(each, parent, stored.parent) for each in members(root) if each.id != key_id], version=0
        )
        await keys.bury(owner, key_id, version=0)
        await keys.shred(root.owner, new_id())

    async def rotate(self, organization_id: UUID | None) -> Key | None:
        """Make the next version of an organization's or the platform's key; None when somebody else just did.

        Raises:
            KeyShredded: the organization was forgotten.
        """
        owner = Owner(organization_id)
        await self.current([owner])
        key, stored = await self._top(owner)
        async with self._bound([organization_id]) as tx:
            following = await KeyRepository(tx).retire(owner)
            if following is None:
                raise KeyShredded
            added = await KeyRepository(tx).add([stored], version=following)
        return key if added else None

    async def rewrap(self, at_most: int) -> int:
        """Wrap by the present master key whatever an older one has wrapped; returns how many keys that were."""
        count, after = 0, UUID(int=0)
        while True:
            async with self._database.transaction() as tx:
                batch = await KeyRepository(tx).under_master(after, at_most)
            if not batch:
                return count
            for stored in batch:
                count += await self._rewrapped(stored)
            after = batch[-1].id

    async def _rewrapped(self, stored: StoredKey) -> bool:
        if stored.master_key_id == self._master.key_id:
            return False
        key = await self._opened(stored)
        if key is None:
            return False
        wrapped = await self._master.wrap(key.plain, wrap_context(stored.id, stored.owner))
        async with self._bound([stored.owner.organization_id]) as tx:
            return await KeyRepository(tx).rewrap(stored, self._master.key_id, wrapped)

    async def _made(self, owners: Collection[Owner], rows: Mapping[Owner, StoredKey]) -> dict[Owner, Key | None]:
        """New keys, but where somebody else was quicker; what wraps them comes first, they in the next round."""
        made: dict[Owner, Key | None] = {}
        new: dict[UUID, tuple[Key, StoredKey]] = {}
        tops = {owner.parent for owner in owners} - rows.keys()
        for owner in tops:
            key, stored = await self._top(owner)
            new[key.id] = key, stored
        for owner in owners if not tops else ():
            parent = await self._opened(rows[owner.parent])
            if parent is None:
                made[owner] = None
                continue
            key = Key(root_id_of(owner) or new_id(), owner, secrets.token_bytes(KEY_BYTES))
            new[key.id] = key, _wrapped(key, parent, rows[owner.parent])
        async with self._bound(owner.organization_id for owner in owners) as tx:
            added = await KeyRepository(tx).add([stored for _, stored in new.values()])
        return made | {new[key_id][0].owner: new[key_id][0] for key_id in added if new[key_id][0].owner in owners}

    async def _top(self, owner: Owner) -> tuple[Key, StoredKey]:
        key = Key(new_id(), owner, secrets.token_bytes(KEY_BYTES))
        wrapped = await self._master.wrap(key.plain, wrap_context(key.id, owner))
        return key, StoredKey(key.id, owner, self._master.key_id, wrapped)

    async def _opened(self, stored: StoredKey) -> Key | None:
        """The key of a row, ready for use; None when it, or what wraps it, was destroyed."""
        if stored.wrapped is None:
            return None
        context = wrap_context(stored.id, stored.owner)
        if stored.parent is None:
            held = self._cache.find(stored.id)
            if held is not None:
                return held
            plain = await self._master.unwrap(stored.master_key_id or "", stored.wrapped, context)
            key = Key(stored.id, stored.owner, plain)
            self._cache.keep(key)
            return key
        parent = await self._opened(stored.parent)
        if parent is None:
            return None
        return Key(stored.id, stored.owner, unwrapped_under(parent.aead, stored.wrapped, context))

    def _bound(self, organization_ids: Iterable[UUID | None]) -> AbstractAsyncContextManager[Transaction]:
        return self._database.aside(*{each for each in organization_ids if each is not None})


def _wrapped(key: Key, parent: Key, above: StoredKey | None) -> StoredKey:
    """The row of a subject's key."""
    wrapped = wrapped_under(parent.aead, key.plain, wrap_context(key.id, key.owner))
    return StoredKey(key.id, key.owner, None, wrapped, above)

"""Keys of tenants and people: one person or one customer can be forgotten without touching another."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

from kit.db.database import Database, Transaction
from kit.ids import new_id
from kit.seal.cache import KeyCache
from kit.seal.master import MasterKey, unwrapped_under, wrapped_under
from kit.seal.model import KEY_BYTES, Key, KeyShredded, Owner, key_id_of, wrap_context
from kit.seal.repository import KeyRepository, StoredKey
from kit.seal.sealer import SealBroken

_LOOK_BACK: Final = 90.0  # seconds; longer than a transaction that shreds may stay open


class Keyring:
    """Seals and opens fields under the key of their organization, or of one subject within it.

    What is sealed names its key and version, and opens for the same organization and place only (table, column, row).
    A key is made at its first use. Keys are kept in memory for five minutes at most; when one was shredded, every
    process forgets it within a second or so (`forget_shredded`, repeated), and after five minutes in the worst case,
    when that process cannot ask. A key that is not in memory is fetched on a connection kept back for that
    (`Database.aside`), so one may seal and open within a transaction; before it is quicker.
    """

    def __init__(self, database: Database, master: MasterKey, cache: KeyCache | None = None) -> None:
        self._database = database
        self._master = master
        self._cache = cache or KeyCache()
        self._fetching: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def seal(
        self, organization_id: UUID | None, value: bytes, place: bytes, *, subject: str | None = None
    ) -> bytes:
        """Encrypt under the organization's key, or the subject's; None is the platform itself.

        Raises:
            KeyShredded: organization or subject were forgotten.
        """
        return (await self._current(Owner.of(organization_id, subject))).seal(value, place)

    async def seal_many(
        self, organization_id: UUID | None, values: Sequence[tuple[bytes, bytes]], *, subject: str | None = None
    ) -> list[bytes]:
        """Encrypt each (value, place) under the same key.

        Raises:
            KeyShredded: organization or subject were forgotten.
        """
        key = await self._current(Owner.of(organization_id, subject))
        return [key.seal(value, place) for value, place in values]

    async def open(self, organization_id: UUID | None, sealed: bytes, place: bytes) -> bytes:
        """Decrypt what was sealed for this organization in this place.

        Raises:
            SealBroken: changed bytes, another organization or another place.
            KeyShredded: whom it is about was forgotten.
        """
        (opened,) = await self.open_many(organization_id, [(sealed, place)])
        if opened is None:
            raise KeyShredded
        return opened

    async def open_many(
        self, organization_id: UUID | None, values: Sequence[tuple[bytes, bytes]]
    ) -> list[bytes | None]:
        """Decrypt each (sealed, place), whatever keys they need, with one look-up; None where the key was shredded.

        Raises:
            SealBroken: one of them was changed, or belongs elsewhere.
        """
        ids = [key_id_of(sealed) for sealed, _ in values]
        keys = await self._keys(Owner(organization_id), set(ids))
        opened: list[bytes | None] = []
        for key_id, (sealed, place) in zip(ids, values, strict=True):
            key = keys[key_id]
            opened.append(None if key is None else key.open(sealed, place))
        return opened

    async def secret(self, organization_id: UUID | None, purpose: str) -> bytes:
        """32 bytes that are always the same for this purpose: for keyed hashes by which a field can be looked up.

        Neither a rotation nor another master key changes them.

        Raises:
            KeyShredded: the organization was forgotten.
        """
        named = f"secret:{hashlib.sha256(purpose.encode()).hexdigest()}"
        key = await self._current(Owner(organization_id, named))
        return hmac.digest(key.plain, b"secret", hashlib.sha256)

    async def shred(self, tx: Transaction, organization_id: UUID | None, subject: str | None) -> None:
        """Destroy the key of a subject, or with None of the whole organization: what they sealed is lost for good.

        `tx` must be bound to the organization. Nothing is sealed for them any more. Processes that hold the key
        forget it after the commit.

        Raises:
            ValueError: the platform itself cannot be forgotten.
        """
        if organization_id is None and subject is None:
            raise ValueError("the platform's own key cannot be shredded")
        owner = Owner.of(organization_id, subject)
        await KeyRepository(tx).shred(owner, new_id())
        self._cache.forget(owner)

    def evict(self, organization_id: UUID | None, subject: str | None = None) -> None:
        """Forget keys that this process holds in memory; they are fetched again when needed."""
        self._cache.forget(Owner.of(organization_id, subject))

    async def forget_shredded(self) -> None:
        """Evict what any process has shredded lately; to be repeated every second in every process."""
        async with self._database.transaction() as tx:
            shredded = await KeyRepository(tx).shredded_within(_LOOK_BACK)
        for owner in shredded:
            self._cache.forget(owner)

    async def rotate(self, organization_id: UUID | None) -> None:
        """Seal with a new key from now on; other processes follow within five minutes, and old ones still open.

        Raises:
            KeyShredded: the organization was forgotten.
        """
        owner = Owner(organization_id)
        await self._current(owner)
        key, stored = await self._made(owner)
        async with self._bound(organization_id) as tx:
            following = await KeyRepository(tx).retire(owner)
            if following is None:
                raise KeyShredded
            if not await KeyRepository(tx).add(stored, following):
                return
        self._cache.keep(key, current=True)

    async def rewrap(self, at_most: int = 500) -> int:
        """Wrap by the present master key whatever an older one has wrapped; safe to repeat, touches no field.

        Returns:
            How many keys were wrapped anew.
        """
        count, after = 0, UUID(int=0)
        while True:
            async with self._database.transaction() as tx:
                batch = await KeyRepository(tx).under_master(after, at_most)
            if not batch:
                return count
            for stored in batch:
                count += await self._rewrap(stored)
            after = batch[-1].id

    async def _rewrap(self, stored: StoredKey) -> bool:
        if stored.master_key_id == self._master.key_id:
            return False
        plain = await self._unwrapped(stored, {})
        wrapped = await self._master.wrap(plain, wrap_context(stored.id, stored.owner))
        async with self._bound(stored.owner.organization_id) as tx:
            return await KeyRepository(tx).rewrap(stored, self._master.key_id, wrapped)

    async def _current(self, owner: Owner) -> Key:
        held = self._cache.current(owner)
        if held is not None:
            return held
        async with self._alone(owner):
            return self._cache.current(owner) or await self._fetch_current(owner)

    async def _fetch_current(self, owner: Owner) -> Key:
        while True:
            async with self._bound(owner.organization_id) as tx:
                stored = await KeyRepository(tx).current(owner)
            if stored is not None:
                return await self._ready(stored)
            key, made = await self._made(owner)
            async with self._bound(owner.organization_id) as tx:
                if await KeyRepository(tx).add(made):
                    self._cache.keep(key, current=True)
                    return key

    async def _ready(self, stored: StoredKey) -> Key:
        key = self._cache.find(stored.id)
        if key is None:
            keys = await self._fetch(stored.owner, {stored.id})
            key = keys[stored.id]
        if key is None:
            raise KeyShredded
        self._cache.keep(key, current=True)
        return key

    async def _made(self, owner: Owner) -> tuple[Key, StoredKey]:
        """A new key and its row; the lock on the organization is held, so a missing parent is made on the way."""
        plain, key_id = secrets.token_bytes(KEY_BYTES), new_id()
        key, context = Key(key_id, owner, plain), wrap_context(key_id, owner)
        if not owner.subject:
            wrapped = await self._master.wrap(plain, context)
            return key, StoredKey(key_id, owner, None, self._master.key_id, wrapped)
        parent = self._cache.current(owner.parent) or await self._fetch_current(owner.parent)
        return key, StoredKey(key_id, owner, parent.id, None, wrapped_under(parent.aead, plain, context))

    async def _keys(self, owner: Owner, ids: set[UUID]) -> Mapping[UUID, Key | None]:
        """Keys by id, None where shredded."""
        found: dict[UUID, Key | None] = self._held(ids)
        if len(found) < len(ids):
            async with self._alone(owner):
                found |= self._held(ids - found.keys())
                found |= await self._fetch(owner, ids - found.keys())
        if any(key is not None and key.owner.organization_id != owner.organization_id for key in found.values()):
            raise SealBroken
        return found

    def _held(self, ids: Collection[UUID]) -> dict[UUID, Key | None]:
        held = {key_id: self._cache.find(key_id) for key_id in ids}
        return {key_id: key for key_id, key in held.items() if key is not None}

    async def _fetch(self, owner: Owner, ids: Collection[UUID]) -> dict[UUID, Key | None]:
        if not ids:
            return {}
        async with self._bound(owner.organization_id) as tx:
            rows = {row.id: row for row in await KeyRepository(tx).find(owner.organization_id, ids)}
        if not rows.keys() >= set(ids):
            raise SealBroken
        found: dict[UUID, Key | None] = {}
        for key_id in ids:
            try:
                plain = await self._unwrapped(rows[key_id], rows)
            except KeyShredded:
                found[key_id] = None
            else:
                found[key_id] = key = Key(key_id, rows[key_id].owner, plain)
                self._cache.keep(key)
        return found

    async def _unwrapped(self, stored: StoredKey, rows: Mapping[UUID, StoredKey]) -> bytes:
        if stored.wrapped is None:
            raise KeyShredded
        context = wrap_context(stored.id, stored.owner)
        if stored.parent_id is None:
            return await self._master.unwrap(stored.master_key_id or "", stored.wrapped, context)
        parent = self._cache.find(stored.parent_id)
        if parent is None:
            plain = await self._unwrapped(rows[stored.parent_id], rows)
            parent = Key(stored.parent_id, stored.owner.parent, plain)
            self._cache.keep(parent)
        return unwrapped_under(parent.aead, stored.wrapped, context)

    def _alone(self, owner: Owner) -> asyncio.Lock:
        """One fetch at a time for an organization: many waiters, one question."""
        return self._fetching.setdefault(owner.tenant, asyncio.Lock())

    def _bound(self, organization_id: UUID | None) -> AbstractAsyncContextManager[Transaction]:
        return self._database.aside(*([] if organization_id is None else [organization_id]))

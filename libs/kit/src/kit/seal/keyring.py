"""Keys of tenants and people: one person or one customer can be forgotten without touching another."""

import hashlib
import hmac
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from kit.db.database import Database, Transaction
from kit.errors import TransientError
from kit.seal.batches import KeyBatch, member, member_id, new_root, root_of
from kit.seal.cache import KEEP_FOR, KeyCache
from kit.seal.flights import Flights
from kit.seal.master import MasterKey
from kit.seal.model import SECRET, KeptElsewhere, Key, KeyShredded, Owner, key_id_of
from kit.seal.own import OwnKeys
from kit.seal.sealer import SealBroken
from kit.seal.store import KeyRef, KeyStore
from kit.telemetry import metrics

log = structlog.get_logger(__name__)

_LOOK_BACK: Final = 90.0  # seconds; longer than a transaction that shreds may stay open

ASKED_AGO = metrics.gauge(
    "seal_destroyed_keys_asked_ago_seconds", "Since this process last learned which keys were destroyed"
)


class Keyring:
    """Seals and opens fields under the key of their organization, or of one subject within it.

    What is sealed names its key and version, and opens for the same organization and place only (table, column, row).
    A key is made at its first use. Keys are kept in memory for five minutes at most; when one was destroyed, every
    process forgets it within a second or so (`forget_shredded`, repeated), and after five minutes in the worst case,
    when that process cannot ask.

    The platform's own keys stand in the service's schema. Those of organizations and people do so only where no other
    store is given: services give compliance's, and compliance gives none. A key that is not in memory is fetched from
    its store, on a connection kept back for that where it is a database (`Database.aside`), so one may seal and open
    within a transaction; before it is quicker. While a store is away, the keys in memory go on.
    """

    def __init__(
        self, database: Database, master: MasterKey, cache: KeyCache | None = None, *, shared: KeyStore | None = None
    ) -> None:
        self._cache = KeyCache() if cache is None else cache
        self._shared = shared
        self.own = OwnKeys(database, master, self._cache)
        """What stands in the service's own schema."""
        here = _Shelf(self.own, self._cache, holds=_everything if shared is None else _is_platforms)
        self._shelves = (here,) if shared is None else (here, _Shelf(shared, self._cache, holds=_is_not_platforms))
        self._asked_at, self._asking = self._cache.now(), True

    async def seal(
        self, organization_id: UUID | None, value: bytes, place: bytes, *, subject: str | None = None
    ) -> bytes:
        """Encrypt under the organization's key, or the subject's; None is the platform itself.

        Raises:
            KeyShredded: organization or subject were forgotten.
            TransientError: the key cannot be fetched now.
        """
        return (await self._current(Owner.of(organization_id, subject))).seal(value, place)

    async def seal_many(
        self, organization_id: UUID | None, values: Sequence[tuple[bytes, bytes]], *, subject: str | None = None
    ) -> list[bytes]:
        """Encrypt each (value, place) under the same key.

        Raises:
            KeyShredded: organization or subject were forgotten.
            TransientError: the key cannot be fetched now.
        """
        key = await self._current(Owner.of(organization_id, subject))
        return [key.seal(value, place) for value, place in values]

    async def seal_each(
        self, organization_id: UUID | None, values: Sequence[tuple[str, bytes, bytes]]
    ) -> list[bytes | None]:
        """Encrypt each (subject, value, place) under its subject's key, with one look-up; None for who is forgotten.

        Raises:
            TransientError: the keys cannot be fetched now.
        """
        owners = [Owner.of(organization_id, subject) for subject, _, _ in values]
        keys = await self._currents(set(owners))
        return [
            None if (key := keys[owner]) is None else key.seal(value, place)
            for owner, (_, value, place) in zip(owners, values, strict=True)
        ]

    async def prepare(self, organization_id: UUID | None, subjects: Collection[str]) -> frozenset[str]:
        """Fetch or make the keys of many subjects together, so that sealing for each then asks nobody.

        Returns:
            Those who were forgotten: nothing is sealed for them.

        Raises:
            TransientError: the keys cannot be fetched now.
        """
        keys = await self._currents({Owner.of(organization_id, subject) for subject in subjects})
        return frozenset(owner.subject for owner, key in keys.items() if key is None)

    async def batch(self, organization_id: UUID, kind: str, count: int) -> KeyBatch:
        """Keys for as many new subjects of a kind, for the price of one; their ids are given with them.

        Raises:
            ValueError: none, or more than one batch can have.
            KeyShredded: the organization was forgotten.
            TransientError: the key cannot be made now.
        """
        return KeyBatch.of(await self._current(new_root(organization_id, kind, count)))

    async def open(self, organization_id: UUID | None, sealed: bytes, place: bytes) -> bytes:
        """Decrypt what was sealed for this organization in this place.

        Raises:
            SealBroken: changed bytes, another organization or another place, or a key that nobody knows.
            KeyShredded: whom it is about was forgotten.
            TransientError: the key cannot be fetched now.
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
            SealBroken: one of them was changed, belongs elsewhere, or names a key that nobody knows.
            TransientError: a key cannot be fetched now.
        """
        ids = [key_id_of(sealed) for sealed, _ in values]
        keys = await self._keys(organization_id, set(ids))
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
            TransientError: the key cannot be fetched now.
        """
        named = f"{SECRET}{hashlib.sha256(purpose.encode()).hexdigest()}"
        key = await self._current(Owner(organization_id, named))
        return hmac.digest(key.plain, b"secret", hashlib.sha256)

    async def shred(self, tx: Transaction, organization_id: UUID | None, subject: str | None) -> None:
        """Destroy the key of a subject, or with None of the whole organization: what they sealed is lost for good.

        `tx` must be bound to the organization. Nothing is sealed for them any more. Processes that hold the key
        forget it after the commit.

        Raises:
            ValueError: the platform itself cannot be forgotten.
            KeptElsewhere: such keys are destroyed by compliance.
        """
        if organization_id is None and subject is None:
            raise ValueError("the platform's own key cannot be shredded")
        owner = Owner.of(organization_id, subject)
        await self._at_home(owner).shred(tx, owner)
        self._cache.forget(owner)

    def at_hand(self, organization_id: UUID | None, subject: str | None = None) -> bool:
        """Whether sealing for them asks nobody just now."""
        return self._cache.current(Owner.of(organization_id, subject)) is not None

    def evict(self, organization_id: UUID | None, subject: str | None = None) -> None:
        """Forget keys that this process holds in memory; they are fetched again when needed."""
        self._cache.forget(Owner.of(organization_id, subject))

    async def forget_shredded(self) -> None:
        """Evict what any process has shredded lately; to be repeated every second in every process.

        Who could not ask for a while asks for all that time at once.
        """
        asking, store = self._cache.now(), self._shared or self.own
        try:
            shredded = await store.destroyed_within(min(_LOOK_BACK + asking - self._asked_at, _LOOK_BACK + KEEP_FOR))
        except TransientError as trouble:
            if self._asking:
                log.warning("seal.cannot_ask", trouble=type(trouble).__name__)
            self._asking = False
        else:
            self._asked_at, self._asking = asking, True
            self._cache.forget_all() if shredded is None else self._cache.forget(*shredded)
        ASKED_AGO.set(self._cache.now() - self._asked_at)

    async def rotate(self, organization_id: UUID | None) -> None:
        """Seal with a new key from now on; other processes follow within five minutes, and old ones still open.

        Raises:
            KeyShredded: the organization was forgotten.
            KeptElsewhere: the keys of organizations are rotated by compliance.
        """
        key = await self._at_home(Owner(organization_id)).rotate(organization_id)
        if key is not None:
            self._cache.keep(key, current=True)

    async def rewrap(self, at_most: int = 500) -> int:
        """Wrap by the present master key whatever an older one has wrapped; safe to repeat, touches no field.

        Returns:
            How many keys were wrapped anew.
        """
        return await self.own.rewrap(at_most)

    def _at_home(self, owner: Owner) -> OwnKeys:
        if not self._shelves[0].holds(owner):
            raise KeptElsewhere
        return self.own

    async def _current(self, owner: Owner) -> Key:
        key = self._cache.current(owner) or (await self._currents({owner}))[owner]
        if key is None:
            raise KeyShredded
        return key

    async def _currents(self, owners: set[Owner]) -> Mapping[Owner, Key | None]:
        """The key that seals for each now, None where it was destroyed."""
        keys: dict[Owner, Key | None] = {owner: self._cache.current(owner) for owner in owners}
        made_of = {owner: key_id for owner, key in keys.items() if key is None and (key_id := member_id(owner))}
        for organization_id in {owner.organization_id for owner in made_of}:
            ids = {key_id for owner, key_id in made_of.items() if owner.organization_id == organization_id}
            found = await self._members(organization_id, ids)
            keys |= {key.owner: key for key in found.values() if key is not None and key.owner in made_of}
        missing = [owner for owner, key in keys.items() if key is None]
        for shelf in self._shelves if missing else ():
            keys |= await shelf.current.get([owner for owner in missing if shelf.holds(owner)])
        return keys

    async def _keys(self, organization_id: UUID | None, ids: set[UUID]) -> Mapping[UUID, Key | None]:
        """Keys by id, None where shredded; those of the platform and its subjects may stand in either store."""
        keys: dict[UUID, Key | None] = {key_id: key for key_id in ids if (key := self._cache.find(key_id))}
        keys |= await self._members(organization_id, ids - keys.keys())
        keys |= await self._found(organization_id, {key_id for key_id in ids if keys.get(key_id) is None})
        if len(keys) < len(ids):
            raise SealBroken
        if any(key is not None and key.owner.organization_id != organization_id for key in keys.values()):
            raise SealBroken
        return keys

    async def _members(self, organization_id: UUID | None, ids: set[UUID]) -> Mapping[UUID, Key | None]:
        """Those of these that are made of a root; None where it is gone, unless they have keys of their own since."""
        roots = await self._found(organization_id, {each for key_id in ids if (each := root_of(key_id)) is not None})
        made: dict[UUID, Key | None] = {}
        for key_id in ids if roots else ():
            root_id = root_of(key_id)
            root = None if root_id is None else roots.get(root_id)
            key = None if root is None else member(root, key_id)
            if key is not None or (root is None and root_id in roots):
                made[key_id] = key
        return made

    async def _found(self, organization_id: UUID | None, ids: set[UUID]) -> Mapping[UUID, Key | None]:
        """What stands in memory or in the stores under these ids."""
        keys: dict[UUID, Key | None] = {key_id: key for key_id in ids if (key := self._cache.find(key_id))}
        for shelf in self._shelves if len(keys) < len(ids) else ():
            if organization_id is None or shelf.holds(Owner(organization_id)):
                found = await shelf.find.get([KeyRef(organization_id, key_id) for key_id in ids - keys.keys()])
                keys |= {ref.id: key for ref, key in found.items()}
        return keys


class _Shelf:
    """One store behind the cache: what is fetched is kept, before anybody could ask again."""

    def __init__(self, store: KeyStore, cache: KeyCache, holds: Callable[[Owner], bool]) -> None:
        self.holds = holds
        self.current = Flights(partial(self._current, store, cache))
        self.find = Flights(partial(self._find, store, cache))

    @staticmethod
    async def _current(store: KeyStore, cache: KeyCache, owners: Collection[Owner]) -> Mapping[Owner, Key | None]:
        keys = await store.current(owners)
        for key in keys.values():
            if key is not None:
                cache.keep(key, current=True)
        return keys

    async def _find(
        self, store: KeyStore, cache: KeyCache, wanted: Collection[KeyRef]
    ) -> Mapping[KeyRef, Key | None]:
        """What this store is not there for does not count, should it have it all the same."""
        keys = {ref: key for ref, key in (await store.find(wanted)).items() if key is None or self.holds(key.owner)}
        for key in keys.values():
            if key is not None:
                cache.keep(key)
        return keys


def _everything(_owner: Owner) -> bool:
    return True


def _is_platforms(owner: Owner) -> bool:
    return owner.is_platforms


def _is_not_platforms(owner: Owner) -> bool:
    return not owner.is_platforms

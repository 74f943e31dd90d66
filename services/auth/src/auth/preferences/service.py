from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from auth.accounts.sealing import Addresses
from auth.mails.model import CATEGORIES
from auth.preferences.model import Preferences, Wish
from auth.preferences.repository import PreferenceRepository
from contracts.audit import AuditEntry
from contracts.auth import MailPreferencesChanged
from kit.audit import User, audited
from kit.db.database import Database, Transaction
from kit.errors import Unauthenticated
from kit.http.caller import Caller
from kit.http.etag import Condition
from kit.mail import Mailer, Reason, UnsubscribeLinkForged, Unsubscription


@dataclass(frozen=True, slots=True)
class PreferenceService:
    """Which mails somebody wants, said signed in, or by the link of a mail without any account."""

    database: Database
    addresses: Addresses
    mailer: Mailer

    async def read(self, caller: Caller) -> Preferences:
        """The caller's preferences; what was said by a link about one of their addresses counts."""
        addresses = await self._proven(caller.user_id)
        async with self.database.snapshot() as tx:
            return await self._effective(tx, addresses, await PreferenceRepository(tx).find(caller.user_id))

    async def change(self, caller: Caller, wishes: Iterable[Wish], expected: Condition) -> Preferences:
        """Set what the caller wants."""
        addresses = await self._proven(caller.user_id)
        async with self.database.transaction() as tx:
            held = await PreferenceRepository(tx).lock(caller.user_id)
            if held is None:
                raise Unauthenticated
            expected.check(held.version)
            effective = await self._effective(tx, addresses, held)
            return await self._set(tx, caller.user_id, addresses, effective, effective.changed(wishes))

    async def explain(self, token: str) -> Wish:
        """What following the link with POST would refuse, and whether it is still wanted; changes nothing."""
        said = await self._read(token)
        async with self.database.transaction() as tx:
            unwanted = await self.mailer.is_unsubscribed(tx, said)
        return Wish(said.category, wanted=not unwanted)

    async def unsubscribe(self, token: str) -> Wish:
        """Refuse a category for the address of a mail, and for the account it belongs to; twice is once."""
        said = await self._read(token)
        unwanted = Wish(said.category, wanted=False)
        addresses = [] if said.user_id is None else await self._proven(said.user_id)
        async with self.database.transaction() as tx:
            new = await self.mailer.unsubscribe(tx, said)
            held = None if said.user_id is None else await PreferenceRepository(tx).lock(said.user_id)
            if said.user_id is not None and held is not None:
                await self._set(tx, said.user_id, addresses, held, held.unwanted | {said.category})
            elif new:
                await tx.emit(_line(User(), "address", said.address_hash.hex()[:16], unwanted))
        return unwanted

    async def _read(self, token: str) -> Unsubscription:
        said = await self.mailer.read_link(token)
        if said.category not in {each.name for each in CATEGORIES if not each.essential}:
            raise UnsubscribeLinkForged
        return said

    async def _proven(self, user_id: UUID) -> list[str]:
        """Somebody's addresses, opened before the transaction that needs them."""
        async with self.database.transaction() as tx:
            sealed = await PreferenceRepository(tx).addresses(user_id)
        return [each for each in await self.addresses.open(sealed) if each is not None]

    async def _effective(self, tx: Transaction, addresses: Collection[str], held: Preferences) -> Preferences:
        return Preferences(held.unwanted | await self.mailer.unsubscribed(tx, addresses), held.version)

    async def _set(
        self,
        tx: Transaction,
        user_id: UUID,
        addresses: Collection[str],
        held: Preferences,
        unwanted: Collection[str],
    ) -> Preferences:
        changed = sorted(held.unwanted.symmetric_difference(unwanted))
        if not changed:
            return held
        version = held.version
        for category in changed:
            version += 1
            wanted = category not in unwanted
            await self._carry(tx, addresses, category, wanted=wanted)
            await tx.emit(
                MailPreferencesChanged(user_id=user_id, category=category, wanted=wanted, version=version),
                _line(User(user_id), "user", str(user_id), Wish(category, wanted)),
            )
        preferences = Preferences(frozenset(unwanted), version)
        await PreferenceRepository(tx).save(user_id, preferences)
        return preferences

    async def _carry(self, tx: Transaction, addresses: Collection[str], category: str, *, wanted: bool) -> None:
        if wanted:
            await self.mailer.resubscribe(tx, addresses, category)
            return
        for address in addresses:
            await self.mailer.suppress(tx, address, Reason.UNSUBSCRIBED, category=category)


def _line(actor: User, target_kind: str, target_id: str, wish: Wish) -> AuditEntry:
    return audited(
        "auth.mail_preferences.changed", actor, target_kind, target_id, category=wish.category, wanted=wish.wanted
    )

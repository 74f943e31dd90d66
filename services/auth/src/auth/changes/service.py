"""Changing by what somebody is known: the new address proves itself, the old one is told and may undo it."""

from dataclasses import dataclass
from uuid import UUID

from auth.accounts.address import EmailAddress, SealedAddress
from auth.accounts.handle import Handles
from auth.accounts.model import Identity
from auth.accounts.phone import PhoneNumber
from auth.accounts.repository import AccountRepository
from auth.accounts.sealing import Addresses
from auth.challenges.errors import LinkExpired, TextCodeOver
from auth.challenges.model import CODE_LIFE, LINK_LIFE, MOST_CHALLENGES, WITHIN, Challenge, Purpose
from auth.challenges.repository import ChallengeRepository
from auth.challenges.service import Challenges
from auth.changes.errors import AddressTaken, LastAddress, TooManyChanges
from auth.mails.notices import Notice, notify
from auth.passwords.repository import PasswordRepository
from auth.sessions.revoking import end_other_sessions, end_sessions
from auth.sign_ins.errors import StepUpNeeded
from auth.sign_ins.fresh import insist_on_fresh_proof
from kit.audit import User, audited
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.ids import new_id
from kit.mail import Mailer
from kit.seal import KeyShredded

_CHANGED = {"email": Notice.ADDRESS_CHANGED, "phone": Notice.PHONE_CHANGED}


@dataclass(frozen=True, slots=True)
class AddressChangeService:
    """Changes of mail addresses and phone numbers."""

    database: Database
    addresses: Addresses
    handles: Handles
    challenges: Challenges
    mailer: Mailer

    async def ask(self, caller: Caller, email: str | None, phone: str | None) -> str:
        """Send a link or code to the new address; whether somebody has it is told to that address alone.

        Raises:
            StepUpNeeded: it was not proven lately who asks.
            TooManyChanges, TooManyTexts: there were too many lately.
        """
        handle = self.handles.new(email, phone)
        network = await self.addresses.network(handle) if isinstance(handle, PhoneNumber) else None
        challenge_id, blind = new_id(), await self.addresses.blind(handle)
        sealed = await self.addresses.seal_claimed(challenge_id, handle)
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, caller)
            challenges = ChallengeRepository(tx)
            await challenges.lock_address(blind)
            if await challenges.lately(caller.user_id, blind, Purpose.CHANGE, WITHIN) >= MOST_CHALLENGES:
                raise TooManyChanges(retry_after=600.0)
            if network is not None:
                await self.challenges.texts.insist_on_room(tx, blind, network)
            wanted = await _of_caller(tx, caller, Purpose.CHANGE, challenge_id, handle.kind, blind, sealed)
            begun = await challenges.add_own(wanted, LINK_LIFE[Purpose.CHANGE] if network is None else CODE_LIFE)
            await self.challenges.send(tx, begun, network)
            await tx.emit(audited("auth.address.change_begun", caller, "user", caller.user_id, kind=handle.kind))
        return self.challenges.mints.request.make(challenge_id)

    async def confirm(self, caller: Caller, token: str) -> None:
        """Take the link of the mail, signed in as whoever asked for it: a stranger who gets it can do nothing.

        Raises:
            LinkExpired: it was used, is too old, is somebody else's, or sessions were ended since.
            AddressTaken: somebody else has proven the address meanwhile.
        """
        challenge = await self.challenges.find(token, Purpose.CHANGE)
        if challenge.user_id != caller.user_id or not await self._change(caller, challenge):
            raise LinkExpired

    async def confirm_by_text(self, caller: Caller, request_token: str, code: str) -> None:
        """Take the code of the text message; the same holds.

        Raises:
            TextCodeOver: it was used, is too old, is somebody else's, or sessions were ended since.
            AddressTaken: somebody else has proven the number meanwhile.
        """
        challenge = await self.challenges.solved(request_token, code, Purpose.CHANGE)
        if challenge.user_id != caller.user_id or not await self._change(caller, challenge):
            raise TextCodeOver

    async def remove_phone(self, caller: Caller) -> None:
        """Be known by the mail address alone.

        Raises:
            StepUpNeeded: it was not proven lately who asks.
            LastAddress: there is no proven mail address.
        """
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, caller)
            accounts = AccountRepository(tx)
            held = {each.kind: each for each in reversed(await accounts.identities(caller.user_id))}
            if "phone" not in held:
                return
            if "email" not in held:
                raise LastAddress
            await accounts.remove_identity(held["phone"].id)
            await notify(tx, self.mailer, caller.user_id, Notice.PHONE_REMOVED)
            await end_other_sessions(tx, caller.user_id, caller.session_id)
            await tx.emit(audited("auth.address.removed", caller, "user", caller.user_id, kind="phone"))

    async def undo(self, token: str, locale: str) -> None:
        """Bring the former address back: all sessions end, the password is void, and what was added since goes.

        Whoever changed the address may know the password; the owner of the former address is sent a link to set one.

        Raises:
            LinkExpired: it was used or is too old.
            AddressTaken: somebody else has proven the address since.
        """
        challenge = await self.challenges.find(token, Purpose.UNDO)
        claimed = SealedAddress(challenge.id, challenge.sealed or b"")
        try:
            sealed = await self.addresses.seal_proven(challenge.user_id, challenge.identity_id, claimed)
        except KeyShredded as forgotten:
            raise LinkExpired from forgotten
        (address,) = await self.addresses.open_claimed([claimed])
        identity = Identity(challenge.identity_id, challenge.user_id, challenge.kind, challenge.blind, sealed)
        async with self.database.transaction() as tx:
            await ChallengeRepository(tx).lock_address(challenge.blind)
            await self._bring_back(tx, challenge, identity)
        if address is not None and challenge.kind == "email":
            await self.challenges.ask(Purpose.RESET, EmailAddress.parse(address), locale)

    async def _bring_back(self, tx: Transaction, challenge: Challenge, identity: Identity) -> None:
        user_id = challenge.user_id
        challenges, accounts = ChallengeRepository(tx), AccountRepository(tx)
        if await challenges.use(challenge.id) is None:
            raise LinkExpired
        await accounts.forget_identities_since(user_id, challenge.id, identity)
        if not await accounts.put_identity(identity):
            raise AddressTaken
        await challenges.void_later(challenge)
        await PasswordRepository(tx).save(user_id, "", needs_factor=False)
        await end_sessions(tx, user_id)
        await tx.emit(audited("auth.address.change_undone", User(user_id), "user", user_id, kind=challenge.kind))

    async def _change(self, caller: Caller, challenge: Challenge) -> bool:
        """Put the new address in the place of the old one; False when the challenge is void."""
        if caller.kind != "user" or caller.actor_id is not None:
            raise StepUpNeeded
        user_id = caller.user_id
        async with self.database.transaction() as tx:
            former = await AccountRepository(tx).identity(user_id, challenge.kind)
        identity_id = challenge.identity_id if former is None else former.id
        claimed = SealedAddress(challenge.id, challenge.sealed or b"")
        sealed = await self.addresses.seal_proven(user_id, identity_id, claimed)
        undo = None if former is None else await self._undo_of(former)
        identity = Identity(identity_id, user_id, challenge.kind, challenge.blind, sealed)
        async with self.database.transaction() as tx:
            challenges, accounts = ChallengeRepository(tx), AccountRepository(tx)
            await challenges.lock_address(challenge.blind)
            if await challenges.use(challenge.id) is None:
                return False
            put = (
                await accounts.add_identity(identity)
                if former is None
                else await accounts.replace_identity(identity, former.blind)
            )
            if not put:
                raise AddressTaken
            if undo is not None:
                await self._tell_former(tx, undo)
            await notify(tx, self.mailer, user_id, _CHANGED[challenge.kind], challenge.id)
            await end_other_sessions(tx, caller.user_id, caller.session_id)
            await tx.emit(audited("auth.address.changed", caller, "user", user_id, kind=challenge.kind))
        return True

    async def _undo_of(self, former: Identity) -> Challenge:
        challenge_id = new_id()
        proven = SealedAddress(former.id, former.sealed)
        sealed = await self.addresses.seal_former(former.user_id, challenge_id, proven)
        return _own(Purpose.UNDO, challenge_id, former.kind, former.blind, former.id, former.user_id, sealed)

    async def _tell_former(self, tx: Transaction, undo: Challenge) -> None:
        begun = await ChallengeRepository(tx).add_own(undo, LINK_LIFE[Purpose.UNDO])
        network = None if undo.kind == "email" else undo.blind
        await self.challenges.send(tx, begun, network)


async def _of_caller(  # noqa: PLR0917 - what a challenge is made of
    tx: Transaction, caller: Caller, purpose: Purpose, challenge_id: UUID, kind: str, blind: bytes, sealed: bytes
) -> Challenge:
    held = await AccountRepository(tx).identity(caller.user_id, kind)
    identity_id = new_id() if held is None else held.id
    return _own(purpose, challenge_id, kind, blind, identity_id, caller.user_id, sealed)


def _own(  # noqa: PLR0917 - what a challenge is made of
    purpose: Purpose, challenge_id: UUID, kind: str, blind: bytes, identity_id: UUID, user_id: UUID, sealed: bytes
) -> Challenge:
    return Challenge(
        id=challenge_id,
        purpose=purpose,
        kind=kind,
        blind=blind,
        identity_id=identity_id,
        user_id=user_id,
        known=True,
        sealed=sealed,
        password_hash="",
        epoch=None,
        locale="en",
        expired=False,
        used=False,
    )

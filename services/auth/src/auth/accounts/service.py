from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from auth.accounts.address import EmailAddress
from auth.accounts.errors import LinkExpired, LinkMalformed, LinkOfAnother, LinkUsed
from auth.accounts.model import LINK_LIFE, MOST_MAILS, Identity, Profile, Verification
from auth.accounts.repository import AccountRepository
from auth.accounts.sealing import Addresses
from auth.mails.model import ACCOUNT, already_registered, verify
from auth.passwords.approving import Approval
from auth.passwords.hashing import Passwords
from auth.tokens.model import TokenForged, TokenMint
from contracts.auth import UserRegistered, UserVerified
from kit.audit import User, audited
from kit.db.database import Database, Transaction
from kit.errors import Unauthenticated
from kit.http.caller import Caller
from kit.ids import new_id
from kit.mail import Mailer
from kit.seal import KeyShredded


@dataclass(frozen=True, slots=True)
class AccountService:
    """Opening accounts and proving addresses; nobody can tell from an answer whether an address is known."""

    database: Database
    addresses: Addresses
    passwords: Passwords
    approval: Approval
    links: TokenMint
    mailer: Mailer

    async def sign_up(self, address: str, password: str, locale: str) -> None:
        """Open an account, or let the mailbox know that there is one; one hash and one seal are made either way."""
        email = EmailAddress.parse(address)
        await self.approval.insist(password, [email.value])
        hashed = await self.passwords.hashed(password)
        identity = Identity(new_id(), new_id(), verified=False)
        blind, sealed = await self.addresses.blind(email), await self.addresses.seal_claimed(identity.id, email)
        async with self.database.transaction() as tx:
            accounts = AccountRepository(tx)
            if await accounts.add(identity, blind, sealed, hashed, locale):
                user_id = identity.user_id
                await tx.emit(
                    UserRegistered(user_id=user_id), audited("auth.user.registered", User(user_id), "user", user_id)
                )
                await self._write(tx, identity, hashed, locale)
                return
            known = await accounts.lock_identity(blind)
            if known is not None:
                await self._write_again(tx, known, hashed, locale)

    async def resend(self, address: str, locale: str) -> None:
        """Send another mail with a link, if there is an account that needs one; earlier links stay good."""
        blind = await self.addresses.blind(EmailAddress.parse(address))
        async with self.database.transaction() as tx:
            known = await AccountRepository(tx).lock_identity(blind)
            if known is not None:
                hashed = await AccountRepository(tx).password_of(known.user_id)
                await self._write_again(tx, known, hashed, locale)

    async def verify(self, token: str, password: str) -> UUID:
        """Take the link of a mail together with the password of the sign-up it belongs to: the address is proven.

        The mailbox alone does not open an account, since strangers may sign up with somebody's address and choose a
        password; nor does the password alone. Who follows a stranger's link is told that it is not theirs.
        """
        verification_id = self._read(token)
        async with self.database.transaction() as tx:
            seen = await AccountRepository(tx).find_verification(verification_id)
        claim = _insist_that_it_is_open(seen)
        if not await self.passwords.match(password, claim.password_hash):
            raise LinkOfAnother
        try:
            sealed = await self.addresses.seal_proven(claim.identity.user_id, claim.address)
        except KeyShredded as forgotten:
            raise LinkExpired from forgotten
        async with self.database.transaction() as tx:
            accounts = AccountRepository(tx)
            found = _insist_that_it_is_open(await accounts.lock_verification(verification_id))
            version = await accounts.mark_verified(found, sealed)
            user_id = found.identity.user_id
            await tx.emit(
                UserVerified(user_id=user_id, version=version),
                audited("auth.user.verified", User(user_id), "user", user_id),
            )
        return user_id

    async def me(self, caller: Caller) -> Profile:
        """The caller's own account; who is being forgotten has no address any more."""
        async with self.database.transaction() as tx:
            profile = await AccountRepository(tx).profile(caller.user_id)
        if profile is None:
            raise Unauthenticated
        (email,) = await self.addresses.open([profile.address])
        return replace(profile, email=email)

    def _read(self, token: str) -> UUID:
        try:
            (verification_id,) = self.links.read(token).ids
        except TokenForged as error:
            raise LinkMalformed from error
        return verification_id

    async def _write_again(self, tx: Transaction, known: Identity, hashed: str, locale: str) -> None:
        if await self._write(tx, known, hashed, locale) and not known.verified:
            await tx.emit(audited("auth.user.verification_sent", User(), "user", known.user_id))

    async def _write(self, tx: Transaction, identity: Identity, hashed: str, locale: str) -> bool:
        """Write to the address what holds for it; False when it got enough mails lately."""
        if await self.mailer.count_about(tx, identity.id, timedelta(hours=1), ACCOUNT.name) >= MOST_MAILS:
            return False
        if identity.verified:
            return await self.mailer.queue(tx, already_registered(identity.id, locale))
        verification_id = new_id()
        accounts = AccountRepository(tx)
        await accounts.add_verification(verification_id, identity.id, hashed, LINK_LIFE)
        await accounts.save_password(identity.user_id, hashed)
        return await self.mailer.queue(tx, verify(identity.id, verification_id, locale))


def _insist_that_it_is_open(found: Verification | None) -> Verification:
    if found is None:
        raise LinkExpired
    if found.identity.verified:
        raise LinkUsed
    if found.expired:
        raise LinkExpired
    return found

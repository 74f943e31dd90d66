from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NoReturn
from uuid import UUID

from auth.accounts.address import EmailAddress
from auth.accounts.model import Account
from auth.accounts.repository import AccountRepository
from auth.accounts.sealing import Addresses
from auth.organizations.errors import OrganizationNotFound
from auth.passwords.hashing import Passwords
from auth.sessions.errors import (
    RefreshTokenForged,
    RefreshTokenReused,
    SessionEnded,
    TooManyAttempts,
    WrongCredentials,
)
from auth.sessions.model import (
    TOKEN_LIFE,
    Revocation,
    Session,
    Tokens,
    Verdict,
    attempted,
)
from auth.sessions.repository import AttemptRepository, SessionRepository
from auth.sessions.revoking import end_session, end_sessions
from auth.sign_ins.model import Outcome, Proof, Wish
from auth.sign_ins.service import Entrance, bound
from auth.tokens.model import Token, TokenForged
from contracts.audit import AuditEntry
from kit.audit import SYSTEM, User, audited
from kit.db.database import Database
from kit.http.caller import Caller

FREE_ATTEMPTS: Final = 10
LONGEST_WAIT: Final = timedelta(seconds=30)
FORGET_AFTER: Final = timedelta(minutes=15)
REVOKED_LATELY: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class SessionService:
    """Signing in, staying signed in, signing out."""

    database: Database
    addresses: Addresses
    passwords: Passwords
    entrance: Entrance
    attempts_key: bytes

    async def sign_in(self, address: str, password: str, wish: Wish) -> Outcome:
        """Begin a session, or a sign-in that a second factor completes.

        An unknown address, a wrong password and an address that is not verified are answered alike, after the same
        work: else signing up with somebody's address and then in would tell whether they have an account.
        """
        email = EmailAddress.parse(address)
        blind = await self.addresses.blind(email)
        identifier = attempted(self.attempts_key, blind)
        account = await self._attempt(blind, identifier)
        matches = await self.passwords.match(password, account.password_hash if account else None)
        if account is None or not matches or not account.verified:
            await self._refuse(account, blind)
        await self._renew_hash(account, password)
        async with self.database.transaction() as tx:
            await AttemptRepository(tx).forget([identifier])
            return await self.entrance.admit(tx, account.user_id, {Proof.PASSWORD}, wish)

    async def refresh(self, text: str, organization_id: UUID | None) -> Tokens:
        """Exchange a refresh token; with an organization, act in that one from now on.

        Who is no longer a member of the organization acted in stays signed in, without an organization.
        """
        token = self._read(text)
        async with self.database.transaction() as tx:
            sessions = SessionRepository(tx)
            found = await sessions.lock(token.ids[0])
            if found is None:
                raise SessionEnded
            session, now = found
            asked = organization_id or session.organization_id
            await tx.bind(*bound(asked))
            standing = await sessions.standing(session.user_id, asked)
            verdict = Verdict.ENDED
            if standing is not None:
                verdict = session.judge(token.counter, now, standing.sessions_from_epoch)
            counter = session.counter + (verdict is Verdict.ROTATE)
            if verdict is Verdict.REUSED:
                if await end_session(tx, session.id, session.user_id, "token-reused"):
                    await tx.emit(audited("auth.session.reuse_detected", SYSTEM, "session", session.id))
            elif standing is not None and verdict is not Verdict.ENDED:
                if organization_id is not None and standing.organization_id is None:
                    raise OrganizationNotFound
                await sessions.save_use(session, counter, standing.organization_id)
                if standing.organization_id not in (None, session.organization_id):
                    actor = User(session.user_id)
                    await tx.emit(audited("auth.session.switched", actor, "session", session.id))
        if verdict is Verdict.REUSED:  # raised after the commit: the family has ended although the request fails
            raise RefreshTokenReused
        if standing is None or verdict is Verdict.ENDED:
            raise SessionEnded
        return await self.entrance.tokens(session.id, session.user_id, standing, counter, _life(session, now))

    async def sign_out(self, caller: Caller) -> None:
        """End the caller's session; one that has ended stays as it is."""
        async with self.database.transaction() as tx:
            if await end_session(tx, caller.session_id, caller.user_id, "signed-out"):
                await tx.emit(audited("auth.session.ended", caller, "session", caller.session_id))

    async def sign_out_everywhere(self, caller: Caller) -> None:
        """End all sessions of the caller."""
        async with self.database.transaction() as tx:
            await end_sessions(tx, caller.user_id)
            await tx.emit(audited("auth.session.all_revoked", caller, "user", caller.user_id))

    async def revoked_lately(self) -> tuple[datetime, list[Revocation]]:
        """The platform's time, and what ended within the last quarter of an hour: longer than any token lives."""
        async with self.database.transaction() as tx:
            return await SessionRepository(tx).revocations(REVOKED_LATELY)

    async def _attempt(self, blind: bytes, identifier: bytes) -> Account | None:
        """Count an attempt; whose address it is is looked up even when there were too many, as for the line of it."""
        async with self.database.transaction() as tx:
            wait = await AttemptRepository(tx).claim(identifier, FREE_ATTEMPTS, LONGEST_WAIT, FORGET_AFTER)
            account = await AccountRepository(tx).find(blind)
            if wait is not None:
                await tx.emit(_turned_away("auth.session.throttled", account, blind))
        if wait is not None:  # raised after the commit: the line stays although the request fails
            raise TooManyAttempts(retry_after=wait.total_seconds())
        return account

    async def _refuse(self, account: Account | None, blind: bytes) -> NoReturn:
        """Refuse with one line of the audit trail, whether or not the address is known."""
        async with self.database.transaction() as tx:
            await tx.emit(_turned_away("auth.session.refused", account, blind))
        raise WrongCredentials

    async def _renew_hash(self, account: Account, password: str) -> None:
        if self.passwords.is_outdated(account.password_hash):
            hashed = await self.passwords.hashed(password)
            async with self.database.transaction() as tx:
                await AccountRepository(tx).save_password(account.user_id, hashed, instead_of=account.password_hash)

    def _read(self, text: str) -> Token:
        try:
            return self.entrance.refresh_tokens.read(text)
        except TokenForged as error:
            raise RefreshTokenForged from error


def _turned_away(action: str, account: Account | None, blind: bytes) -> AuditEntry:
    """What was tried on whom: on a user, or on an address that nobody has, by some digits of its keyed hash."""
    if account is None:
        return audited(action, User(), "address", blind.hex()[:16])
    return audited(action, User(), "user", account.user_id)


def _life(session: Session, now: datetime) -> timedelta:
    """No access token outlives its session."""
    return min(TOKEN_LIFE, max(session.expires_at - now, timedelta(seconds=1)))

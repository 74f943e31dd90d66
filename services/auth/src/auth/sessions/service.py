from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NoReturn
from uuid import UUID

from auth.accounts.handle import Handle, Handles
from auth.accounts.model import Account
from auth.accounts.repository import AccountRepository
from auth.accounts.sealing import Addresses
from auth.activity.repository import ActivityRepository
from auth.federation.errors import SignInThroughProvider
from auth.keys.repository import KeyRepository
from auth.mails.notices import Notice, notify
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
    Standing,
    Tokens,
    Verdict,
)
from auth.sessions.repository import SessionRepository, Use
from auth.sessions.revoking import end_session
from auth.sign_ins.errors import SecondFactorRequired
from auth.sign_ins.model import Outcome, Proof, Visitor, Wish
from auth.sign_ins.repository import find_coming
from auth.sign_ins.service import Entrance, insist_on_membership
from auth.throttle.model import Attempt
from auth.throttle.service import Throttle
from auth.tokens.model import Token, TokenForged
from contracts.audit import AuditEntry
from contracts.auth import SessionReuseDetected
from kit.audit import SYSTEM, User, audited
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.telemetry import metrics

REFRESHES = metrics.counter("auth_refreshes_total", "Refresh tokens shown", ("verdict",))
NOBODY: Final = UUID(int=0)
REVOKED_LATELY: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class SessionService:
    """Signing in, staying signed in, signing out."""

    database: Database
    addresses: Addresses
    handles: Handles
    passwords: Passwords
    entrance: Entrance
    throttle: Throttle

    async def sign_in(self, email: str | None, phone: str | None, password: str, wish: Wish) -> Outcome:
        """Begin a session, or a sign-in that a second factor completes.

        An unknown address and a wrong password are answered alike, after the same work. An address that
        nobody has proven is unknown.
        """
        handle = self.handles.known(email, phone)
        blind = await self.addresses.blind(handle)
        account, attempt = await self._attempt(handle, blind, wish)
        try:
            matches = await self.passwords.match(password, account.password_hash if account else None)
        except BaseException:
            await self.throttle.withdraw(attempt)
            raise
        if account is None or not matches or not account.verified:
            await self._refuse(account, blind, attempt)
        tokens = await self._let_in_at_once(account, attempt, wish)
        if tokens is not None:
            return tokens
        await self.throttle.right(attempt)
        await self._renew_hash(account, password)
        async with self.database.transaction() as tx:
            return await self.entrance.admit(tx, account.user_id, {Proof.PASSWORD}, wish, as_of=account.epoch)

    async def _let_in_at_once(self, account: Account, attempt: Attempt, wish: Wish) -> Tokens | None:
        """A session for somebody on a known device of whom nothing else is wanted, as is mostly so."""
        if attempt.device_id is None or wish.organization_id is not None:
            return None
        if self.passwords.is_outdated(account.password_hash):
            return None
        tokens = await self.entrance.admit_at_once(account, attempt.device_id, wish.visitor)
        if tokens is not None:
            self.throttle.was_right(attempt)
        return tokens

    async def refresh(self, text: str, organization_id: UUID | None, visitor: Visitor) -> Tokens:
        """Exchange a refresh token; with an organization, act in that one from now on.

        Who is no longer a member of the organization acted in stays signed in, without an organization; so does who
        has shown no second factor where it demands one.

        Raises:
            OrganizationNotFound: the user does not belong to the organization asked for.
            SecondFactorRequired: it lets in only those who have shown a second factor.
        """
        token = self._read(text)
        async with self.database.transaction() as tx:
            sessions = SessionRepository(tx)
            found = await sessions.lock(token.ids[0])
            if found is None:
                raise SessionEnded
            session, now = found
            asked = organization_id or session.organization_id
            if asked is not None:
                await tx.bind(asked)
            standing = await sessions.standing(session.user_id, asked)
            verdict = Verdict.ENDED
            if standing is not None:
                verdict = session.judge(
                    token.counter,
                    now,
                    standing.sessions_from_epoch,
                    device=visitor.device,
                    limits=self.entrance.limits,
                )
            counter = session.counter + (verdict is Verdict.ROTATE)
            if verdict is Verdict.REUSED:
                await self._end_family(tx, session)
            elif standing is not None and verdict is not Verdict.ENDED:
                standing = _let_in(standing, session, organization_id)
                standing = await self._enforced(tx, session, standing, organization_id)
                sealed = await self.entrance.whereabouts.seal(session.id, session.user_id, visitor)
                retry = verdict is Verdict.RETRY
                where = standing.organization_id
                await sessions.save_use(Use(session.id, token.counter, counter, retry, where, sealed))
                if where not in (None, session.organization_id):
                    actor = User(session.user_id)
                    await tx.emit(audited("auth.session.switched", actor, "session", session.id))
        REFRESHES.labels(verdict.name.lower()).inc()
        if verdict is Verdict.REUSED:  # raised after the commit: the family has ended although the request fails
            raise RefreshTokenReused
        if standing is None or verdict is Verdict.ENDED:
            raise SessionEnded
        return await self.entrance.tokens(
            session.id,
            session.user_id,
            standing,
            counter,
            _life(session, now),
            cookies=visitor.cookies,
            refresh_life=session.expires_at - now,
        )

    async def _enforced(self, tx: Transaction, session: Session, standing: Standing, asked: UUID | None) -> Standing:
        """Where an organization wants its members to come through its own provider, others act in it no more.

        Raises:
            SignInThroughProvider: it was asked for.
        """
        try:
            await self.entrance.enforcement.insist(tx, session.user_id, standing, session.through)
        except SignInThroughProvider:
            if asked is not None:
                raise
            return replace(standing, organization_id=None, role=None)
        return standing

    async def _end_family(self, tx: Transaction, session: Session) -> None:
        """Somebody has a copy of a token: nobody goes on with this session."""
        if await end_session(tx, session.id, session.user_id, "token-reused"):
            await tx.emit(
                SessionReuseDetected(user_id=session.user_id, session_id=session.id),
                audited("auth.session.reuse_detected", SYSTEM, "session", session.id),
            )
            await notify(tx, self.entrance.mailer, session.user_id, Notice.TOKEN_REUSED, session.id)

    async def sign_out(self, caller: Caller) -> None:
        """End the caller's session; one that has ended stays as it is."""
        async with self.database.transaction() as tx:
            if await end_session(tx, caller.session_id, caller.user_id, "signed-out"):
                await tx.emit(audited("auth.session.ended", caller, "session", caller.session_id))

    async def revoked_lately(self) -> tuple[datetime, list[Revocation], list[str]]:
        """The platform's time, and what ended within the last quarter of an hour: longer than any token lives.

        The last are the names of signing keys that were taken away.
        """
        async with self.database.transaction() as tx:
            now, revocations = await SessionRepository(tx).revocations(REVOKED_LATELY)
            return now, revocations, await KeyRepository(tx).removed(REVOKED_LATELY)

    async def _attempt(self, handle: Handle, blind: bytes, wish: Wish) -> tuple[Account | None, Attempt]:
        """Count an attempt; whose address it is is looked up even when there were too many, as for the line of it."""
        device = wish.visitor.device
        coming = await find_coming(self.database, handle.kind, blind, device, self.throttle.first_guess())
        account, user_id = coming.account, coming.account.user_id if coming.account else None
        attempt = await self.throttle.claim_now(
            blind, user_id, coming.device_id, wish.visitor, counted=coming.counted
        )
        if attempt.wait is not None:
            async with self.database.transaction() as tx:
                await tx.emit(_turned_away("auth.session.throttled", account, blind))
            raise TooManyAttempts(retry_after=attempt.wait.total_seconds())
        return account, attempt

    async def _refuse(self, account: Account | None, blind: bytes, attempt: Attempt) -> NoReturn:
        """Refuse with one line of the audit trail, whether or not the address is known."""
        async with self.database.transaction() as tx:
            await self.throttle.verdict(tx, attempt, right=False)
            await ActivityRepository(tx).refused(account.user_id if account else NOBODY)
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


def _let_in(standing: Standing, session: Session, wished: UUID | None) -> Standing:
    """Where the session may go on: in the organization, or without one where that was not asked for.

    Raises:
        OrganizationNotFound: the user does not belong to the organization asked for.
        OrganizationIsSuspended: nobody acts in it.
        SecondFactorRequired: it lets in only those who have shown a second factor.
    """
    insist_on_membership(standing, wished)
    if session.strong or not standing.demanding:
        return standing
    if wished is not None:
        raise SecondFactorRequired
    return replace(standing, organization_id=None, role=None)


def _life(session: Session, now: datetime) -> timedelta:
    """No access token outlives its session."""
    return min(TOKEN_LIFE, max(session.expires_at - now, timedelta(seconds=1)))

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from auth.accounts.address import EmailAddress
from auth.factors.model import SECRET_BYTES, step_of
from auth.passwords.hashing import Passwords
from auth.sessions.errors import RefreshTokenForged, RefreshTokenReused
from auth.sessions.model import Verdict
from auth.staff.errors import StaffCredentialsWrong, StaffSessionEnded, TooManyStaffAttempts
from auth.staff.model import (
    ABSOLUTE_LIFE,
    FORGET_AFTER,
    FREE_ATTEMPTS,
    LONGEST_WAIT,
    TOKEN_LIFE,
    Credentials,
    StaffSession,
    StaffTokens,
)
from auth.staff.repository import StaffAttempts, StaffRepository
from auth.staff.sealing import StaffSeals
from auth.staff_sessions.access import StaffAccess
from auth.staff_sessions.ending import end_session
from auth.staff_sessions.repository import StaffSessionRepository
from auth.tokens.model import Token, TokenForged
from contracts.audit import AuditEntry
from kit.audit import SYSTEM, Staff, audited
from kit.db.database import Database
from kit.http.staff import StaffCaller
from kit.ids import new_id


@dataclass(frozen=True, slots=True)
class StaffSessionService:
    """How staff sign in, go on, prove themselves again and sign out: always with both factors, never without."""

    database: Database
    seals: StaffSeals
    passwords: Passwords
    access: StaffAccess

    async def sign_in(self, address: str, password: str, code: str, agent: str) -> StaffTokens:
        """Begin a session; whichever of the three is wrong, the answer and the work are the same."""
        blind = await self.seals.blind(EmailAddress.parse(address))
        identifier = await self.seals.attempts(blind)
        await self._count(identifier, blind)
        async with self.database.transaction() as tx:
            found = await StaffRepository(tx).credentials(blind)
        step = await self._step(found, password, code)
        if found is None or step is None:
            await self._refuse(found, blind)
        session_id = new_id()
        async with self.database.transaction() as tx:
            taken = await StaffRepository(tx).take_step(found, step)
            if taken:
                await StaffAttempts(tx).forget(identifier)
                await StaffSessionRepository(tx).add(session_id, found.staff_id, agent, ABSOLUTE_LIFE)
                await tx.emit(audited("auth.staff.signed_in", Staff(found.staff_id), "session", session_id))
        if not taken:
            await self._refuse(found, blind)
        return await self.access.tokens(session_id, found.staff_id, found.role, found.epoch, 0, TOKEN_LIFE)

    async def prove(self, staff: StaffCaller, password: str, code: str) -> None:
        """Show both factors again within a session."""
        async with self.database.transaction() as tx:
            known = await StaffRepository(tx).credentials_of(staff.staff_id)
        if known is None:
            raise StaffSessionEnded
        credentials, blind = known
        identifier = await self.seals.attempts(blind)
        await self._count(identifier, blind)
        step = await self._step(credentials, password, code)
        if step is None:
            await self._refuse(credentials, blind)
        async with self.database.transaction() as tx:
            taken = await StaffRepository(tx).take_step(credentials, step)
            if taken:
                await StaffAttempts(tx).forget(identifier)
                if not await StaffSessionRepository(tx).prove(staff.session_id, staff.staff_id):
                    raise StaffSessionEnded
                await tx.emit(audited("auth.staff.proven", staff, "session", staff.session_id))
        if not taken:
            await self._refuse(credentials, blind)

    async def refresh(self, text: str) -> StaffTokens:
        """Exchange a refresh token, as customers do; a used one ends the session, although the request fails."""
        token = self._read(text)
        async with self.database.transaction() as tx:
            sessions = StaffSessionRepository(tx)
            found = await sessions.lock(token.ids[0])
            if found is None:
                raise StaffSessionEnded
            session, now = found
            verdict = session.judge(token.counter, now)
            counter = session.counter + (verdict is Verdict.ROTATE)
            if verdict is Verdict.REUSED:
                if await end_session(tx, session.id, session.staff_id, "token-reused"):
                    await tx.emit(audited("auth.staff.reuse_detected", SYSTEM, "session", session.id))
            elif verdict is not Verdict.ENDED:
                await sessions.save_use(session, counter)
        if verdict is Verdict.REUSED:  # raised after the commit
            raise RefreshTokenReused
        if verdict is Verdict.ENDED:
            raise StaffSessionEnded
        life = _life(session, now)
        return await self.access.tokens(session.id, session.staff_id, session.role, session.epoch, counter, life)

    async def sign_out(self, staff: StaffCaller) -> None:
        """End the session; one that has ended stays as it is."""
        async with self.database.transaction() as tx:
            if await end_session(tx, staff.session_id, staff.staff_id, "signed-out"):
                await tx.emit(audited("auth.staff.signed_out", staff, "session", staff.session_id))

    async def _count(self, identifier: bytes, blind: bytes) -> None:
        """Count an attempt before it is made."""
        async with self.database.transaction() as tx:
            wait = await StaffAttempts(tx).claim(identifier, FREE_ATTEMPTS, LONGEST_WAIT, FORGET_AFTER)
            if wait is not None:
                await tx.emit(_turned_away("auth.staff.throttled", None, blind))
        if wait is not None:  # raised after the commit
            raise TooManyStaffAttempts(retry_after=wait.total_seconds())

    async def _step(self, found: Credentials | None, password: str, code: str) -> int | None:
        """The step of the code, when both factors are right; the same is done whoever it is and whatever is wrong."""
        matches = await self.passwords.match(password, found.password_hash if found else None)
        secret = await self.seals.totp(found.staff_id, found.totp_sealed) if found else bytes(SECRET_BYTES)
        step = step_of(secret, code, self.database.clock.now())
        return step if matches else None

    async def _refuse(self, found: Credentials | None, blind: bytes) -> NoReturn:
        async with self.database.transaction() as tx:
            await tx.emit(_turned_away("auth.staff.refused", found, blind))
        raise StaffCredentialsWrong

    def _read(self, text: str) -> Token:
        try:
            return self.access.refresh_tokens.read(text)
        except TokenForged as error:
            raise RefreshTokenForged from error


def _turned_away(action: str, found: Credentials | None, blind: bytes) -> AuditEntry:
    if found is None:
        return audited(action, Staff(), "address", blind.hex()[:16])
    return audited(action, Staff(), "staff", found.staff_id)


def _life(session: StaffSession, now: datetime) -> timedelta:
    """No access token outlives its session."""
    return min(TOKEN_LIFE, max(session.expires_at - now, timedelta(seconds=1)))

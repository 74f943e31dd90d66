"""Showing a second factor: to complete a sign-in, or in a session to whoever asks for a fresh proof (step-up)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth.accounts.repository import AccountRepository
from auth.factors.errors import ProofRefused, WrongFactor
from auth.factors.proving import Codes, ShownCode
from auth.factors.repository import RecoveryCodeRepository
from auth.mails.notices import Notice, notify
from auth.passwords.hashing import Passwords
from auth.sessions.errors import SessionEnded
from auth.sessions.model import Tokens
from auth.sessions.repository import SessionRepository
from auth.sessions.revoking import void_tokens
from auth.sign_ins.fresh import FRESH
from auth.sign_ins.model import Proof, Wish
from auth.sign_ins.service import Entrance
from kit.audit import User, audited
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.mail import Mailer


@dataclass(frozen=True, slots=True)
class Proven:
    """What a session is worth after something was shown in it."""

    proofs: tuple[str, ...]
    proven_at: datetime
    strong_at: datetime | None
    fresh_until: datetime


@dataclass(frozen=True, slots=True)
class ShowingService:
    """Takes what is shown. Each thing is good once; what was wrong is put on record although the request fails."""

    database: Database
    entrance: Entrance
    codes: Codes
    passwords: Passwords
    mailer: Mailer

    async def complete(self, token: str, shown: ShownCode, wish: Wish) -> Tokens:
        """Complete a sign-in; each try is counted, right or wrong.

        Raises:
            SignInOver: there is none such, or no try is left.
            WrongFactor: that was not right.
        """
        sign_in = await self.entrance.attempt(token)
        right = await self.codes.weigh(sign_in.user_id, shown)
        if right is not None:
            async with self.database.transaction() as tx:
                if await right.use(tx):
                    await self._remark(tx, sign_in.user_id, shown.proof)
                    return await self.entrance.complete(tx, sign_in, shown.proof, wish)
        await self._refuse(sign_in.user_id, shown.proof)
        raise WrongFactor

    async def prove(self, shown: ShownCode, caller: Caller) -> Proven:
        """Show a second factor in a session.

        Raises:
            ProofRefused: that was not right.
            SessionEnded: the session is over.
        """
        _insist_on_person(caller)
        right = await self.codes.weigh(caller.user_id, shown)
        if right is not None:
            async with self.database.transaction() as tx:
                if not await SessionRepository(tx).hold(caller.session_id, caller.user_id):
                    raise SessionEnded
                if await right.use(tx):
                    await self._remark(tx, caller.user_id, shown.proof)
                    return await _strengthened(tx, caller, shown.proof)
        await self._refuse(caller.user_id, shown.proof)
        raise ProofRefused

    async def prove_password(self, password: str, caller: Caller) -> Proven:
        """Show the password in a session.

        Raises:
            ProofRefused: that was not right.
            SessionEnded: the session is over.
        """
        _insist_on_person(caller)
        async with self.database.transaction() as tx:
            hashed = await AccountRepository(tx).password_of(caller.user_id)
        if await self.passwords.match(password, hashed):
            async with self.database.transaction() as tx:
                if not await SessionRepository(tx).hold(caller.session_id, caller.user_id):
                    raise SessionEnded
                return await _strengthened(tx, caller, Proof.PASSWORD)
        await self._refuse(caller.user_id, Proof.PASSWORD)
        raise ProofRefused

    async def _refuse(self, user_id: UUID, proof: Proof) -> None:
        async with self.database.transaction() as tx:
            await tx.emit(audited("auth.factor.refused", User(), "user", user_id, kind=proof.value))

    async def _remark(self, tx: Transaction, user_id: UUID, proof: Proof) -> None:
        """A recovery code that is used is worth a remark: somebody has lost their other factors, or was robbed."""
        if proof is Proof.RECOVERY_CODE:
            left = await RecoveryCodeRepository(tx).left(user_id)
            await tx.emit(audited("auth.recovery_code.used", User(user_id), "user", user_id, left=left))
            await notify(tx, self.mailer, user_id, Notice.RECOVERY_CODE_USED)


async def _strengthened(tx: Transaction, caller: Caller, proof: Proof) -> Proven:
    """Access tokens from before die: whoever holds a copy of one gains nothing by what was shown (ASVS 7.2.4)."""
    found = await SessionRepository(tx).strengthen(caller.session_id, caller.user_id, proof)
    if found is None:
        raise SessionEnded
    await tx.emit(audited("auth.session.proven", caller, "session", caller.session_id, kind=proof.value))
    await void_tokens(tx, caller.user_id)
    return Proven(found.proofs, found.proven_at, found.strong_at, found.proven_at + FRESH)


def _insist_on_person(caller: Caller) -> None:
    """Keys, programs and staff in a person's place have nothing to show."""
    if caller.kind != "user" or caller.actor_id is not None:
        raise ProofRefused

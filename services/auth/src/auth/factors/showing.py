"""Showing a second factor: to complete a sign-in, or in a session to whoever asks for a fresh proof (step-up)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from auth.accounts.repository import AccountRepository
from auth.factor_recoveries.stopping import stop_recovery
from auth.factors.errors import ProofRefused, WrongFactor
from auth.factors.proving import Codes, Right, Shown
from auth.factors.repository import RecoveryCodeRepository
from auth.mails.notices import Notice, notify
from auth.passkeys.model import Challenge, Options, Purpose
from auth.passkeys.proving import PasskeyProofs, ShownPasskey
from auth.passwords.hashing import Passwords
from auth.sessions.errors import SessionEnded
from auth.sessions.model import Tokens
from auth.sessions.repository import SessionRepository
from auth.sessions.revoking import void_tokens
from auth.sign_ins.fresh import FRESH
from auth.sign_ins.model import SECOND, Proof, Visitor, Wish
from auth.sign_ins.service import Entrance
from auth.throttle.model import Attempt
from auth.throttle.service import Throttle
from kit.audit import User, audited
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.mail import Mailer

GUESSABLE: Final = frozenset({Proof.PASSWORD, Proof.TOTP})
"""What is short or chosen by people. Recovery codes and passkeys go on when too many of these were wrong."""


@dataclass(frozen=True, slots=True)
class Proven:
    """What a session is worth after something was shown in it."""

    proofs: tuple[str, ...]
    proven_at: datetime
    strong_at: datetime | None
    fresh_until: datetime


@dataclass(frozen=True, slots=True)
class Guess:
    """One try of what can be guessed; of all else nothing is counted."""

    throttle: Throttle | None = None
    attempt: Attempt | None = None

    async def was_right(self, tx: Transaction) -> None:
        """It was the right one, unless the transaction is rolled back."""
        if self.throttle is not None and self.attempt is not None:
            await self.throttle.verdict(tx, self.attempt, right=True)

    async def was_wrong(self, tx: Transaction) -> None:
        """It was a wrong one."""
        if self.throttle is not None and self.attempt is not None:
            await self.throttle.verdict(tx, self.attempt, right=False)

    async def withdraw(self) -> None:
        """Nobody found out."""
        if self.throttle is not None and self.attempt is not None:
            await self.throttle.withdraw(self.attempt)


@dataclass(frozen=True, slots=True)
class ShowingService:
    """Takes what is shown. Each thing is good once; what was wrong is put on record although the request fails."""

    database: Database
    entrance: Entrance
    codes: Codes
    passkeys: PasskeyProofs
    passwords: Passwords
    mailer: Mailer
    throttle: Throttle

    async def ask(self, token: str) -> Options:
        """A challenge for a passkey of whose sign-in this is; it is no try.

        Raises:
            SignInOver: there is none such, or no try is left.
        """
        sign_in = await self.entrance.waiting(token)
        return await self.passkeys.ask(Challenge(Purpose.SECOND_FACTOR, sign_in.user_id, sign_in.id))

    async def ask_again(self, caller: Caller) -> Options:
        """A challenge for a passkey of the caller, for a fresh proof."""
        _insist_on_person(caller)
        return await self.passkeys.ask(_step_up(caller))

    async def complete(self, token: str, shown: Shown, wish: Wish) -> Tokens:
        """Complete a sign-in; each try is counted, right or wrong.

        Raises:
            SignInOver: there is none such, or no try is left.
            WrongFactor: that was not right.
            TooManyAttempts: too many codes were wrong on this account.
        """
        sign_in = await self.entrance.attempt(token)
        challenge = Challenge(Purpose.SECOND_FACTOR, sign_in.user_id, sign_in.id)
        async with self._guess(sign_in.user_id, shown.proof, wish.visitor) as guess:
            right = await self._weigh(shown, challenge)
            if right is not None:
                async with self.database.transaction() as tx:
                    if await right.use(tx):
                        await self._remark(tx, sign_in.user_id, shown.proof)
                        await guess.was_right(tx)
                        return await self.entrance.complete(tx, sign_in, shown.proof, wish)
            await self._refuse(sign_in.user_id, shown.proof, guess)
        raise WrongFactor

    async def prove(self, shown: Shown, caller: Caller, visitor: Visitor) -> Proven:
        """Show a second factor in a session.

        Raises:
            ProofRefused: that was not right.
            SessionEnded: the session is over.
            TooManyAttempts: too many codes were wrong on this account.
        """
        _insist_on_person(caller)
        async with self._guess(caller.user_id, shown.proof, visitor) as guess:
            right = await self._weigh(shown, _step_up(caller))
            if right is not None:
                async with self.database.transaction() as tx:
                    if not await SessionRepository(tx).hold(caller.session_id, caller.user_id):
                        raise SessionEnded
                    if await right.use(tx):
                        await self._remark(tx, caller.user_id, shown.proof)
                        await guess.was_right(tx)
                        return await _strengthened(tx, caller, shown.proof)
            await self._refuse(caller.user_id, shown.proof, guess)
        raise ProofRefused

    async def prove_password(self, password: str, caller: Caller, visitor: Visitor) -> Proven:
        """Show the password in a session.

        Raises:
            ProofRefused: that was not right.
            SessionEnded: the session is over.
            TooManyAttempts: too many were wrong on this account.
        """
        _insist_on_person(caller)
        async with self._guess(caller.user_id, Proof.PASSWORD, visitor) as guess:
            async with self.database.transaction() as tx:
                hashed = await AccountRepository(tx).password_of(caller.user_id)
            if await self.passwords.match(password, hashed):
                async with self.database.transaction() as tx:
                    if not await SessionRepository(tx).hold(caller.session_id, caller.user_id):
                        raise SessionEnded
                    await guess.was_right(tx)
                    return await _strengthened(tx, caller, Proof.PASSWORD)
            await self._refuse(caller.user_id, Proof.PASSWORD, guess)
        raise ProofRefused

    @asynccontextmanager
    async def _guess(self, user_id: UUID, proof: Proof, visitor: Visitor) -> AsyncIterator[Guess]:
        """Count a try of what can be guessed before it is made; what ends without a verdict was none."""
        if proof not in GUESSABLE:
            yield Guess()
            return
        guess = Guess(self.throttle, await self.throttle.claim_factor(user_id, visitor))
        try:
            yield guess
        except BaseException:
            await guess.withdraw()
            raise

    async def _weigh(self, shown: Shown, challenge: Challenge) -> Right | None:
        if isinstance(shown, ShownPasskey):
            return await self.passkeys.weigh(shown, challenge)
        return None if challenge.user_id is None else await self.codes.weigh(challenge.user_id, shown)

    async def _refuse(self, user_id: UUID, proof: Proof, guess: Guess) -> None:
        async with self.database.transaction() as tx:
            await guess.was_wrong(tx)
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
    if proof in SECOND:
        await stop_recovery(tx, caller.user_id)
    await tx.emit(audited("auth.session.proven", caller, "session", caller.session_id, kind=proof.value))
    await void_tokens(tx, caller.user_id)
    return Proven(found.proofs, found.proven_at, found.strong_at, found.proven_at + FRESH)


def _step_up(caller: Caller) -> Challenge:
    return Challenge(Purpose.STEP_UP, caller.user_id, caller.session_id)


def _insist_on_person(caller: Caller) -> None:
    """Keys, programs and staff in a person's place have nothing to show."""
    if caller.kind != "user" or caller.actor_id is not None:
        raise ProofRefused

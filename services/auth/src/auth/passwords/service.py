"""Passwords that are forgotten, and passwords that are changed."""

from dataclasses import dataclass, field
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.accounts.handle import Handles
from auth.accounts.repository import AccountRepository
from auth.accounts.sealing import Addresses
from auth.challenges.errors import LinkExpired, TextCodeOver
from auth.challenges.model import Challenge, Purpose
from auth.challenges.repository import ChallengeRepository
from auth.challenges.service import Challenges
from auth.factors.enrolled import enrolled
from auth.mails.notices import Notice, notify
from auth.passwords.approving import Approval
from auth.passwords.errors import PasswordRefused, PasswordWrong
from auth.passwords.hashing import Passwords
from auth.passwords.repository import PasswordRepository
from auth.sessions.errors import TooManyAttempts
from auth.sessions.revoking import end_other_sessions, end_sessions
from auth.sign_ins.fresh import insist_on_fresh_proof
from auth.sign_ins.model import Visitor
from auth.throttle.service import Throttle
from kit.audit import User, audited
from kit.db.database import Database, Transaction
from kit.errors import Unauthenticated
from kit.http.caller import Caller
from kit.mail import Mailer


@dataclass(frozen=True, slots=True)
class Chosen:
    """A password that may be stored, and whether it is good only beside a second factor."""

    hashed: str = field(repr=False)
    needs_factor: bool


@dataclass(frozen=True, slots=True)
class PasswordService:
    """Resetting and changing passwords."""

    database: Database
    addresses: Addresses
    handles: Handles
    passwords: Passwords
    approval: Approval
    challenges: Challenges
    mailer: Mailer
    throttle: Throttle

    async def ask_for_reset(self, email: str | None, phone: str | None, locale: str) -> str:
        """Send a link or code with which a password can be set; the same is done for whom we do not know."""
        return await self.challenges.ask(Purpose.RESET, self.handles.known(email, phone), locale)

    async def reset(self, token: str, password: str) -> None:
        """Set a password with the link of a mail. It signs nobody in, and spares nobody a second factor.

        Raises:
            LinkExpired: it was used, is too old, or the password was changed since.
        """
        challenge = await self.challenges.find(token, Purpose.RESET)
        if not challenge.known or not await self._set(challenge, password):
            raise LinkExpired

    async def reset_by_text(self, request_token: str, code: str, password: str) -> None:
        """Set a password with the code of a text message; the same holds.

        Raises:
            TextCodeOver: it was used, is too old, or the password was changed since.
        """
        challenge = await self.challenges.solved(request_token, code, Purpose.RESET)
        if not challenge.known or not await self._set(challenge, password):
            raise TextCodeOver

    async def change(self, caller: Caller, visitor: Visitor, present: str | None, password: str) -> None:
        """Set another password; the present one or a fresh proof is needed, and all other sessions end.

        Raises:
            PasswordWrong, StepUpNeeded: neither was shown.
        """
        async with self.database.transaction() as tx:
            if present is None:
                await insist_on_fresh_proof(tx, caller)
            held = await PasswordRepository(tx).of(caller.user_id)
            factors = await enrolled(tx, caller.user_id)
        if held is None:
            raise Unauthenticated
        if present is not None:
            await self._insist_on_present(caller, visitor, present, held)
        chosen = await self._approved(caller.user_id, password, second_factor=bool(factors))
        async with self.database.transaction() as tx:
            if not await _save(tx, caller.user_id, chosen, instead_of=held):
                raise PasswordWrong
            await notify(tx, self.mailer, caller.user_id, Notice.PASSWORD_CHANGED)
            await end_other_sessions(tx, caller.user_id, caller.session_id)
            await tx.emit(audited("auth.password.changed", caller, "user", caller.user_id))

    async def _insist_on_present(self, caller: Caller, visitor: Visitor, present: str, held: str) -> None:
        """Counted like attempts to sign in, so that a session that was left open is no place to guess a password."""
        async with self.database.transaction() as tx:
            known = await AccountRepository(tx).identities(caller.user_id)
            identifier = known[0].blind if known else caller.user_id.bytes
            attempt = await self.throttle.claim(tx, identifier, caller.user_id, visitor)
        if attempt.wait is not None:
            raise TooManyAttempts(retry_after=attempt.wait.total_seconds())
        try:
            matches = await self.passwords.match(present, held)
        except BaseException:
            await self.throttle.withdraw(attempt)
            raise
        async with self.database.transaction() as tx:
            await self.throttle.verdict(tx, attempt, right=matches)
            if not matches:
                await tx.emit(audited("auth.password.refused", caller, "user", caller.user_id))
        if not matches:
            raise PasswordWrong

    async def _set(self, challenge: Challenge, password: str) -> bool:
        user_id = challenge.user_id
        async with self.database.transaction() as tx:
            factors = await enrolled(tx, user_id)
        chosen = await self._approved(user_id, password, second_factor=bool(factors))
        async with self.database.transaction() as tx:
            if await ChallengeRepository(tx).use(challenge.id) is None:
                return False
            await _save(tx, user_id, chosen)
            known = await AccountRepository(tx).identities(user_id)
            await self.throttle.forget(tx, user_id, *(each.blind for each in known))
            await notify(tx, self.mailer, user_id, Notice.PASSWORD_RESET, challenge.id)
            await end_sessions(tx, user_id)
            await tx.emit(audited("auth.password.reset", User(user_id), "user", user_id, by=challenge.kind))
        return True

    async def _approved(self, user_id: UUID, password: str, *, second_factor: bool) -> Chosen:
        async with self.database.transaction() as tx:
            known = await AccountRepository(tx).identities(user_id)
        opened = await self.addresses.open([SealedAddress(each.id, each.sealed) for each in known])
        context = [each for each in opened if each is not None]
        hashed = await self.approval.hashed(password, context, second_factor=second_factor)
        return Chosen(hashed, second_factor and await self.approval.needs_factor(password, context))


async def _save(tx: Transaction, user_id: UUID, chosen: Chosen, *, instead_of: str | None = None) -> bool:
    """Store a password; False when another is stored than `instead_of`.

    Raises:
        PasswordRefused: it needs a second factor, and the last one was removed meanwhile.
    """
    saved = await PasswordRepository(tx).save(
        user_id, chosen.hashed, needs_factor=chosen.needs_factor, instead_of=instead_of
    )
    if saved and chosen.needs_factor and not await enrolled(tx, user_id):  # asked under the lock of the user
        raise PasswordRefused("This password is too short without a second factor.")
    return saved

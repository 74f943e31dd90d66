"""What somebody may show beside their first factor: adding it, seeing it, taking it away."""

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from auth.accounts.repository import AccountRepository
from auth.accounts.sealing import Addresses
from auth.factors.enrolled import enrolled
from auth.factors.errors import (
    AlreadyActive,
    CodeWrong,
    FactorDemanded,
    FactorNotFound,
    NothingToRecover,
    PasswordTooShort,
    TooManyFactors,
)
from auth.factors.model import (
    ACTIVATE_WITHIN,
    MOST_APPS,
    App,
    Enrolment,
    Overview,
    code_hash,
    enrolment,
    new_codes,
    new_secret,
    step_of,
)
from auth.factors.repository import AppRepository, FactorRepository, RecoveryCodeRepository
from auth.factors.sealing import FactorSeals
from auth.mails.notices import Notice, notify
from auth.passwords.repository import PasswordRepository
from auth.sessions.errors import SessionEnded
from auth.sessions.repository import SessionRepository
from auth.sessions.revoking import end_other_sessions, void_tokens
from auth.sign_ins.fresh import insist_on_fresh_proof
from auth.sign_ins.model import Proof
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.errors import Unauthenticated
from kit.http.caller import Caller
from kit.ids import new_id
from kit.mail import Mailer
from kit.seal import KeyShredded

AT_ONCE: Final = 100
MOST_DEMANDS: Final = 20
"""Organizations that are named to whoever asks why."""


@dataclass(frozen=True, slots=True)
class FactorService:
    """All changes of one person's factors happen one after the other, and each asks for a fresh proof."""

    database: Database
    seals: FactorSeals
    mailer: Mailer
    addresses: Addresses
    issuer: str
    codes_key: bytes = field(repr=False)

    async def overview(self, caller: Caller) -> Overview:
        """The caller's factors."""
        async with self.database.transaction() as tx:
            factors = await FactorRepository(tx).of(caller.user_id)
            left = await RecoveryCodeRepository(tx).left(caller.user_id)
            demands = await FactorRepository(tx).demanded_by(caller.user_id, MOST_DEMANDS)
        return Overview(await self.seals.open_names(factors), left, demands)

    async def enrol_app(self, name: str, caller: Caller) -> Enrolment:
        """A new authenticator app; it counts once its first code was right, within a quarter of an hour."""
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, caller)
            profile = await AccountRepository(tx).profile(caller.user_id)
        if profile is None:
            raise Unauthenticated
        named_by = await self.addresses.open(profile.places)
        app_id, secret = new_id(), new_secret()
        try:
            sealed, named = await self.seals.seal_app(caller.user_id, app_id, secret, name)
        except KeyShredded as forgotten:
            raise Unauthenticated from forgotten
        async with self.database.transaction() as tx:
            await begin_change(tx, caller)
            apps = AppRepository(tx)
            await apps.purge(ACTIVATE_WITHIN, AT_ONCE, caller.user_id)
            if not await apps.add(App(app_id, caller.user_id, sealed, active=False), named, MOST_APPS):
                raise TooManyFactors
        return enrolment(app_id, secret, self.issuer, next(filter(None, named_by), ""))

    async def activate_app(self, app_id: UUID, code: str, caller: Caller, *, end_others: bool) -> list[str]:
        """Take an app into use with its first right code; returns recovery codes, if there were none yet."""
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, caller)
            app = await AppRepository(tx).find(app_id, caller.user_id, ACTIVATE_WITHIN)
        if app is None:
            raise FactorNotFound
        (secret,) = await self.seals.open_secrets([app])
        step = None if secret is None else step_of(secret, code, self.database.clock.now())
        if step is None:
            raise CodeWrong
        async with self.database.transaction() as tx:
            await begin_change(tx, caller)
            if not await AppRepository(tx).activate(app_id, step):
                raise AlreadyActive
            return await added(tx, caller, app_id, Proof.TOTP, self.mailer, self.codes_key, end_others=end_others)

    async def remove_app(self, app_id: UUID, caller: Caller, *, end_others: bool) -> None:
        """Take an app out of use, or forget one that never was."""
        async with self.database.transaction() as tx:
            await begin_change(tx, caller)
            active = await AppRepository(tx).delete(app_id, caller.user_id)
            if active is None:
                raise FactorNotFound
            if active:
                await removed(tx, caller, app_id, Proof.TOTP, self.mailer, end_others=end_others)

    async def renew_codes(self, caller: Caller) -> list[str]:
        """Ten new recovery codes; the old ones are worth nothing any more."""
        async with self.database.transaction() as tx:
            await begin_change(tx, caller)
            if not await enrolled(tx, caller.user_id):
                raise NothingToRecover
            codes = await _replace_codes(tx, caller.user_id, self.codes_key)
            await tx.emit(audited("auth.recovery_codes.renewed", caller, "user", caller.user_id))
            await notify(tx, self.mailer, caller.user_id, Notice.RECOVERY_CODES_RENEWED)
        return codes


async def begin_change(tx: Transaction, caller: Caller) -> None:
    """From here on this person's factors change by us alone.

    Raises:
        SessionEnded: the caller's session is over.
        StepUpNeeded: the caller has not proven lately who they are.
    """
    if not await SessionRepository(tx).hold(caller.session_id, caller.user_id):
        raise SessionEnded
    await insist_on_fresh_proof(tx, caller)


async def added(  # noqa: PLR0917 - what was added, by whom, and with what it is told
    tx: Transaction,
    caller: Caller,
    factor_id: UUID,
    proof: Proof,
    mailer: Mailer,
    codes_key: bytes,
    *,
    end_others: bool,
) -> list[str]:
    """What follows when a factor came into use, which its first use has proven; the last steps of a transaction.

    The session is strong from here on, so access tokens from before are void, as after step-up.
    """
    codes: list[str] = []
    if not await RecoveryCodeRepository(tx).left(caller.user_id):
        codes = await _replace_codes(tx, caller.user_id, codes_key)
    await SessionRepository(tx).strengthen(caller.session_id, caller.user_id, proof)
    await tx.emit(audited("auth.factor.added", caller, "factor", factor_id, kind=proof.value))
    await notify(tx, mailer, caller.user_id, Notice.FACTOR_ADDED, factor_id)
    if end_others:
        await end_other_sessions(tx, caller.user_id, caller.session_id)
    else:
        await void_tokens(tx, caller.user_id)
    return codes


async def removed(
    tx: Transaction, caller: Caller, factor_id: UUID, proof: Proof, mailer: Mailer, *, end_others: bool
) -> None:
    """What follows when a factor was taken out of use; with the last one its recovery codes go.

    Raises:
        FactorDemanded: it was the last, and an organization demands one.
        PasswordTooShort: it was the last, and the password was let pass because of it.
    """
    if not await enrolled(tx, caller.user_id):
        demands = await FactorRepository(tx).demanded_by(caller.user_id, MOST_DEMANDS)
        if demands:
            raise FactorDemanded(organizations=[str(each.organization_id) for each in demands])
        if await PasswordRepository(tx).needs_factor(caller.user_id):
            raise PasswordTooShort
        await RecoveryCodeRepository(tx).delete(caller.user_id)
    await tx.emit(audited("auth.factor.removed", caller, "factor", factor_id, kind=proof.value))
    await notify(tx, mailer, caller.user_id, Notice.FACTOR_REMOVED, factor_id)
    if end_others:
        await end_other_sessions(tx, caller.user_id, caller.session_id)


async def _replace_codes(tx: Transaction, user_id: UUID, key: bytes) -> list[str]:
    codes = new_codes()
    hashes = [hashed for code in codes if (hashed := code_hash(key, user_id, code)) is not None]
    await RecoveryCodeRepository(tx).replace(user_id, hashes)
    return codes

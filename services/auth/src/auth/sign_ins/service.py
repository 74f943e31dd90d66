"""The one way in: whatever somebody has shown, here it is decided whether it is enough, and a session begins."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from auth.accounts.model import Account
from auth.devices.model import REMEMBERED_FOR, Recognised
from auth.devices.repository import DeviceRepository
from auth.enterprise.enforcing import Enforcement
from auth.factor_recoveries.stopping import stop_recovery
from auth.factors.enrolled import enrolled
from auth.keys.service import KeyRing
from auth.mails.notices import Notice, notify
from auth.organizations.errors import OrganizationIsSuspended, OrganizationNotFound
from auth.sessions.access import AccessTokens, claims_of
from auth.sessions.csrf import CsrfTokens
from auth.sessions.errors import WrongCredentials
from auth.sessions.model import TOKEN_LIFE, Limits, Standing, Tokens
from auth.sessions.repository import SessionRepository
from auth.sessions.revoking import end_outnumbered
from auth.sessions.whereabouts import Whereabouts
from auth.sign_ins.errors import AccountSuspended, SecondFactorRequired, SignInOver
from auth.sign_ins.model import (
    ENOUGH,
    SECOND,
    SIGN_IN_LIFE,
    Begun,
    FactorNeeded,
    Outcome,
    Proof,
    SignIn,
    Visitor,
    Wish,
    strong,
)
from auth.sign_ins.repository import SignInRepository, begin_at_once
from auth.tokens.model import TokenForged, TokenMint
from kit.audit import User, audited
from kit.db.database import Database, Transaction
from kit.ids import new_id
from kit.mail import Mailer


@dataclass(frozen=True, slots=True)
class Entrance:
    """Begins sessions; the only place that does."""

    database: Database
    keys: KeyRing
    refresh_tokens: TokenMint
    access_tokens: AccessTokens
    sign_in_tokens: TokenMint
    device_tokens: TokenMint
    csrf_tokens: CsrfTokens
    whereabouts: Whereabouts
    limits: Limits
    mailer: Mailer
    enforcement: Enforcement

    async def admit(
        self, tx: Transaction, user_id: UUID, proofs: Collection[Proof], wish: Wish, *, as_of: int | None = None
    ) -> Outcome:
        """Begin a session for somebody who has shown these, or say what is still owed.

        In the transaction that uses up what was shown, which must be bound to no organization yet; this is its last
        step, since it ends bound to the one that is wished for. With `as_of`, the epoch when what was shown was
        looked up, nobody is let in whose sessions were ended together since, as by another password.

        Raises:
            WrongCredentials: they were, or the account is gone.
            AccountSuspended: nobody may use this account.
            OrganizationNotFound: the user does not belong to the organization wished for.
            SignInThroughProvider: that organization wants its members to come through its own identity provider.
            OrganizationIsSuspended: nobody acts in it.
            SecondFactorRequired: it lets in only those who have shown a second factor, and this user has none.
        """
        shown = frozenset(proofs)
        if wish.organization_id is not None:
            await tx.bind(wish.organization_id)
        standing = await SessionRepository(tx).standing(user_id, wish.organization_id, hold=True)
        if standing is None or (as_of is not None and standing.sessions_from_epoch > as_of):
            raise WrongCredentials
        factors = () if shown & ENOUGH else tuple(map(Proof, standing.factors))
        if factors and await _remembered(tx, user_id, wish):
            shown, factors = shown | {Proof.DEVICE}, ()
        if factors:
            half = SignIn(new_id(), user_id, shown, wish.organization_id, wish.identity_provider_id)
            return await self._ask(tx, half, factors)
        _insist_on_admission(standing, wish.organization_id)
        if await self.enforcement.insist(tx, user_id, standing, wish.identity_provider_id):
            await tx.emit(audited("auth.session.broke_glass", User(user_id), "user", user_id))
        if standing.demanding and not strong(shown):
            half = SignIn(new_id(), user_id, shown, wish.organization_id, wish.identity_provider_id)
            return await self._ask_all_the_same(tx, half)
        return await self._begin(tx, user_id, standing, shown, wish)

    async def admit_at_once(self, account: Account, device_id: UUID, visitor: Visitor) -> Tokens | None:
        """Begin the session of somebody whose password was right on this device of theirs, by one statement.

        What was guessed there is forgotten in any case. None where `admit` has more to ask.
        """
        user_id = account.user_id
        session_id, shown = new_id(), (Proof.PASSWORD,)
        sealed = await self.whereabouts.seal(session_id, user_id, visitor)
        begun = Begun(session_id, user_id, visitor.device or new_id(), sealed, shown, strong(shown))
        event = audited("auth.session.started", User(user_id), "session", session_id)
        standing = await begin_at_once(self.database, begun, account.epoch, device_id, self.limits, event)
        return None if standing is None else await self._first_tokens(begun, standing, visitor)

    async def _begin(
        self, tx: Transaction, user_id: UUID, standing: Standing, shown: frozenset[Proof], wish: Wish
    ) -> Tokens:
        session_id, token_id = new_id(), wish.visitor.device or new_id()
        sealed = await self.whereabouts.seal(session_id, user_id, wish.visitor)
        begun = Begun(session_id, user_id, token_id, sealed, shown, strong(shown), wish.identity_provider_id)
        beginning = await SignInRepository(tx).begin(begun, standing, self.limits)
        device = beginning.device
        if shown & SECOND:
            await _heed_second_factor(tx, user_id, device, wish)
        await tx.emit(audited("auth.session.started", User(user_id), "session", session_id))
        if device.unknown:
            await tx.emit(audited("auth.device.added", User(user_id), "device", device.id))
            await notify(tx, self.mailer, user_id, Notice.NEW_DEVICE, device.id)
        if beginning.crowded:
            await end_outnumbered(tx, user_id, self.limits)
        return await self._first_tokens(begun, standing, wish.visitor)

    async def _first_tokens(self, begun: Begun, standing: Standing, visitor: Visitor) -> Tokens:
        life, cookies = min(TOKEN_LIFE, self.limits.absolute), visitor.cookies
        tokens = await self.tokens(begun.session_id, begun.user_id, standing, counter=0, life=life, cookies=cookies)
        return replace(tokens, device_token=self.device_tokens.make(begun.token_id))

    async def attempt(self, token: str) -> SignIn:
        """A sign-in under way, with one try of a factor counted; a transaction of its own, so that it stays counted.

        Raises:
            SignInOver: there is none such, or no try is left.
        """
        sign_in_id = self._read(token)
        async with self.database.transaction() as tx:
            found = await SignInRepository(tx).attempt(sign_in_id)
        if found is None:
            raise SignInOver
        return found

    async def waiting(self, token: str) -> SignIn:
        """A sign-in under way, without counting a try.

        Raises:
            SignInOver: there is none such, or no try is left.
        """
        sign_in_id = self._read(token)
        async with self.database.transaction() as tx:
            found = await SignInRepository(tx).find(sign_in_id)
        if found is None:
            raise SignInOver
        return found

    async def complete(self, tx: Transaction, sign_in: SignIn, proof: Proof, wish: Wish) -> Tokens:
        """Begin the session of a sign-in whose second factor was shown, in the transaction that uses the factor up.

        Raises:
            SignInOver: it was completed meanwhile.
        """
        if not await SignInRepository(tx).take(sign_in.id):
            raise SignInOver
        wish = replace(
            wish, organization_id=sign_in.organization_id, identity_provider_id=sign_in.identity_provider_id
        )
        outcome = await self.admit(tx, sign_in.user_id, {*sign_in.proofs, proof}, wish)
        if not isinstance(outcome, Tokens):
            raise SignInOver
        return outcome

    async def tokens(
        self,
        session_id: UUID,
        user_id: UUID,
        standing: Standing,
        counter: int,
        life: timedelta,
        *,
        cookies: bool = False,
        refresh_life: timedelta | None = None,
    ) -> Tokens:
        """What the next requests need; with `cookies`, what a browser needs that keeps its tokens there."""
        key, now = await self.keys.signer(), self.database.clock.now()
        life = standing.bounded(life, now)
        csrf = self.csrf_tokens.claim(session_id) if cookies else None
        claims = claims_of(user_id, session_id, standing, csrf)
        return Tokens(
            access_token=self.access_tokens.sign(key, claims, now, life),
            expires_in=int(life.total_seconds()),
            refresh_token=self.refresh_tokens.make(session_id, counter=counter),
            session_id=session_id,
            user_id=user_id,
            organization_id=standing.organization_id,
            role=standing.role,
            refresh_life=min(self.limits.idle, refresh_life or self.limits.absolute),
            csrf_token=self.csrf_tokens.of(session_id) if cookies else None,
        )

    def _read(self, token: str) -> UUID:
        try:
            (sign_in_id,) = self.sign_in_tokens.read(token).ids
        except TokenForged as error:
            raise SignInOver from error
        return sign_in_id

    async def _ask_all_the_same(self, tx: Transaction, sign_in: SignIn) -> FactorNeeded:
        """The organization asks for a second factor even of remembered devices."""
        factors = await enrolled(tx, sign_in.user_id)
        if not factors:
            raise SecondFactorRequired
        return await self._ask(tx, sign_in, factors)

    async def _ask(self, tx: Transaction, sign_in: SignIn, factors: tuple[Proof, ...]) -> FactorNeeded:
        await SignInRepository(tx).add(sign_in, SIGN_IN_LIFE)
        token = self.sign_in_tokens.make(sign_in.id)
        return FactorNeeded(token, factors, int(SIGN_IN_LIFE.total_seconds()))


def bound(organization_id: UUID | None) -> tuple[UUID, ...]:
    """What to bind a transaction to that may speak of one organization or of none."""
    return () if organization_id is None else (organization_id,)


def insist_on_membership(standing: Standing, organization_id: UUID | None) -> None:
    """Go on only if they may act in the organization that is asked for, where one is.

    Raises:
        OrganizationNotFound: they do not belong to it.
        OrganizationIsSuspended: nobody acts in it.
    """
    if organization_id is None or standing.organization_id is not None:
        return
    raise OrganizationIsSuspended if standing.organization_suspended else OrganizationNotFound


async def _remembered(tx: Transaction, user_id: UUID, wish: Wish) -> bool:
    device = wish.visitor.device
    return device is not None and await DeviceRepository(tx).is_remembered(user_id, device)


async def _heed_second_factor(tx: Transaction, user_id: UUID, device: Recognised, wish: Wish) -> None:
    """Who has one needs no recovery of it; and the device is remembered where that is wished for."""
    if wish.remember_device:
        await DeviceRepository(tx).remember(device.id, REMEMBERED_FOR)
        await tx.emit(audited("auth.device.remembered", User(user_id), "device", device.id))
    await stop_recovery(tx, user_id)


def _insist_on_admission(standing: Standing, organization_id: UUID | None) -> None:
    if standing.suspended:
        raise AccountSuspended
    insist_on_membership(standing, organization_id)

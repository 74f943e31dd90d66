"""The one way in: whatever somebody has shown, here it is decided whether it is enough, and a session begins."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from auth.factors.enrolled import enrolled
from auth.keys.service import KeyRing
from auth.organizations.errors import OrganizationNotFound
from auth.sessions.access import AccessTokens, claims_of
from auth.sessions.errors import WrongCredentials
from auth.sessions.model import ABSOLUTE_LIFE, TOKEN_LIFE, Standing, Tokens
from auth.sessions.repository import SessionRepository
from auth.sign_ins.errors import AccountSuspended, SignInOver
from auth.sign_ins.model import ENOUGH, SIGN_IN_LIFE, FactorNeeded, Outcome, Proof, SignIn, Wish, strong
from auth.sign_ins.repository import SignInRepository
from auth.tokens.model import TokenForged, TokenMint
from kit.audit import User, audited
from kit.db.database import Database, Transaction
from kit.ids import new_id


@dataclass(frozen=True, slots=True)
class Entrance:
    """Begins sessions; the only place that does."""

    database: Database
    keys: KeyRing
    refresh_tokens: TokenMint
    access_tokens: AccessTokens
    sign_in_tokens: TokenMint

    async def admit(self, tx: Transaction, user_id: UUID, proofs: Collection[Proof], wish: Wish) -> Outcome:
        """Begin a session for somebody who has shown these, or say what is still owed.

        In the transaction that uses up what was shown, which must be bound to no organization yet; this is its last
        step, since it ends bound to the one that is wished for.

        Raises:
            AccountSuspended: nobody may use this account.
            OrganizationNotFound: the user does not belong to the organization wished for.
        """
        shown = frozenset(proofs)
        factors = () if shown & ENOUGH else await enrolled(tx, user_id)
        if factors:
            half = SignIn(new_id(), user_id, shown, wish.organization_id, wish.identity_provider_id)
            return await self._ask(tx, half, factors)
        await tx.bind(*bound(wish.organization_id))
        standing = await _standing(tx, user_id, wish.organization_id)
        session_id = new_id()
        if not await SessionRepository(tx).add(session_id, user_id, standing, ABSOLUTE_LIFE, shown, strong(shown)):
            raise WrongCredentials
        if wish.identity_provider_id is not None:
            await SessionRepository(tx).came_through(session_id, wish.identity_provider_id)
        await tx.emit(audited("auth.session.started", User(user_id), "session", session_id))
        return await self.tokens(session_id, user_id, standing, counter=0, life=TOKEN_LIFE)

    async def attempt(self, token: str) -> SignIn:
        """A sign-in under way, with one try of a factor counted; a transaction of its own, so that it stays counted.

        Raises:
            SignInOver: there is none such, or no try is left.
        """
        try:
            (sign_in_id,) = self.sign_in_tokens.read(token).ids
        except TokenForged as error:
            raise SignInOver from error
        async with self.database.transaction() as tx:
            found = await SignInRepository(tx).attempt(sign_in_id)
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
        self, session_id: UUID, user_id: UUID, standing: Standing, counter: int, life: timedelta
    ) -> Tokens:
        """What the next requests need."""
        key = await self.keys.signer()
        claims = claims_of(user_id, session_id, standing)
        return Tokens(
            access_token=self.access_tokens.sign(key, claims, self.database.clock.now(), life),
            expires_in=int(life.total_seconds()),
            refresh_token=self.refresh_tokens.make(session_id, counter=counter),
            session_id=session_id,
            user_id=user_id,
            organization_id=standing.organization_id,
            role=standing.role,
        )

    async def _ask(self, tx: Transaction, sign_in: SignIn, factors: tuple[Proof, ...]) -> FactorNeeded:
        await SignInRepository(tx).add(sign_in, SIGN_IN_LIFE)
        token = self.sign_in_tokens.make(sign_in.id)
        return FactorNeeded(token, factors, int(SIGN_IN_LIFE.total_seconds()))


def bound(organization_id: UUID | None) -> tuple[UUID, ...]:
    """What to bind a transaction to that may speak of one organization or of none."""
    return () if organization_id is None else (organization_id,)


async def _standing(tx: Transaction, user_id: UUID, organization_id: UUID | None) -> Standing:
    standing = await SessionRepository(tx).standing(user_id, organization_id)
    if standing is None:
        raise WrongCredentials
    if standing.suspended:
        raise AccountSuspended
    if organization_id is not None and standing.organization_id is None:
        raise OrganizationNotFound
    return standing

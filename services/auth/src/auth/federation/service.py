"""Signing in by the word of a provider."""

from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from auth.accounts.address import EmailAddress
from auth.accounts.model import Identity
from auth.accounts.repository import AccountRepository
from auth.accounts.sealing import Addresses
from auth.challenges.model import Purpose as ChallengePurpose
from auth.challenges.repository import ChallengeRepository
from auth.federation.errors import FederationOver, NotAMember
from auth.federation.model import Flow, Known, Purpose, Trust, Way, decide
from auth.federation.repository import FlowRepository, IdentityRepository
from auth.federation.sealing import Subjects
from auth.federation.travel import Travel
from auth.mails.notices import Notice, notify
from auth.members.joining import join
from auth.members.repository import MemberRepository
from auth.openid.model import Assertion
from auth.sign_ins.model import Outcome, Proof, Wish
from auth.sign_ins.service import Entrance
from contracts.auth import UserRegistered, UserVerified
from kit.audit import User, audited
from kit.db.database import Database, Transaction
from kit.errors import DomainError, TransientError
from kit.ids import new_id
from kit.mail import Mailer
from kit.seal import KeyShredded

_TRIES: Final = 4


class Overtaken(TransientError):
    """Somebody else signed in with the same account at the same moment; try again."""

    code = "overtaken"


class _Changed(Exception):
    """What was decided by holds no more; what was done is rolled back."""


@dataclass(frozen=True, slots=True)
class _Case:
    """Somebody a provider vouches for."""

    flow: Flow
    trust: Trust
    assertion: Assertion
    proven: EmailAddress | None
    blind: bytes = field(repr=False)
    address_blind: bytes | None = field(repr=False)
    locale: str


@dataclass(frozen=True, slots=True)
class _Draft:
    """What will be written, sealed before the transaction that writes it."""

    user_id: UUID
    identity_id: UUID
    sealed: bytes = field(default=b"", repr=False)
    address: Identity | None = field(default=None, repr=False)
    """The address of a new account."""


@dataclass(frozen=True, slots=True)
class FederatedSignIn:
    """Lets in whom a provider vouches for: who is known, who is linked now, and who is new."""

    database: Database
    travel: Travel
    addresses: Addresses
    subjects: Subjects
    entrance: Entrance
    mailer: Mailer

    async def complete(self, code: str, request_token: str, wish: Wish, locale: str) -> Outcome:
        """Exchange what the browser brought back, and begin a session or a sign-in that owes a second factor.

        The flow is claimed and committed before the provider is asked, so a code is exchanged once, and whoever comes
        second, or after a process died on the way, begins anew.
        """
        claimed = await self.travel.claim(code, request_token, Purpose.SIGN_IN)
        realm, assertion, trust = await self.travel.identify(claimed)
        try:
            case = await self._case(claimed.flow, trust, realm, assertion, locale)
            return await self._settle(case, self._wish(claimed.flow, wish))
        except DomainError as refusal:
            await self.travel.put_on_record(claimed.flow, refusal.code)
            raise

    def _wish(self, flow: Flow, wish: Wish) -> Wish:
        if flow.chosen.provider_id is None:
            return replace(wish, organization_id=flow.wished_organization_id)
        return replace(
            wish, organization_id=flow.chosen.organization_id, identity_provider_id=flow.chosen.provider_id
        )

    async def _case(self, flow: Flow, trust: Trust, realm: str, assertion: Assertion, locale: str) -> _Case:
        proven = trust.address(assertion)
        blind = await self.subjects.blind(realm, assertion.subject)
        address_blind = None if proven is None else await self.addresses.blind(proven)
        return _Case(flow, trust, assertion, proven, blind, address_blind, locale)

    async def _settle(self, case: _Case, wish: Wish) -> Outcome:
        """Decide, seal, then do it if nothing has changed; keys are never fetched within the transaction."""
        for _ in range(_TRIES):
            async with self.database.transaction() as tx:
                known = await IdentityRepository(tx).known(case.blind, case.address_blind)
            way = decide(known, case.proven)
            try:
                draft = await self._drafted(case, way, known)
                async with self.database.transaction() as tx:
                    await self._apply(tx, case, way, known, draft)
                    await FlowRepository(tx).finish(case.flow.id)
                    await _belong(tx, case, draft.user_id)
                    return await self.entrance.admit(tx, draft.user_id, {Proof.FEDERATED}, wish)
            except _Changed:
                continue
            except KeyShredded as forgotten:
                raise FederationOver from forgotten
        raise Overtaken

    async def _drafted(self, case: _Case, way: Way, known: Known) -> _Draft:
        if way is Way.SIGN_IN and known.linked_user_id is not None:
            return _Draft(known.linked_user_id, new_id())
        user_id, identity_id = known.holder_id or new_id(), new_id()
        sealed = await self.subjects.seal(user_id, identity_id, case.assertion)
        if known.holder_id is not None or case.proven is None or case.address_blind is None:
            return _Draft(user_id, identity_id, sealed)
        address_id = new_id()
        address_sealed = await self.addresses.seal_owned(user_id, address_id, case.proven)
        address = Identity(address_id, user_id, "email", case.address_blind, address_sealed)
        return _Draft(user_id, identity_id, sealed, address)

    async def _apply(self, tx: Transaction, case: _Case, way: Way, known: Known, draft: _Draft) -> None:
        identities = IdentityRepository(tx)
        if await identities.known(case.blind, case.address_blind, lock=True) != known:
            raise _Changed
        if way is Way.SIGN_IN:
            await identities.use(case.blind)
            return
        if draft.address is not None:
            await _open_account(tx, draft.address, case.locale)
        if not await identities.add(draft.identity_id, draft.user_id, case.flow.chosen, case.blind, draft.sealed):
            raise _Changed
        await tell_linked(tx, case.flow, draft.user_id, draft.identity_id)
        if way is Way.LINK:
            await notify(tx, self.mailer, draft.user_id, Notice.IDENTITY_LINKED, draft.identity_id)


async def _open_account(tx: Transaction, address: Identity, locale: str) -> None:
    """Make the account of a proven address, without a password; sign-ups with it that wait are void."""
    challenges, user = ChallengeRepository(tx), User(address.user_id)
    await challenges.lock_address(address.blind)
    if not await AccountRepository(tx).add(address, "", locale):
        raise _Changed
    await challenges.void(address.blind, ChallengePurpose.SIGN_UP)
    await tx.emit(
        UserRegistered(user_id=address.user_id),
        audited("auth.user.registered", user, "user", address.user_id),
        UserVerified(user_id=address.user_id, version=2),
        audited("auth.user.verified", user, "user", address.user_id, by="provider"),
    )


async def _belong(tx: Transaction, case: _Case, user_id: UUID) -> None:
    """Whom an organization's provider vouches for belongs to that organization, or comes to belong to it now.

    Raises:
        NotAMember: it lets in nobody by itself.
        NoSeatLeft: every seat is taken.
    """
    organization_id = case.flow.chosen.organization_id
    if organization_id is None:
        return
    await tx.bind(organization_id)
    if await MemberRepository(tx).standing_of(user_id) is None:
        if case.trust.joins_as is None:
            raise NotAMember
        await join(tx, user_id, case.trust.joins_as, User(user_id))
    await tx.bind()


async def tell_linked(tx: Transaction, flow: Flow, user_id: UUID, identity_id: UUID) -> None:
    """Put on record that an account at a provider opens an account here from now on."""
    provider = flow.chosen.kind.value
    await tx.emit(audited("auth.identity.linked", User(user_id), "identity", identity_id, provider=provider))

"""Linking accounts at providers from the settings, and unlinking them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from auth.federation.errors import (
    FederationOver,
    IdentityNotFound,
    IdentityTaken,
    LastWayIn,
    TooManyIdentities,
)
from auth.federation.model import MOST_IDENTITIES, Chosen, Flow, Identity, Purpose
from auth.federation.repository import FlowRepository, IdentityRepository
from auth.federation.sealing import Subjects
from auth.federation.service import tell_linked
from auth.federation.travel import Begun, Travel
from auth.mails.notices import Notice, notify
from auth.sign_ins.fresh import insist_on_fresh_proof
from kit.audit import audited
from kit.db.database import Database
from kit.http.caller import Caller
from kit.ids import new_id
from kit.mail import Mailer
from kit.seal import KeyShredded


@dataclass(frozen=True, slots=True)
class LinkedAccounts:
    """What a person does with the accounts that vouch for them: here addresses play no part, but who is signed in."""

    database: Database
    travel: Travel
    subjects: Subjects
    mailer: Mailer

    async def begin(self, chosen: Chosen, redirect: str | None, caller: Caller) -> Begun:
        """Send the caller to a provider, once they have proven lately who they are."""
        place = self.travel.redirect(redirect)
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, caller)
        flow = Flow(new_id(), Purpose.LINK, chosen, place, caller.user_id, caller.session_id)
        return await self.travel.begin(flow)

    async def complete(self, code: str, request_token: str, caller: Caller) -> Identity:
        """Link what the provider vouches for; linking it twice is linking it once.

        Raises:
            IdentityTaken: it is linked to somebody else here.
        """
        claimed = await self.travel.claim(code, request_token, Purpose.LINK, caller.user_id, caller.session_id)
        realm, assertion, _ = await self.travel.identify(claimed)
        blind, identity_id = await self.subjects.blind(realm, assertion.subject), new_id()
        try:
            sealed = await self.subjects.seal(caller.user_id, identity_id, assertion)
        except KeyShredded as forgotten:
            raise FederationOver from forgotten
        flow = claimed.flow
        async with self.database.transaction() as tx:
            identities = IdentityRepository(tx)
            if not await identities.lock_person(caller.user_id):
                raise FederationOver
            theirs = await identities.of(caller.user_id)
            known = await identities.known(blind, None)
            if known.linked_user_id not in {None, caller.user_id}:
                raise IdentityTaken
            if known.linked_user_id is None:
                if len(theirs) >= MOST_IDENTITIES:
                    raise TooManyIdentities
                if not await identities.add(identity_id, caller.user_id, flow.chosen, blind, sealed):
                    raise IdentityTaken
                await tell_linked(tx, flow, caller.user_id, identity_id)
                await notify(tx, self.mailer, caller.user_id, Notice.IDENTITY_LINKED, identity_id)
            await FlowRepository(tx).finish(flow.id)
            linked = await identities.find(blind)
        (shown,) = await self._opened([linked])
        return shown

    async def list(self, caller: Caller) -> Sequence[Identity]:
        """What is linked to the caller."""
        async with self.database.transaction() as tx:
            linked = await IdentityRepository(tx).of(caller.user_id)
        return await self._opened(linked)

    async def unlink(self, identity_id: UUID, caller: Caller) -> None:
        """Unlink an account, unless nobody could sign in any more.

        Raises:
            LastWayIn: there is neither a password nor a passkey nor another account.
        """
        async with self.database.transaction() as tx:
            identities = IdentityRepository(tx)
            if not await identities.lock_person(caller.user_id):
                raise IdentityNotFound
            await insist_on_fresh_proof(tx, caller)
            if not await identities.remove(identity_id, caller.user_id):
                raise IdentityNotFound
            if not await identities.has_way_in(caller.user_id):
                raise LastWayIn
            await notify(tx, self.mailer, caller.user_id, Notice.IDENTITY_UNLINKED, identity_id)
            await tx.emit(audited("auth.identity.unlinked", caller, "identity", identity_id))

    async def _opened(self, linked: Sequence[Identity]) -> Sequence[Identity]:
        said = await self.subjects.open([(each.id, each.sealed) for each in linked])
        return [
            replace(each, address=None if opened is None else opened.get("address"))
            for each, opened in zip(linked, said, strict=True)
        ]

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from auth.accounts.address import EmailAddress
from auth.accounts.repository import AccountRepository
from auth.accounts.sealing import Addresses
from auth.invitations.errors import (
    AlreadyInvited,
    AlreadyMember,
    InvitationForAnother,
    InvitationGone,
    InvitationMalformed,
    InvitationNotFound,
    TooManyInvitations,
    TooManyMails,
)
from auth.invitations.model import LIFE, MOST_MAILS_A_DAY, MOST_PENDING, Invitation
from auth.invitations.repository import InvitationRepository
from auth.mails.model import invitation
from auth.members.acting import insist
from auth.members.errors import NotAllowed
from auth.members.joining import join
from auth.members.permissions import Role
from auth.members.repository import MemberRepository
from auth.organizations.errors import OrganizationNotFound
from auth.organizations.model import Membership
from auth.organizations.repository import OrganizationRepository
from auth.tokens.model import TokenForged, TokenMint
from contracts.auth import InvitationAccepted, InvitationCreated, InvitationRevoked
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.errors import DomainError
from kit.http.caller import Caller
from kit.http.idempotency import Idempotency
from kit.http.pagination import PageRequest
from kit.ids import new_id
from kit.mail import Mailer
from kit.seal import KeyShredded


@dataclass(frozen=True, slots=True)
class InvitationService:
    """Inviting people to an organization, and accepting."""

    database: Database
    addresses: Addresses
    links: TokenMint
    mailer: Mailer

    async def invite(  # noqa: PLR0917 - what an invitation is made of
        self, organization_id: UUID, address: str, role: Role, caller: Caller, key: Idempotency, locale: str
    ) -> Invitation:
        """Offer a membership to an address; a mail with a link follows.

        It is looked first whether the invitation can be made: strangers make no keys in an organization, and what is
        refused makes none. What the answer is decided by is looked at again when the invitation is made.
        """
        email = EmailAddress.parse(address)
        invitation_id, blind = new_id(), await self.addresses.blind(email)
        async with self.database.transaction(organization_id) as tx:
            await _insist_that_they_manage(tx, caller, role)
            refusal = await _refusal(tx, blind)
        sealed = b"" if refusal else await self._sealed(organization_id, invitation_id, email)
        async with self.database.transaction(organization_id) as tx:
            await _insist_that_they_manage(tx, caller, role)
            earlier = await key.claim(tx)
            if earlier is None:
                refusal = refusal or await _refusal(tx, blind)
                if refusal is not None:
                    raise refusal
                await _make_room(tx, blind, caller)
                if not await InvitationRepository(tx).add(invitation_id, blind, sealed, role, caller.person_id, LIFE):
                    raise AlreadyInvited
                await self.mailer.queue(tx, invitation(organization_id, invitation_id, 1, locale))
                await key.remember(tx, invitation_id, 1)
                await tx.emit(
                    InvitationCreated(invitation_id=invitation_id, role=role),
                    audited("auth.invitation.created", caller, "invitation", invitation_id, role=role.value),
                )
            found = await _found(tx, earlier.resource_id if earlier else invitation_id)
        (shown,) = await self._opened(organization_id, [found])
        return shown

    async def page(
        self, organization_id: UUID, caller: Caller, page: PageRequest
    ) -> tuple[list[Invitation], str | None]:
        """A page of invitations and the next cursor."""
        after = page.after(UUID)
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, "members.manage")
            rows = await InvitationRepository(tx).page(after[0] if after else None, page.limit + 1)
        shown, cursor = page.cut(rows, lambda invitation: (invitation.id,))
        return await self._opened(organization_id, shown), cursor

    async def revoke(self, organization_id: UUID, invitation_id: UUID, caller: Caller) -> None:
        """Withdraw an invitation; its links are void."""
        async with self.database.transaction(organization_id) as tx:
            held = await _managed(tx, invitation_id, caller)
            revoked = held.revoked()
            if revoked is not held:
                await InvitationRepository(tx).save(revoked)
                await _tell_revoked(tx, held.id, revoked.version, caller)

    async def mail_again(self, organization_id: UUID, invitation_id: UUID, caller: Caller, locale: str) -> None:
        """Send another mail; the invitation, and every link of it, is open for a week from now."""
        async with self.database.transaction(organization_id) as tx:
            held = await _managed(tx, invitation_id, caller)
            again = held.mailed_again()
            await InvitationRepository(tx).save(again, LIFE)
            await self.mailer.queue(tx, invitation(organization_id, invitation_id, again.mails, locale))
            await tx.emit(audited("auth.invitation.sent", caller, "invitation", invitation_id, mails=again.mails))

    async def accept(self, token: str, caller: Caller) -> Membership:
        """Become a member by the link of a mail that was sent to a verified address of the caller's.

        Accepting twice is accepting once; who is a member already stays what they are. Without a free seat nothing
        is used up, and the link is as good as before.
        """
        try:
            organization_id, invitation_id = self.links.read(token).ids
        except TokenForged as error:
            raise InvitationMalformed from error
        async with self.database.transaction(organization_id) as tx:
            await OrganizationRepository(tx).lock()  # before the invitation's row: in the order of everybody
            held = await InvitationRepository(tx).lock(invitation_id)
            if held is None:
                raise InvitationGone
            if not await AccountRepository(tx).owns(caller.user_id, held.email_blind):
                raise InvitationForAnother
            accepted = held.accepted(caller.user_id)
            if accepted is not held:
                await _join(tx, accepted, caller)
            role = await MemberRepository(tx).role_of(caller.user_id)
            if role is None:  # accepted long ago, and removed since
                raise InvitationGone
            membership = await OrganizationRepository(tx).find(caller.user_id, role, None)
        if membership is None:
            raise InvitationGone
        return membership

    async def _sealed(self, organization_id: UUID, invitation_id: UUID, email: EmailAddress) -> bytes:
        try:
            return await self.addresses.seal_invited(organization_id, invitation_id, email)
        except KeyShredded as forgotten:
            raise OrganizationNotFound from forgotten

    async def _opened(self, organization_id: UUID, invitations: Sequence[Invitation]) -> list[Invitation]:
        """The invitations with their addresses; who was forgotten has none."""
        emails = await self.addresses.open_invited(organization_id, [each.address for each in invitations])
        return [replace(each, email=email) for each, email in zip(invitations, emails, strict=True)]


async def _insist_that_they_manage(tx: Transaction, caller: Caller, role: Role) -> None:
    if role not in (await insist(tx, caller, "members.manage")).manages:
        raise NotAllowed


async def _refusal(tx: Transaction, blind: bytes) -> DomainError | None:
    """Why this address cannot be invited now."""
    invitations = InvitationRepository(tx)
    if await MemberRepository(tx).has_address(blind):
        return AlreadyMember()
    if await invitations.count_pending(MOST_PENDING) >= MOST_PENDING:
        return TooManyInvitations()
    if await invitations.count_mails(blind) >= MOST_MAILS_A_DAY:
        return TooManyMails(retry_after=86_400)
    return AlreadyInvited() if await invitations.is_open(blind) else None


async def _make_room(tx: Transaction, blind: bytes, caller: Caller) -> None:
    """An expired invitation of this address is not in the way."""
    expired = await InvitationRepository(tx).revoke_expired(blind)
    if expired is not None:
        await _tell_revoked(tx, *expired, caller)


async def _tell_revoked(tx: Transaction, invitation_id: UUID, version: int, caller: Caller) -> None:
    await tx.emit(
        InvitationRevoked(invitation_id=invitation_id, version=version),
        audited("auth.invitation.revoked", caller, "invitation", invitation_id),
    )


async def _join(tx: Transaction, accepted: Invitation, caller: Caller) -> None:
    await InvitationRepository(tx).save(accepted)
    await tx.emit(
        InvitationAccepted(invitation_id=accepted.id, user_id=caller.user_id, version=accepted.version),
        audited("auth.invitation.accepted", caller, "invitation", accepted.id),
    )
    await join(tx, caller.user_id, accepted.role, caller)


async def _managed(tx: Transaction, invitation_id: UUID, caller: Caller) -> Invitation:
    """The invitation for update, if the caller may manage its role."""
    manages = (await insist(tx, caller, "members.manage")).manages
    held = await InvitationRepository(tx).lock(invitation_id)
    if held is None:
        raise InvitationNotFound
    if held.role not in manages:
        raise NotAllowed
    return held


async def _found(tx: Transaction, invitation_id: UUID) -> Invitation:
    found = await InvitationRepository(tx).find(invitation_id)
    if found is None:
        raise InvitationNotFound
    return found

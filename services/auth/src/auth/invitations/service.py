from dataclasses import dataclass
from uuid import UUID

from auth.accounts.address import EmailAddress
from auth.accounts.repository import AccountRepository
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
from auth.members.errors import NotAllowed
from auth.members.permissions import MATRIX, Role
from auth.members.repository import MemberRepository
from auth.members.service import acting_role
from auth.organizations.model import Membership
from auth.organizations.repository import OrganizationRepository
from auth.tokens.model import TokenForged, TokenMint
from contracts.auth import InvitationAccepted, InvitationCreated, InvitationRevoked, MemberAdded
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.http.idempotency import Idempotency
from kit.http.pagination import PageRequest
from kit.ids import new_id
from kit.mail import Mailer


@dataclass(frozen=True, slots=True)
class InvitationService:
    """Inviting people to an organization, and accepting."""

    database: Database
    links: TokenMint
    mailer: Mailer

    async def invite(  # noqa: PLR0917 - what an invitation is made of
        self, organization_id: UUID, address: str, role: Role, caller: Caller, key: Idempotency, locale: str
    ) -> Invitation:
        """Offer a membership to an address; a mail with a link follows."""
        email = EmailAddress.parse(address)
        invitation_id = new_id()
        async with self.database.transaction(organization_id) as tx:
            invitations = InvitationRepository(tx)
            if role not in MATRIX[await acting_role(tx, caller)].manages:
                raise NotAllowed
            earlier = await key.claim(tx)
            if earlier is not None:
                return await _found(invitations, earlier.resource_id)
            if await MemberRepository(tx).has_address(email.value):
                raise AlreadyMember
            if await invitations.count_pending(MOST_PENDING) >= MOST_PENDING:
                raise TooManyInvitations
            if await invitations.count_mails(email) >= MOST_MAILS_A_DAY:
                raise TooManyMails(retry_after=86_400)
            expired = await invitations.revoke_expired(email)
            if expired is not None:
                await tx.emit(InvitationRevoked(invitation_id=expired[0], version=expired[1]))
            if not await invitations.add(invitation_id, email, role, caller.user_id, LIFE):
                raise AlreadyInvited
            await self.mailer.queue(tx, invitation(organization_id, invitation_id, 1, locale))
            await key.remember(tx, invitation_id, 1)
            await tx.emit(InvitationCreated(invitation_id=invitation_id, role=role))
            return await _found(invitations, invitation_id)

    async def page(
        self, organization_id: UUID, caller: Caller, page: PageRequest
    ) -> tuple[list[Invitation], str | None]:
        """A page of invitations and the next cursor."""
        after = page.after(UUID)
        async with self.database.transaction(organization_id) as tx:
            if not MATRIX[await acting_role(tx, caller)].invites:
                raise NotAllowed
            rows = await InvitationRepository(tx).page(after[0] if after else None, page.limit + 1)
        return page.cut(rows, lambda invitation: (invitation.id,))

    async def revoke(self, organization_id: UUID, invitation_id: UUID, caller: Caller) -> None:
        """Withdraw an invitation; its links are void."""
        async with self.database.transaction(organization_id) as tx:
            held = await _managed(tx, invitation_id, caller)
            revoked = held.revoked()
            if revoked is not held:
                await InvitationRepository(tx).save(revoked)
                await tx.emit(InvitationRevoked(invitation_id=held.id, version=revoked.version))

    async def mail_again(self, organization_id: UUID, invitation_id: UUID, caller: Caller, locale: str) -> None:
        """Send another mail; the invitation, and every link of it, is open for a week from now."""
        async with self.database.transaction(organization_id) as tx:
            held = await _managed(tx, invitation_id, caller)
            again = held.mailed_again()
            await InvitationRepository(tx).save(again, LIFE)
            await self.mailer.queue(tx, invitation(organization_id, invitation_id, again.mails, locale))

    async def accept(self, token: str, caller: Caller) -> Membership:
        """Become a member by the link of a mail that was sent to a verified address of the caller's.

        Accepting twice is accepting once; who is a member already stays what they are.
        """
        try:
            organization_id, invitation_id = self.links.read(token).ids
        except TokenForged as error:
            raise InvitationMalformed from error
        async with self.database.transaction(organization_id) as tx:
            held = await InvitationRepository(tx).lock(invitation_id)
            if held is None:
                raise InvitationGone
            if not await AccountRepository(tx).owns(caller.user_id, held.email_value):
                raise InvitationForAnother
            accepted = held.accepted(caller.user_id)
            if accepted is not held:
                await _join(tx, accepted, caller)
            membership = await OrganizationRepository(tx).find(caller.user_id)
        if membership is None:  # accepted long ago, and removed since
            raise InvitationGone
        return membership


async def _join(tx: Transaction, accepted: Invitation, caller: Caller) -> None:
    await InvitationRepository(tx).save(accepted)
    await tx.emit(InvitationAccepted(invitation_id=accepted.id, user_id=caller.user_id, version=accepted.version))
    member_id = new_id()
    if await MemberRepository(tx).add(member_id, caller.user_id, accepted.role):
        await tx.emit(MemberAdded(member_id=member_id, user_id=caller.user_id, role=accepted.role))


async def _managed(tx: Transaction, invitation_id: UUID, caller: Caller) -> Invitation:
    """The invitation for update, if the caller may manage its role."""
    manages = MATRIX[await acting_role(tx, caller)].manages
    if not manages:
        raise NotAllowed
    held = await InvitationRepository(tx).lock(invitation_id)
    if held is None:
        raise InvitationNotFound
    if held.role not in manages:
        raise NotAllowed
    return held


async def _found(invitations: InvitationRepository, invitation_id: UUID) -> Invitation:
    found = await invitations.find(invitation_id)
    if found is None:
        raise InvitationNotFound
    return found

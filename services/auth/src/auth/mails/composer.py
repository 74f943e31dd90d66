"""What auth's mails say, decided when they leave: links are computed then and stand in no row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from auth.accounts.address import EmailAddress
from auth.mails.model import INVITATION, INVITATIONS, VERIFY
from auth.mails.repository import AddressContent, ContentRepository, InvitationContent
from auth.preferences.repository import PreferenceRepository
from auth.tokens.mints import Mints
from kit.db.database import Transaction
from kit.mail import Letter, Outgoing


@dataclass(frozen=True, slots=True)
class MailComposer:
    """Leaves out what has become pointless: an address verified meanwhile, an invitation revoked or unwanted."""

    mints: Mints
    public_url: str

    async def compose(self, tx: Transaction, mails: Sequence[Outgoing]) -> Mapping[UUID, Letter]:
        """The letters, by mail."""
        invitations = [mail for mail in mails if mail.template == INVITATION]
        accounts = [mail for mail in mails if mail.template != INVITATION]
        letters: dict[UUID, Letter] = {}
        if accounts:
            contents = await ContentRepository(tx).addresses(accounts)
            for mail in accounts:
                letters |= self._about_address(mail, contents.get(mail.id))
        if invitations:
            found = await ContentRepository(tx).invitations(invitations)
            unwanted = await self._unwanted(tx, found)
            for mail in invitations:
                letters |= self._invitation(mail, found.get(mail.id), unwanted)
        return letters

    @staticmethod
    async def _unwanted(tx: Transaction, contents: Mapping[UUID, InvitationContent]) -> frozenset[UUID]:
        users = {content.user_id for content in contents.values() if content.user_id}
        return await PreferenceRepository(tx).without(users, INVITATIONS.name)

    def _about_address(self, mail: Outgoing, content: AddressContent | None) -> Mapping[UUID, Letter]:
        if content is None:
            return {}
        to = EmailAddress.parse(content.to).wire
        if mail.template != VERIFY or mail.detail is None:
            return {mail.id: Letter(to, {"link": f"{self.public_url}/sign-in"})}
        if content.verified:
            return {}
        token = self.mints.verification.make(mail.detail)
        return {mail.id: Letter(to, {"link": f"{self.public_url}/verify#token={token}"})}

    def _invitation(
        self, mail: Outgoing, content: InvitationContent | None, unwanted: frozenset[UUID]
    ) -> Mapping[UUID, Letter]:
        if content is None or not content.open or mail.organization_id is None or mail.about is None:
            return {}
        if content.user_id in unwanted:
            return {}
        token = self.mints.invitation.make(mail.organization_id, mail.about)
        parameters = {
            "link": f"{self.public_url}/invitations/accept#token={token}",
            "organization": content.organization,
            "inviter": content.inviter,
            "role": content.role,
        }
        return {mail.id: Letter(EmailAddress.parse(content.to).wire, parameters, content.user_id)}

"""What auth's mails say, decided when they leave: links are computed then and stand in no row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from auth.accounts.address import EmailAddress
from auth.accounts.sealing import Addresses
from auth.announcements.repository import RecipientRepository
from auth.mails.model import ANNOUNCEMENT, ANNOUNCEMENTS, INVITATION, INVITATIONS, SECURITY_NOTICE, VERIFY
from auth.mails.notices import Notice
from auth.mails.repository import AddressContent, ContentRepository, InvitationContent, NoticeContent
from auth.preferences.repository import PreferenceRepository
from auth.tokens.mints import Mints
from kit.db.database import Transaction
from kit.mail import Letter, Outgoing


@dataclass(frozen=True, slots=True)
class MailComposer:
    """Leaves out what has become pointless: verified meanwhile, revoked, unwanted, or the recipient was forgotten."""

    addresses: Addresses
    mints: Mints
    public_url: str

    async def compose(self, tx: Transaction, mails: Sequence[Outgoing]) -> Mapping[UUID, Letter]:
        """The letters, by mail."""
        invitations = [mail for mail in mails if mail.template == INVITATION]
        notices = [mail for mail in mails if mail.template == SECURITY_NOTICE]
        announcements = [mail for mail in mails if mail.template == ANNOUNCEMENT]
        others = (INVITATION, SECURITY_NOTICE, ANNOUNCEMENT)
        accounts = [mail for mail in mails if mail.template not in others]
        return (
            await self._about_addresses(tx, accounts)
            | await self._notices(tx, notices)
            | await self._invitations(tx, invitations)
            | await self._announcements(tx, announcements)
        )

    async def _announcements(self, tx: Transaction, mails: Sequence[Outgoing]) -> dict[UUID, Letter]:
        """What was called off, or is unwanted by now, says nothing more."""
        if not mails:
            return {}
        contents = await RecipientRepository(tx).contents(mails)
        unwanted = await PreferenceRepository(tx).without(
            {each.user_id for each in contents.values()}, ANNOUNCEMENTS.name
        )
        wanted = {mail_id: each for mail_id, each in contents.items() if each.user_id not in unwanted}
        opened = await self.addresses.open([each.to for each in wanted.values()])
        return {
            mail_id: Letter(EmailAddress.parse(to).wire, each.words.parameters(), each.user_id)
            for (mail_id, each), to in zip(wanted.items(), opened, strict=True)
            if to is not None
        }

    async def _notices(self, tx: Transaction, mails: Sequence[Outgoing]) -> dict[UUID, Letter]:
        if not mails:
            return {}
        contents = await ContentRepository(tx).notices(mails)
        opened = await self.addresses.open([each.to for each in contents.values()])
        return {
            mail_id: Letter(
                EmailAddress.parse(to).wire,
                {
                    "notice": content.notice,
                    "left": content.recovery_codes_left,
                    "when": f"{content.happened_at:%Y-%m-%d %H:%M} UTC",
                    "link": f"{self.public_url}/security",
                    "unlock": self._unlocking(content),
                },
            )
            for (mail_id, content), to in zip(contents.items(), opened, strict=True)
            if to is not None
        }

    def _unlocking(self, content: NoticeContent) -> str:
        """The link by which the owner lets unknown devices try again; only the notice of a lock has one."""
        if content.notice != Notice.ACCOUNT_LOCKED:
            return ""
        return f"{self.public_url}/unlock#token={self.mints.unlock.make(content.cause)}"

    async def _about_addresses(self, tx: Transaction, mails: Sequence[Outgoing]) -> dict[UUID, Letter]:
        if not mails:
            return {}
        contents = await ContentRepository(tx).addresses(mails)
        opened = await self.addresses.open([each.to for each in contents.values()])
        to = dict(zip(contents, opened, strict=True))
        letters = {mail.id: self._about_address(mail, contents.get(mail.id), to.get(mail.id)) for mail in mails}
        return {mail_id: letter for mail_id, letter in letters.items() if letter is not None}

    def _about_address(self, mail: Outgoing, content: AddressContent | None, to: str | None) -> Letter | None:
        if content is None or to is None:
            return None
        wire = EmailAddress.parse(to).wire
        if mail.template != VERIFY or mail.detail is None:
            return Letter(wire, {"link": f"{self.public_url}/sign-in"})
        if content.verified:
            return None
        token = self.mints.verification.make(mail.detail)
        return Letter(wire, {"link": f"{self.public_url}/verify#token={token}"})

    async def _invitations(self, tx: Transaction, mails: Sequence[Outgoing]) -> dict[UUID, Letter]:
        if not mails:
            return {}
        found = await ContentRepository(tx).invitations(mails)
        users = {content.user_id for content in found.values() if content.user_id}
        unwanted = await PreferenceRepository(tx).without(users, INVITATIONS.name)
        wanted = {
            mail_id: content for mail_id, content in found.items() if content.open and content.user_id not in unwanted
        }
        inviters = await self._inviters(wanted)
        letters: dict[UUID, Letter] = {}
        for organization_id in {mail.organization_id for mail in mails if mail.organization_id}:
            theirs = [mail for mail in mails if mail.organization_id == organization_id and mail.id in wanted]
            opened = await self.addresses.open_invited(organization_id, [wanted[mail.id].to for mail in theirs])
            for mail, to in zip(theirs, opened, strict=True):
                if to is not None:
                    letters[mail.id] = self._invitation(organization_id, wanted[mail.id], to, inviters.get(mail.id))
        return letters

    async def _inviters(self, contents: Mapping[UUID, InvitationContent]) -> Mapping[UUID, str | None]:
        sealed = {mail_id: each.inviter for mail_id, each in contents.items() if each.inviter is not None}
        return dict(zip(sealed, await self.addresses.open(list(sealed.values())), strict=True))

    def _invitation(self, organization_id: UUID, content: InvitationContent, to: str, inviter: str | None) -> Letter:
        token = self.mints.invitation.make(organization_id, content.to.row_id)
        parameters = {
            "link": f"{self.public_url}/invitations/accept#token={token}",
            "organization": content.organization,
            "inviter": inviter or "",
            "role": content.role,
        }
        return Letter(EmailAddress.parse(to).wire, parameters, content.user_id)

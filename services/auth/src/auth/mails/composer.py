"""What auth's mails say, decided when they leave: links are computed then and stand in no row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from auth.accounts.address import EmailAddress, SealedAddress
from auth.accounts.sealing import Addresses
from auth.announcements.repository import RecipientRepository
from auth.challenges.model import Purpose
from auth.mails.model import (
    ADDRESS_TAKEN,
    ALREADY_REGISTERED,
    ANNOUNCEMENT,
    ANNOUNCEMENTS,
    CHANGE,
    INVITATION,
    INVITATIONS,
    MAGIC_LINK,
    RESET,
    SECURITY_NOTICE,
    TEMPLATES,
    UNDO,
    VERIFY,
)
from auth.mails.notices import Notice
from auth.mails.repository import ChallengeContent, ContentRepository, InvitationContent, NoticeContent
from auth.preferences.repository import PreferenceRepository
from auth.tokens.mints import Mints
from kit.db.database import Transaction
from kit.mail import Letter, Outgoing

PAGES: Final = {
    VERIFY: "verify",
    RESET: "reset-password",
    MAGIC_LINK: "magic-link",
    CHANGE: "confirm-address",
    UNDO: "undo-address-change",
}
"""Where the link of each template leads; one that has none leads to where people sign in."""


@dataclass(frozen=True, slots=True)
class _Written:
    to: SealedAddress
    claimed: bool
    template: str


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
        challenges = [mail for mail in mails if mail.template not in others]
        return (
            await self._challenges(tx, challenges)
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
                    "stop": self._stopping(content),
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

    def _stopping(self, content: NoticeContent) -> str:
        """The link by which the owner keeps their second factors."""
        if content.notice != Notice.FACTOR_RECOVERY_BEGUN:
            return ""
        return f"{self.public_url}/stop-factor-recovery#token={self.mints.factor_recovery.make(content.cause)}"

    async def _challenges(self, tx: Transaction, mails: Sequence[Outgoing]) -> dict[UUID, Letter]:
        if not mails:
            return {}
        contents = await ContentRepository(tx).challenges(mails)
        wanted = {mail_id: found for mail_id, each in contents.items() if (found := _letter_of(each)) is not None}
        proven = [wanted[mail_id].to for mail_id in wanted if not wanted[mail_id].claimed]
        claimed = [wanted[mail_id].to for mail_id in wanted if wanted[mail_id].claimed]
        opened = await self.addresses.open(proven) + await self.addresses.open_claimed(claimed)
        addresses = dict(zip((each.row_id for each in (*proven, *claimed)), opened, strict=True))
        letters: dict[UUID, Letter] = {}
        for mail_id, written in wanted.items():
            to = addresses[written.to.row_id]
            if to is not None:
                link = self._link(written.template, contents[mail_id].challenge_id)
                letters[mail_id] = Letter(EmailAddress.parse(to).wire, {"link": link}, template=written.template)
        return letters

    def _link(self, template: str, challenge_id: UUID) -> str:
        page = PAGES.get(template)
        if page is None:
            return f"{self.public_url}/sign-in"
        return f"{self.public_url}/{page}#token={self.mints.challenge.make(challenge_id)}"

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


def _letter_of(content: ChallengeContent) -> _Written | None:
    """To whom a challenge is told and how, as things are now; nobody is written to who has nothing to learn."""
    template = TEMPLATES[content.purpose]
    match content.purpose:
        case Purpose.SIGN_UP if content.proven is not None:
            return _Written(content.proven, False, ALREADY_REGISTERED)
        case Purpose.CHANGE if content.proven is not None:
            return _Written(content.proven, False, ADDRESS_TAKEN)
        case Purpose.SIGN_UP if content.claimed is not None and content.has_password:
            return _Written(content.claimed, True, template)
        case Purpose.CHANGE | Purpose.UNDO if content.claimed is not None:
            return _Written(content.claimed, True, template)
        case Purpose.RESET | Purpose.MAGIC_LINK if content.proven is not None:
            return _Written(content.proven, False, template)
        case _:
            return None

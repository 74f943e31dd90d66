"""Auth's mails: their categories, and what each is about. Addresses and links are put in when they leave."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from auth.challenges.model import Purpose
from kit.ids import new_id
from kit.mail import Category, Mail

ACCOUNT: Final = Category("account", essential=True, repeat_when_unknown=True)
"""Somebody waits before a screen for these."""

INVITATIONS: Final = Category("invitations")
"""These come unasked, also to people without any account."""

ANNOUNCEMENTS: Final = Category("announcements")
"""What the platform's staff tells its users."""

CATEGORIES: Final = (ACCOUNT, INVITATIONS, ANNOUNCEMENTS)

VERIFY: Final = "verify"
RESET: Final = "reset-password"
MAGIC_LINK: Final = "magic-link"
CHANGE: Final = "confirm-address"
UNDO: Final = "address-changed"
TEMPLATES: Final = {
    Purpose.SIGN_UP: VERIFY,
    Purpose.RESET: RESET,
    Purpose.MAGIC_LINK: MAGIC_LINK,
    Purpose.CHANGE: CHANGE,
    Purpose.UNDO: UNDO,
}
"""What each challenge is told with, where the address is whose it is said to be."""
ADDRESS_TAKEN: Final = "address-taken"
ALREADY_REGISTERED: Final = "already-registered"
INVITATION: Final = "invitation"
ANNOUNCEMENT: Final = "announcement"
SECURITY_NOTICE: Final = "security-notice"


def challenge_mail(purpose: Purpose, identity_id: UUID, challenge_id: UUID, locale: str) -> Mail:
    """A mail with the link of a challenge; what it says is decided when it leaves."""
    template = TEMPLATES[purpose]
    return Mail(
        template,
        ACCOUNT.name,
        f"{template}/{challenge_id}",
        locale=locale,
        about=identity_id,
        detail=challenge_id,
    )


def security_notice(
    identity_id: UUID, notice_id: UUID, locale: str, number: int = 0, *, for_many: bool = False
) -> Mail:
    """A mail that says what happened to the account, or to many; `number` counts those of the same notice."""
    return Mail(
        SECURITY_NOTICE,
        ACCOUNT.name,
        f"{SECURITY_NOTICE}/{notice_id}" + (f"/{number}" if number else ""),
        locale=locale,
        about=identity_id,
        detail=notice_id,
        for_many=for_many,
    )


def invitation(organization_id: UUID, invitation_id: UUID, number: int, locale: str) -> Mail:
    """A mail with the link that accepts an invitation; `number` counts those of the same invitation."""
    return Mail(
        INVITATION,
        INVITATIONS.name,
        f"{INVITATION}/{invitation_id}/{number}",
        organization_id=organization_id,
        locale=locale,
        about=invitation_id,
    )


def announcement_mail(announcement_id: UUID, user_id: UUID, identity_id: UUID, locale: str) -> Mail:
    """A mail that tells a person of an announcement, once for ever."""
    return Mail(
        ANNOUNCEMENT,
        ANNOUNCEMENTS.name,
        f"{ANNOUNCEMENT}/{announcement_id}/{user_id}",
        locale=locale,
        about=identity_id,
        detail=announcement_id,
    )


def announcement_test(address: str, parameters: Mapping[str, str], locale: str) -> Mail:
    """The same to a member of staff, who wants to see what it looks like."""
    return Mail(
        ANNOUNCEMENT,
        ACCOUNT.name,
        f"{ANNOUNCEMENT}-test/{new_id()}",
        locale=locale,
        to=address,
        parameters=parameters,
    )

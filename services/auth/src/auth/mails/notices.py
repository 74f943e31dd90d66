"""Security notices: what happened to an account is told by mail to whoever owns it (OWASP ASVS 6.3.7)."""

from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from auth.mails.model import security_notice
from auth.mails.repository import NoticeRepository
from kit.db.database import Transaction
from kit.ids import new_id
from kit.mail import Mailer

MOST_NOTICES: Final = 5
"""Of one kind to one person within an hour: who is attacked learns of it, and is not buried in mails."""
WITHIN: Final = timedelta(hours=1)


class Notice(StrEnum):
    """What a person is told; for each there is a sentence in the template `security-notice`, in every language."""

    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a name, not a secret
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a name, not a secret
    ADDRESS_CHANGED = "address_changed"
    PHONE_CHANGED = "phone_changed"
    PHONE_REMOVED = "phone_removed"
    NEW_DEVICE = "new_device"
    TOKEN_REUSED = "token_reused"  # noqa: S105 - a name, not a secret
    SESSIONS_REVOKED = "sessions_revoked"
    ACCOUNT_LOCKED = "account_locked"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    FACTOR_RECOVERY_BEGUN = "factor_recovery_begun"
    FACTOR_RECOVERY_DONE = "factor_recovery_done"
    RECOVERY_CODE_USED = "recovery_code_used"
    RECOVERY_CODES_RENEWED = "recovery_codes_renewed"
    PASSKEY_COPIED = "passkey_copied"
    IDENTITY_LINKED = "identity_linked"
    IDENTITY_UNLINKED = "identity_unlinked"
    IMPERSONATED = "impersonated"
    DELEGATION_GRANTED = "delegation_granted"
    OWNERSHIP_OFFERED = "ownership_offered"
    OWNERSHIP_TRANSFERRED = "ownership_transferred"


EVERYWHERE: Final = frozenset({Notice.FACTOR_RECOVERY_BEGUN, Notice.FACTOR_RECOVERY_DONE})
"""What nobody must be able to hide by being loud."""
MOST_ADDRESSES: Final = 20
ALWAYS: Final = 1_000_000


async def notify(
    tx: Transaction,
    mailer: Mailer,
    user_id: UUID,
    notice: Notice,
    cause: UUID | None = None,
    *,
    for_many: bool = False,
) -> bool:
    """Tell a person what happened to their account, at their proven mail address and in their language.

    What reaches as far as `EVERYWHERE` is told at every proven mail address, however often.

    In the transaction in which it happens. `cause` is the id of what brought it about (a session, a factor): of one
    cause a person is told once; without it each call is a cause of its own. False when nothing is sent: told before,
    told too often within the hour, or there is no proven mail address. What happens to many accounts at once
    (`for_many`) is told after what others wait for.
    """
    notices = NoticeRepository(tx)
    notice_id = new_id()
    at_most = ALWAYS if notice in EVERYWHERE else MOST_NOTICES
    if not await notices.add(notice_id, user_id, notice, cause or notice_id, at_most, WITHIN):
        return False
    recipients = await notices.recipients(user_id, MOST_ADDRESSES if notice in EVERYWHERE else 1)
    queued = [
        await mailer.queue(tx, security_notice(each.identity_id, notice_id, each.locale, number, for_many=for_many))
        for number, each in enumerate(recipients)
    ]
    return any(queued)

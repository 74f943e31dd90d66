from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.invitations.errors import InvitationGone, InvitationSettled, TooManyMails
from auth.members.permissions import Role

LIFE: Final = timedelta(days=7)
MOST_PENDING: Final = 200
MOST_MAILS: Final = 5
MOST_MAILS_A_DAY: Final = 10
"""Mails from one organization to one address, of all its invitations, also of those revoked meanwhile."""


class InvitationState(StrEnum):
    """Where an invitation stands."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Invitation:
    """An offer of a membership to an address; `email` is there once the address was opened."""

    id: UUID
    email_blind: bytes
    address: SealedAddress
    role: Role
    state: InvitationState
    accepted_by: UUID | None
    mails: int
    version: int
    expires_at: datetime
    created_at: datetime
    email: str | None = None

    def revoked(self) -> Self:
        """The invitation withdrawn; one that is withdrawn already stays as it is.

        Raises:
            InvitationSettled: it was accepted.
        """
        if self.state is InvitationState.REVOKED:
            return self
        if self.state is InvitationState.ACCEPTED:
            raise InvitationSettled
        return self._now(InvitationState.REVOKED)

    def accepted(self, user_id: UUID) -> Self:
        """The invitation used up by this user; the same user may use it again and changes nothing.

        Raises:
            InvitationGone: it is not open any more.
        """
        if self.state is InvitationState.ACCEPTED and self.accepted_by == user_id:
            return self
        if self.state is not InvitationState.PENDING:
            raise InvitationGone
        return replace(self._now(InvitationState.ACCEPTED), accepted_by=user_id)

    def mailed_again(self) -> Self:
        """The invitation after another mail, open as long as a new one.

        Raises:
            InvitationSettled: it was accepted or revoked.
            TooManyMails: enough mails were sent.
        """
        if self.state in (InvitationState.ACCEPTED, InvitationState.REVOKED):
            raise InvitationSettled
        if self.mails >= MOST_MAILS:
            raise TooManyMails(retry_after=LIFE.total_seconds())
        return replace(self._now(InvitationState.PENDING), mails=self.mails + 1)

    def _now(self, state: InvitationState) -> Self:
        return replace(self, state=state, version=self.version + 1)

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self
from uuid import UUID

from auth.ownership.errors import TransferGone

LIFE: Final = timedelta(days=7)
KEPT_FOR: Final = timedelta(days=90)


class TransferState(StrEnum):
    """Where an offer stands."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Transfer:
    """An organization offered by one of its owners to another member."""

    id: UUID
    from_member_id: UUID
    to_member_id: UUID
    from_user_id: UUID
    to_user_id: UUID
    state: TransferState
    version: int
    expires_at: datetime
    created_at: datetime

    def accepted(self) -> Self:
        """The offer taken; one that was taken stays as it is.

        Raises:
            TransferGone: it is not open any more.
        """
        if self.state is TransferState.ACCEPTED:
            return self
        if self.state is not TransferState.PENDING:
            raise TransferGone
        return replace(self, state=TransferState.ACCEPTED, version=self.version + 1)

    def withdrawn(self) -> Self:
        """The offer taken back or declined; one that has expired or was withdrawn stays as it is.

        Raises:
            TransferGone: it was accepted.
        """
        if self.state is TransferState.ACCEPTED:
            raise TransferGone
        if self.state is not TransferState.PENDING:
            return self
        return replace(self, state=TransferState.WITHDRAWN, version=self.version + 1)

    def concerns(self, user_id: UUID) -> bool:
        """Whether somebody gives or gets here."""
        return user_id in (self.from_user_id, self.to_user_id)

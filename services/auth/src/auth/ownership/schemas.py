from uuid import UUID

from pydantic import AwareDatetime, Field

from auth.ownership.model import TransferState
from kit.http.models import Model, Out


class OfferOwnership(Model):
    """To whom."""

    member_id: UUID = Field(description="A member who is no owner yet.")


class OwnershipTransferOut(Out):
    """An offer of an organization."""

    id: UUID
    from_member_id: UUID
    to_member_id: UUID
    state: TransferState
    expires_at: AwareDatetime
    created_at: AwareDatetime
    version: int

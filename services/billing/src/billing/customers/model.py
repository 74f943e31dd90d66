"""An organization as Stripe knows it."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class CustomerState(StrEnum):
    """Whether Stripe has the customer."""

    MAKING = "making"
    MADE = "made"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Customer:
    """The row; `id` is ours, `stripe_id` Stripe's once it has made the customer.

    `details` are sealed, `details_id` names this version of them, `details_state` says whether Stripe has it.
    """

    id: UUID
    organization_id: UUID
    stripe_id: str | None
    state: CustomerState
    details: bytes | None
    details_id: UUID | None
    details_state: str
    details_reason: str
    version: int

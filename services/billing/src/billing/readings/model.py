"""The words of readings: a hint says that an object of Stripe's changed, a reading applies what it is now."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from kit.db.database import Transaction

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Named:
    """An object of Stripe's, by its type (`subscription`) and its id."""

    type: str
    id: str


class Reader(Protocol[T]):
    """How one type of object is read and what it changes in our own rows."""

    @property
    def type(self) -> str:
        """The word that stands in the object's field `object`."""

    async def read(self, object_id: str) -> T:
        """The object as it is now, understood; with no transaction open, and as often as one likes.

        Raises:
            kit.ledger.model.Refused: there is no such object, or it is none that anybody could understand.
            NotAccepted, Parked, Unanswered: it cannot be read now.
        """

    async def apply(self, tx: Transaction, found: T, ticket: int) -> None:
        """Bring our own rows up to it and emit facts, in a transaction bound to the object's organization.

        The organization is locked (`GrantRepository.lock`), as it is for whatever changes what it may use.
        No other reading of the object is applied at the same time, and never an older one after a newer one. The same
        one may come again: it then changes nothing and tells nothing.
        """


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to read: how many hints there had been before the reading began."""

    organization_id: UUID
    object: Named
    number: int


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What was read under a ticket."""

    ticket: Ticket
    found: T

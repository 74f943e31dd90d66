"""The words of intake: a source, the items of a delivery, their verdicts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID

from kit.db.database import Transaction


class Unreadable(Exception):
    """The delivery is genuine, but nobody can take it apart; the whole of it is quarantined with this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of the many in a delivery.

    `id` is the provider's and is unique within the source, so a second one with it is a duplicate; an empty one is
    nobody's duplicate. Items of one `key` (a channel and a contact) are applied one after another in the order they
    came. `tenant` is what the source finds the organization by (a phone number id). `content` is the part of the
    payload that belongs to it, as JSON. Key and content rest sealed; the other fields stand in plain rows that an
    operator sees, so they hold no names, numbers or text of people.
    """

    id: str
    key: str
    tenant: str
    kind: str
    content: bytes
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """An item on its way to being applied: its row's id, and when the platform received it."""

    row_id: UUID
    item: Item
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Applied:
    """It has changed our rows, or rightly changed nothing."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """It is kept with the reason until somebody replays or discards it."""

    reason: str


Verdict = Applied | Quarantined


@runtime_checkable
class Acknowledging(Protocol):
    """A source whose sender wants to be answered with more than that its delivery was taken."""

    def acknowledgement(self, body: bytes) -> str:
        """What is answered to a delivery that is stored, as plain or JSON text; without asking anything."""


class Source(Protocol):
    """One sender of webhooks."""

    @property
    def name(self) -> str:
        """Its name in the path and in rows: `whatsapp` is received at /v1/webhooks/whatsapp."""

    @property
    def body_limit(self) -> int:
        """Bytes of the largest delivery that is read."""

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """The answer to a GET that asks whether we are who we say, as plain or JSON text; None refuses with 403."""

    def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the signature holds for exactly these bytes, compared in constant time (`kit.intake.signatures`).

        Header names are in lower case.
        """

    def split(self, body: bytes) -> Sequence[Item]:
        """All items of a delivery, in its order; unknown kinds are items too.

        Raises:
            Unreadable: it is not what the source documents.
        """

    async def organizations(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
        """Whose these are; what is left out is quarantined as unknown and can be replayed when it is known."""

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """Apply items in order, in a transaction bound to their organization; one verdict for each.

        They are of one key or of several, those of a key beside each other: read at once what many of them need.

        An exception rolls the transaction back, and the items are then tried one by one: a `TransientError` is waited
        for however long it lasts, a `DomainError` quarantines with its title, anything else is tried three times in
        all and then quarantined with the exception's name. Later items of the key wait meanwhile. Several keys, also
        of several organizations, may be applied in one transaction that is bound to one organization after the other:
        never hold anything of `tx` beyond the call.
        """

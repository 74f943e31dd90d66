"""Stripe's webhook as intake knows it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

from billing.notifications.hints import INDIFFERENT, NOBODY, followed, item_of, object_of
from billing.readings.reading import ask
from kit.clock import Clock
from kit.db.database import Transaction
from kit.intake.model import Applied, Item, Quarantined, Received, Verdict
from kit.intake.signatures import timestamped_hmac_hex

NAME: Final = "stripe"
TOLERANCE: Final = 300.0
"""Seconds that a signature is good for, as in Stripe's own libraries."""

_NO_ORGANIZATION: Final = UUID(int=0)


class Owners(Protocol):
    """Finds out whose objects of Stripe are: of customers, or of what leads to them."""

    async def __call__(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
        """The organizations of those that are known."""


@dataclass(frozen=True, slots=True)
class StripeSource:
    """Everything that Stripe tells. An event is a hint: what has changed is read at Stripe, never out of it.

    Several secrets are good while one is being changed for another; without any it believes nobody.
    """

    secrets: Sequence[str] = field(repr=False)
    clock: Clock
    types: Collection[str]
    """The types of objects that are read here."""
    owners: Sequence[Owners]
    name: str = NAME
    body_limit: int = 1024 * 1024

    def challenge(self, query: Mapping[str, str]) -> str | None:  # noqa: ARG002 - as intake has it
        """Stripe asks for none."""
        return None

    def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether one of the secrets signed exactly these bytes, lately."""
        header, now = headers.get("stripe-signature"), self.clock.timestamp()
        fits = [timestamped_hmac_hex(secret, body, header, now=now, tolerance=TOLERANCE) for secret in self.secrets]
        return any(fits)

    def split(self, body: bytes) -> Sequence[Item]:
        """The one event of a delivery."""
        return [item_of(body)]

    async def organizations(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
        """Whose these customers are; what concerns no customer is taken to concern no organization."""
        found: dict[str, UUID] = {NOBODY: _NO_ORGANIZATION}
        for owners in self.owners:
            unknown = set(tenants) - set(found)
            found |= await owners(tx, unknown) if unknown else {}
        return found

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """Have what the items name read again, all at once."""
        named = [object_of(each.item.content) for each in items]
        if tx.organization_id != _NO_ORGANIZATION:
            await ask(tx, *followed(named, self.types))
        return [self._verdict(each.item, one.type) for each, one in zip(items, named, strict=True)]

    def _verdict(self, item: Item, kind: str) -> Verdict:
        if kind in INDIFFERENT or (kind in self.types and item.tenant != NOBODY):
            return Applied()
        if kind in self.types:
            return Quarantined(f"nobody can say whose this {kind} is")
        return Quarantined(f"nobody here knows what to do with {item.kind}")

"""Payloads rest sealed under the platform's own key: whose they are is not known when they arrive."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID


class Sealing(Protocol):
    """What intake asks of a `kit.seal.keyring.Keyring`."""

    async def seal_many(
        self, organization_id: UUID | None, values: Sequence[tuple[bytes, bytes]], *, subject: str | None = None
    ) -> list[bytes]:
        """Encrypt each (value, place)."""

    async def open_many(
        self, organization_id: UUID | None, values: Sequence[tuple[bytes, bytes]]
    ) -> list[bytes | None]:
        """Decrypt each (sealed, place); None where the key was destroyed."""


def place_of_delivery(delivery_id: UUID) -> bytes:
    """Where a delivery's body rests."""
    return b"intake_deliveries.body:" + delivery_id.bytes


def place_of_item(item_id: UUID) -> bytes:
    """Where an item's content rests."""
    return b"intake_items.content:" + item_id.bytes

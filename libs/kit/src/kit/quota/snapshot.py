from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from kit.db.database import Transaction
from kit.quota.repository import QuotaRepository


class Snapshot(Protocol):
    """What billing says an organization may use: always the whole of it, with a version."""

    @property
    def organization_id(self) -> UUID | None:
        """Whom it concerns."""

    @property
    def version(self) -> int:
        """Rises with each snapshot of the organization."""

    @property
    def plan(self) -> str:
        """The plan's name."""

    @property
    def limits(self) -> Mapping[str, int | None]:
        """Per meter how much is included; None is without limit."""


async def on_entitlements(event: Snapshot, tx: Transaction) -> None:
    """Keep what an organization may use from now on; an older snapshot after a newer one changes nothing.

    What is used and reserved stays; where it is more than is allowed now, nothing more is given until it is less.
    """
    await QuotaRepository(tx).save_limits(event.plan, event.limits, event.version)

"""Where keys are kept."""

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol
from uuid import UUID

from kit.seal.model import Key, Owner


class KeyRef(NamedTuple):
    """A key by its id, as it stands in what was sealed, and whose it is said to be."""

    organization_id: UUID | None
    id: UUID


class KeyStore(Protocol):
    """Gives keys for use; it remembers nothing that was destroyed."""

    async def current(self, owners: Collection[Owner]) -> Mapping[Owner, Key | None]:
        """The key that seals for each owner now, made where there is none; None where it was destroyed."""

    async def find(self, wanted: Collection[KeyRef]) -> Mapping[KeyRef, Key | None]:
        """Keys that have sealed something; None where one was destroyed, nothing where the organization has none."""

    async def destroyed_within(self, seconds: float) -> Collection[Owner] | None:
        """Whose keys were destroyed lately, an organization standing for all its subjects; None: too many to tell."""

"""Somebody whom data is about."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Person:
    """A contact, who belongs to one organization, or a user, who may be in many and then has none here."""

    kind: str
    id: UUID
    organization_id: UUID | None = None

    @property
    def key_owner(self) -> str:
        """Whose key seals what is about them (`kit.seal`)."""
        return f"{self.kind}:{self.id}"

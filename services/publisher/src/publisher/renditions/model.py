"""Media as platforms take them: which shape is needed, and where its making stands."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from publisher.media.fitting import Shape
from publisher.media.workshop.verdict import Facts

RENDER: Final = "publisher.media.render"


@dataclass(frozen=True, slots=True)
class Need:
    """A medium that some platform takes in another shape only."""

    organization_id: UUID
    media_id: UUID
    shape: Shape

    @property
    def key(self) -> tuple[UUID, str]:
        """By what its rendition is found."""
        return self.media_id, self.shape.key


@dataclass(frozen=True, slots=True)
class Rendition:
    """Where one stands: `facts` and `object` once it is ready, `reason` once it is known that it cannot be made."""

    id: UUID
    facts: Facts | None
    object: str
    failed: bool
    reason: str

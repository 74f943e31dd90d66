"""Media that samples of templates show: whose they are, and at which accounts WhatsApp has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from inbox.templates.components import Json, objects, of_type
from inbox.templates.special import Breach

LARGEST: Final = 16 * 1024 * 1024
"""As much as a video may have; WhatsApp's media page of December 2025."""

OF_FORMAT: Final[Mapping[str, tuple[str, ...]]] = {
    "IMAGE": ("image/jpeg", "image/png"),
    "VIDEO": ("video/mp4",),
    "DOCUMENT": ("application/pdf",),
}
"""What a header of each format may show; Meta's page of resumable uploads takes these and no others."""

TYPES: Final = frozenset(each for types in OF_FORMAT.values() for each in types)


@dataclass(frozen=True, slots=True)
class Sample:
    """A file of the organization that templates may name."""

    id: UUID
    media_type: str
    size: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Named:
    """Where a template names a sample, and for a header of which format."""

    pointer: str
    format: str
    sample: str

    @property
    def sample_id(self) -> UUID | None:
        """The sample's id; None where it is none."""
        try:
            return UUID(self.sample)
        except ValueError:
            return None


def named_in(components: Sequence[Json], at: str = "#/components") -> list[Named]:
    """The samples that a template's header names, and the headers of its cards."""
    found: list[Named] = []
    for place, each in enumerate(components):
        example = each.get("example")
        if each.get("type") == "HEADER" and isinstance(example, Mapping) and "sample_id" in example:
            pointer = f"{at}/{place}/example/sample_id"
            found.append(Named(pointer, str(each.get("format")), str(example["sample_id"])))
        for number, card in enumerate(objects(each, "cards")):
            found += named_in(objects(card, "components"), f"{at}/{place}/cards/{number}/components")
    return found


def wrong(named: Sequence[Named], types: Mapping[UUID, str]) -> list[Breach]:
    """What is named and is not there, or does not suit its header."""
    breaches = []
    for each in named:
        media_type = None if each.sample_id is None else types.get(each.sample_id)
        if media_type is None:
            breaches.append(Breach(each.pointer, "HEADER", "Name a sample of this organization."))
        elif media_type not in OF_FORMAT.get(each.format, ()):
            wanted = " or ".join(OF_FORMAT.get(each.format, ()))
            breaches.append(Breach(each.pointer, "HEADER", f"This is {media_type}; name a sample of {wanted}."))
    return breaches


def with_handles(components: Sequence[Json], handles: Mapping[UUID, str]) -> list[dict[str, Any]]:
    """The components as WhatsApp takes them: handles in place of our ids."""
    return [_with_handles(each, handles) for each in components]


def _with_handles(component: Json, handles: Mapping[UUID, str]) -> dict[str, Any]:
    made, example = dict(component), component.get("example")
    if made.get("type") == "HEADER" and isinstance(example, Mapping) and "sample_id" in example:
        made["example"] = {"header_handle": [handles[UUID(str(example["sample_id"]))]]}
    if of_type([component], "CAROUSEL") is not None:
        made["cards"] = [
            {**card, "components": with_handles(objects(card, "components"), handles)}
            for card in objects(component, "cards")
        ]
    return made

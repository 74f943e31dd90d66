"""How the checks say what they find."""

from dataclasses import dataclass

from postrules.drafts import Draft, Finding
from postrules.limits import Limit, Value


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a draft something is: a JSON Pointer, and which media item is meant."""

    field: str
    media: int | None = None

    @property
    def number(self) -> int:
        """The place of the media item as people count."""
        return (self.media or 0) + 1


def found(
    draft: Draft,
    place: Place,
    limit: Limit | str,
    detail: str,
    fix: str,
    *,
    actual: float | str | None = None,
    blocks: bool = True,
) -> Finding:
    """A finding about a limit, or about a rule (by name) that has no number."""
    known = limit if isinstance(limit, Limit) else None
    value: Value | None = known.value if known else None
    return Finding(
        platform=draft.platform,
        field=place.field,
        rule=known.rule if known else str(limit),
        detail=detail,
        fix=fix,
        limit=value,
        actual=actual,
        unit=known.unit if known else None,
        media=place.media,
        blocks=blocks,
    )

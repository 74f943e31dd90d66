from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from inbox.broadcasts.zones.model import ZONES
from kit.http.models import Model, Out


def _zone(name: str) -> str:
    if name not in ZONES:
        raise ValueError("this is no time zone; use a name such as Europe/Berlin")
    return name


Zone = Annotated[str, AfterValidator(_zone)]


class SetBroadcastSettings(Model):
    """Where contacts are taken to be: by an attribute of theirs, else by their number, else where the team is."""

    zone: Zone = Field(description="Where those are of whom nothing else is known; new broadcasts begin with it.")
    zone_attribute_id: UUID | None = Field(
        None, description="The attribute of contacts that holds their zone, by its IANA name such as `Asia/Tokyo`."
    )


class BroadcastSettingsOut(Out):
    """Where contacts are taken to be."""

    zone: str
    zone_attribute_id: UUID | None
    version: int = Field(description="0 while nothing was said; also the ETag.")

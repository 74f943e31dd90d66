from uuid import UUID

from pydantic import AwareDatetime, Field

from kit.http.models import Line, Model, Out


class RenameDevice(Model):
    """What to call the device from now on."""

    name: Line


class DeviceOut(Out):
    """A browser or program in which I have signed in."""

    id: UUID
    name: str | None = Field(description="What I call it; null until I name it.")
    remembered_until: AwareDatetime | None = Field(description="Until then the second factor is spared on it.")
    version: int = Field(description='To be sent as If-Match, in the form "v1", with a change.')
    seen_at: AwareDatetime = Field(description="When I last signed in on it.")
    created_at: AwareDatetime
    current: bool = Field(description="Whether this session was begun on it.")

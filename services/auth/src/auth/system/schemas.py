from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from auth.system.registry import Held
from kit.http.models import Model, Out


class SettingOut(Out):
    """A setting of the system."""

    name: str
    sentence: str
    value: Any
    default: Any
    permission: str
    public: bool
    version: int
    changed_by: UUID | None
    changed_at: datetime | None

    @classmethod
    def of(cls, held: Held) -> Self:
        """As staff reads it."""
        setting = held.setting
        return cls(
            name=setting.name,
            sentence=setting.sentence,
            value=setting.plain(held.value),
            default=setting.plain(setting.default),
            permission=setting.permission,
            public=setting.public,
            version=held.version,
            changed_by=held.changed_by,
            changed_at=held.changed_at,
        )


class SettingsOut(Out):
    """All settings."""

    items: list[SettingOut]


class ChangeSetting(Model):
    """Another value."""

    value: Any = Field(description="Of the setting's own type.")


class ChangeOut(Out):
    """A value that a setting had from a time on."""

    version: int
    value: Any
    changed_by: UUID
    changed_at: datetime


class SystemOut(Out):
    """What everybody may know of the system, by name of the setting."""

    settings: dict[str, Any]

"""Which settings the system has: each with its type, what it is by default, and what it is for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal
from uuid import UUID, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from auth.system.errors import SettingInvalid

_NAMES: Final = UUID("019bc1a2-7f00-7000-8000-0000005e7713")

Sentence = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=500, pattern=r"^[^\x00-\x1f\x7f\u2028\u2029]*$")
]
PathPrefix = Annotated[str, StringConstraints(max_length=100, pattern=r"^/v1(/[A-Za-z0-9_.-]+)+$")]


class Maintenance(BaseModel):
    """Whether the platform is closed for maintenance, what people are told, and what is let through all the same.

    `until` is a guess for people and programs, and opens nothing by itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: bool = False
    message: Sentence = ""
    until: AwareDatetime | None = None
    allowed_paths: Annotated[tuple[PathPrefix, ...], Field(max_length=20)] = ()


class Banner(BaseModel):
    """A line that the console shows to everybody, by language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shown: bool = False
    level: Literal["info", "warning"] = "info"
    texts: Annotated[dict[Annotated[str, Field(pattern=r"^[a-z]{2}$")], Sentence], Field(max_length=20)] = Field(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; `permission` is what a member of staff needs to change it, `public` shows it to everybody."""

    name: str
    sentence: str
    kind: Any
    default: Any
    permission: str = "settings.change"
    public: bool = False

    @property
    def id(self) -> UUID:
        """What events about it name; the same in every installation."""
        return uuid5(_NAMES, self.name)

    def read(self, value: object) -> Any:
        """The value, if it is one that the setting may have.

        Raises:
            SettingInvalid: it is none.
        """
        try:
            return TypeAdapter(self.kind).validate_python(value)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            place = ".".join(str(each) for each in first["loc"])
            raise SettingInvalid(f"{place}: {first['msg']}" if place else first["msg"]) from None

    def plain(self, value: object) -> Any:
        """The value as JSON."""
        return TypeAdapter(self.kind).dump_python(value, mode="json")


MAINTENANCE: Final = Setting(
    "maintenance",
    "Closes the platform to everybody but staff, health checks, webhooks and the public keys.",
    Maintenance,
    Maintenance(),
    permission="maintenance.switch",
    public=True,
)
BANNER: Final = Setting("banner", "A line above everything in the console.", Banner, Banner(), public=True)
SIGN_UPS: Final = Setting(
    "sign_ups", "Whether new accounts can be opened.", Literal["open", "closed"], "open", public=True
)
PASSWORD_POLICY: Final = Setting(
    "password_policy",
    "How long a password must be that is the only factor: as the service is configured, or strict: 15 characters.",
    Literal["configured", "strict"],
    "configured",
    public=True,
)
ANNOUNCEMENT_PACE: Final = Setting(
    "announcement_mails_waiting",
    "How many mails of one announcement may wait to leave; more are made when these are gone.",
    Annotated[int, Field(strict=True, ge=10, le=100_000)],
    2000,
)

SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType(
    {each.name: each for each in (MAINTENANCE, BANNER, SIGN_UPS, PASSWORD_POLICY, ANNOUNCEMENT_PACE)}
)
"""All settings there are."""


@dataclass(frozen=True, slots=True)
class Held:
    """A setting as it stands; who changed it and when, unless it never was."""

    setting: Setting
    value: Any
    version: int
    changed_by: Any = None
    changed_at: datetime | None = None

"""Settings: read from the environment once, in `__main__`, and never printed."""

import sys
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from kit.seal.master import LocalMasterKey
from kit.seal.sealer import Sealer


def _sealing_key(value: SecretStr) -> SecretStr:
    if value.get_secret_value():
        Sealer.from_text(value.get_secret_value())
    return value


SealingKey = Annotated[SecretStr, AfterValidator(_sealing_key)]
"""32 random bytes in base64url, or nothing."""

LogLevel = Literal["debug", "info", "warning", "error", "critical"]


class ProcessSettings(BaseSettings):
    """What every process of the platform is told; a subclass sets `env_prefix` to its own name.

    Unknown variables are ignored. Whatever may hold a password is a `SecretStr`.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    http_host: str = "127.0.0.1"
    http_port: int = Field(ge=0, le=65535)
    broker_url: SecretStr = SecretStr("amqp://guest:guest@127.0.0.1:5672/")
    namespace: str = Field("rostrum", pattern=r"^[a-z][a-z0-9_.-]{0,62}$")
    jwks_url: str = Field(pattern=r"^https?://")
    token_issuer: str = "https://rostrum.local"  # noqa: S105 - a name, not a secret
    token_audience: str = "rostrum-api"  # noqa: S105 - a name, not a secret
    otlp_endpoint: str = Field("", pattern=r"^(https?://.+)?$")
    trace_sample: float = Field(0.01, ge=0, le=1)
    log_level: LogLevel = "info"
    environment: Literal["development", "production"] = "development"


class ServiceSettings(ProcessSettings):
    """What a service with its own schema is told besides."""

    database_url: SecretStr
    database_direct_url: SecretStr = SecretStr("")
    migrate_url: SecretStr | None = None
    role_prefix: str = Field("rostrum_", pattern=r"^[a-z_][a-z0-9_]{0,30}$")
    pool_size: int = Field(8, ge=1, le=100)
    worker_niceness: int = Field(0, ge=0, le=19)
    """How far a worker steps back for other programs of its machine, as `nice` counts; it still gets a share."""
    sealing_key: SealingKey = SecretStr("")
    """The local master key, which wraps the keys that this service keeps; a service that seals nothing needs none."""
    sealing_keys_old: tuple[SealingKey, ...] = ()
    """A JSON list of former ones, kept until `seal rotate-master` has run."""
    compliance_url: str = Field("", pattern=r"^(https?://.+)?$")
    """Where the keys of organizations and people are kept, and where parts of exports go; compliance has none."""
    compliance_secret: SealingKey = SecretStr("")
    """What this service shares with compliance: 32 random bytes in base64url, another for each service."""
    operator_token: SecretStr = SecretStr("")
    """Opens the operator's doors below /internal, which the gateway does not lead to; empty keeps them shut."""
    drain_notice: float = Field(0.0, ge=0, le=60)
    """Seconds between turning unready and no longer accepting, for whoever sends requests here to notice."""

    def master_key(self) -> LocalMasterKey | None:
        """The master key, where one is set."""
        key = self.sealing_key.get_secret_value()
        return (
            LocalMasterKey.from_text(key, [old.get_secret_value() for old in self.sealing_keys_old]) if key else None
        )

    @model_validator(mode="after")
    def _ask_compliance_by_name(self) -> Self:
        if bool(self.compliance_url) != bool(self.compliance_secret.get_secret_value()):
            raise ValueError("COMPLIANCE_URL and COMPLIANCE_SECRET are set together, or neither is")
        return self

    @model_validator(mode="after")
    def _listen_where_the_data_is(self) -> Self:
        if not self.database_direct_url.get_secret_value():
            object.__setattr__(self, "database_direct_url", self.database_url)
        return self


S = TypeVar("S", bound=BaseSettings)


def load(settings: type[S]) -> S:
    """Read the settings from the environment, or say on stderr which variables are wrong and exit with 2.

    The values themselves are not shown: they may be secrets.
    """
    try:
        return settings()
    except ValidationError as error:
        for line in explain(settings, error):
            print(line, file=sys.stderr)  # noqa: T201 - there is no log before the settings
        raise SystemExit(2) from None


def explain(settings: type[BaseSettings], error: ValidationError) -> list[str]:
    """One line for each variable that is missing or invalid, without its value."""
    prefix = settings.model_config.get("env_prefix", "")
    lines = []
    for problem in error.errors(include_input=False, include_context=False, include_url=False):
        name = "_".join(str(part) for part in problem["loc"]) or "settings"
        what = "is not set" if problem["type"] == "missing" else problem["msg"]
        lines.append(f"{prefix}{name}".upper() + f": {what}")
    return lines

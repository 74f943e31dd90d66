from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from auth.accounts.phone import NUMBER_TYPES
from kit.mail import SmtpServer
from kit.seal import Sealer
from kit.settings import ServiceSettings


def _key(value: SecretStr) -> SecretStr:
    Sealer.from_text(value.get_secret_value())
    return value


def _smtp(value: SecretStr) -> SecretStr:
    SmtpServer.at(value.get_secret_value())
    return value


def _mailbox(value: str) -> str:
    if "@" not in parseaddr(value)[1]:
        raise ValueError("must hold an address, such as: Rostrum <no-reply@example.com>")
    return value


def _number_types(value: frozenset[str]) -> frozenset[str]:
    if value - NUMBER_TYPES:
        raise ValueError(f"must be among {sorted(NUMBER_TYPES)}")
    return value


class AuthSettings(ServiceSettings):
    """AUTH_*: what every service is told, and how to seal, whom to send mail as, and where links lead."""

    model_config = SettingsConfigDict(env_prefix="AUTH_")

    sealing_key: Annotated[SecretStr, AfterValidator(_key)]
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp)] = SecretStr("smtp://127.0.0.1:1025")
    mail_from: Annotated[str, AfterValidator(_mailbox)] = Field("Rostrum <no-reply@rostrum.local>", max_length=320)
    public_url: str = Field("http://127.0.0.1:8080", pattern=r"^https?://[^\s#?]+$")
    password_policy: Literal["default", "strict"] = "default"  # noqa: S105 - a name, not a secret
    disposable_domains: Path | None = None
    breached_passwords: Path | None = None
    breached_url: str | None = Field(None, pattern=r"^https?://[^\s#?]+$")
    telnyx_url: str = Field("https://api.telnyx.com/v2", pattern=r"^https?://[^\s#?]+$")
    telnyx_key: SecretStr | None = None
    telnyx_from: str = Field("", max_length=20)
    phone_region: str | None = Field(None, pattern=r"^[A-Z]{2}$")
    phone_countries: frozenset[str] = frozenset()
    phone_types_refused: Annotated[frozenset[str], AfterValidator(_number_types)] = frozenset(
        {"premium", "shared_cost", "toll_free", "voip", "personal", "pager", "uan", "voicemail"}
    )
    texts_per_hour: int = Field(500, ge=0)
    texts_per_network_and_hour: int = Field(20, ge=1)
    texts_per_second: float = Field(10.0, gt=0)

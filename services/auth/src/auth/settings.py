from email.utils import parseaddr
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

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


class AuthSettings(ServiceSettings):
    """AUTH_*: what every service is told, and how to seal, whom to send mail as, and where links lead."""

    model_config = SettingsConfigDict(env_prefix="AUTH_")

    sealing_key: Annotated[SecretStr, AfterValidator(_key)]
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp)] = SecretStr("smtp://127.0.0.1:1025")
    mail_from: Annotated[str, AfterValidator(_mailbox)] = Field("Rostrum <no-reply@rostrum.local>", max_length=320)
    public_url: str = Field("http://127.0.0.1:8080", pattern=r"^https?://[^\s#?]+$")
    session_days: float = Field(30, gt=0, le=400)
    session_idle_days: float = Field(14, gt=0, le=400)

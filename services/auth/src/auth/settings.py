from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kit.mail import SmtpServer
from kit.seal import Sealer
from kit.settings import SealingKey, ServiceSettings


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
    client_secrets: dict[Annotated[str, Field(pattern=r"^[a-z]{1,40}$")], SealingKey] = Field(default_factory=dict)
    """A JSON object: by caller, what it shares with us; the gateway exchanges API keys with it. Empty: nobody may."""
    public_url: str = Field("http://127.0.0.1:8080", pattern=r"^https?://[^\s#?]+$")
    password_policy: Literal["default", "strict"] = "default"  # noqa: S105 - a name, not a secret
    breached_passwords: Path | None = None
    breached_url: str | None = Field(None, pattern=r"^https?://[^\s#?]+$")

    def clients(self) -> dict[str, Sealer]:
        """Who may call our internal doors, each with its secret."""
        shown = {caller: secret.get_secret_value() for caller, secret in self.client_secrets.items()}
        return {caller: Sealer.from_text(secret) for caller, secret in shown.items() if secret}

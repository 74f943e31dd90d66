from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kit.mail import SmtpServer
from kit.seal.sealer import Sealer
from kit.settings import SealingKey, ServiceSettings


def _smtp(value: SecretStr) -> SecretStr:
    SmtpServer.at(value.get_secret_value())
    return value


class InboxSettings(ServiceSettings):
    """INBOX_*: the app at Meta besides what every service is told; without secret and token its channels are off."""

    model_config = SettingsConfigDict(env_prefix="INBOX_")

    client_secrets: dict[Annotated[str, Field(pattern=r"^[a-z]{1,40}$")], SealingKey] = Field(default_factory=dict)
    """A JSON object: by caller, what it shares with us; the gateway tells with it who is connected."""
    meta_graph_url: str = Field("https://graph.facebook.com", pattern=r"^https?://")
    meta_api_version: str = Field("v23.0", pattern=r"^v\d{1,3}\.\d{1,2}$")
    meta_app_secret: SecretStr = SecretStr("")
    meta_verify_token: SecretStr = SecretStr("")
    direct_graph_url: str = Field("https://graph.facebook.com", pattern=r"^https?://")
    """Where Messenger and Instagram's direct messages are spoken to."""
    telnyx_url: str = Field("https://api.telnyx.com/v2", pattern=r"^https?://")
    telnyx_public_key: str = Field("", pattern=r"^([A-Za-z0-9+/]{43}=)?$")
    """By which the Telnyx account's webhooks are believed; without it text messages are off."""
    public_url: str = Field("http://127.0.0.1:8080", pattern=r"^https?://[^\s#?\"'<>]+$")
    """Where browsers reach the gateway: the pages of customers load what we give them from there."""
    link_url: str = Field("", pattern=r"^(https?://[^\s#?\"'<>]+)?$")
    """A domain of its own for links of broadcasts, where `GET /v1/links/…` of the gateway is reached without that
    path; empty: the door itself. Templates name it in their buttons, so it does not change lightly."""
    redis_url: str = Field("", pattern=r"^(rediss?://[^\s]+)?$")
    """Where the gateway reads who writes just now; empty: the team is not shown that a visitor does."""
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp)] = SecretStr("smtp://127.0.0.1:1025")
    mail_from: str = Field("Rostrum <no-reply@rostrum.local>", max_length=320, pattern=r"^[^\r\n]*[^@\s]@[^@\s]+$")
    """As whom replies to contact forms leave as mail; the name before it is that of the form."""
    media_folder: str = ""
    """Where received media are kept; a folder that all processes of the service share. Empty: below the system's
    temporary folder, for development."""

    def clients(self) -> dict[str, Sealer]:
        """Who may call our internal doors, each with its secret."""
        shown = {caller: secret.get_secret_value() for caller, secret in self.client_secrets.items()}
        return {caller: Sealer.from_text(secret) for caller, secret in shown.items() if secret}

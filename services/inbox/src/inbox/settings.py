from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kit.settings import ServiceSettings


class InboxSettings(ServiceSettings):
    """INBOX_*: the app at Meta besides what every service is told; without secret and token WhatsApp is off."""

    model_config = SettingsConfigDict(env_prefix="INBOX_")

    meta_graph_url: str = Field("https://graph.facebook.com", pattern=r"^https?://")
    meta_api_version: str = Field("v23.0", pattern=r"^v\d{1,3}\.\d{1,2}$")
    meta_app_secret: SecretStr = SecretStr("")
    meta_verify_token: SecretStr = SecretStr("")
    media_folder: str = ""
    """Where received media are kept; a folder that all processes of the service share. Empty: below the system's
    temporary folder, for development."""

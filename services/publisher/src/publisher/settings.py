from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kit.settings import ServiceSettings


class PublisherSettings(ServiceSettings):
    """PUBLISHER_*: where this platform is met by browsers, and our application at LinkedIn.

    Without client id and secret LinkedIn is switched off.
    """

    model_config = SettingsConfigDict(env_prefix="PUBLISHER_")

    public_url: str = Field("http://127.0.0.1:8080", pattern=r"^https?://[^\s?#]+$")
    """Where browsers and webhooks meet the gateway."""
    console_url: str = Field("http://127.0.0.1:8080", pattern=r"^https?://[^\s?#]+$")
    """Where a browser goes after connecting an account."""
    linkedin_client_id: str = ""
    linkedin_client_secret: SecretStr = SecretStr("")
    linkedin_api_url: str = Field("https://api.linkedin.com", pattern=r"^https?://[^\s?#]+$")
    linkedin_oauth_url: str = Field("https://www.linkedin.com", pattern=r"^https?://[^\s?#]+$")
    linkedin_consent_url: str = Field("", pattern=r"^(https?://[^\s?#]+)?$")
    """Where browsers find LinkedIn, if by another address than we do."""
    linkedin_application_urn: str = Field("", pattern=r"^(urn:li:developerApplication:[0-9]{1,20})?$")
    """Our application, as LinkedIn's subscriptions name it; without it no page is subscribed to."""
    linkedin_scopes: str = (
        "openid profile w_member_social w_organization_social r_organization_social rw_organization_admin"
    )
    """Always the same ones: asking a member for others ends what was granted before."""

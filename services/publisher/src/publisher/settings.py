from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kit.settings import ServiceSettings


class PublisherSettings(ServiceSettings):
    """PUBLISHER_*: where this platform is met by browsers, and our applications at the platforms.

    A platform without client id and secret is switched off.
    """

    model_config = SettingsConfigDict(env_prefix="PUBLISHER_")

    public_url: str = Field("http://127.0.0.1:8080", pattern=r"^https?://[^\s?#]+$")
    """Where browsers and webhooks meet the gateway."""
    console_url: str = Field("http://127.0.0.1:8080", pattern=r"^https?://[^\s?#]+$")
    """Where a browser goes after connecting an account."""
    media_url: str = Field("", pattern=r"^(|file:///.+|(s3|s3a|gs|az|azure|abfs|abfss)://.+|https://.+)$")
    """Where the bytes of media lie: `file:///folder`, `s3://bucket/prefix`, `gs://…`, `az://…`; empty is a temporary
    folder, for one machine and until it is restarted."""
    linkedin_client_id: str = ""
    linkedin_client_secret: SecretStr = SecretStr("")
    linkedin_api_url: str = Field("https://api.linkedin.com", pattern=r"^https?://[^\s?#]+$")
    linkedin_oauth_url: str = Field("https://www.linkedin.com", pattern=r"^https?://[^\s?#]+$")
    linkedin_consent_url: str = Field("", pattern=r"^(https?://[^\s?#]+)?$")
    """Where browsers find LinkedIn, if by another address than we do."""
    linkedin_application_urn: str = Field("", pattern=r"^(urn:li:developerApplication:[0-9]{1,20})?$")
    """Our application, as LinkedIn's subscriptions name it; without it no page is subscribed to."""
    facebook_client_id: str = ""
    facebook_client_secret: SecretStr = SecretStr("")
    facebook_verify_token: SecretStr = SecretStr("")
    """What Meta says when it asks whether our webhook is ours, as it was entered there; for all three platforms."""
    facebook_graph_url: str = Field("https://graph.facebook.com", pattern=r"^https?://[^\s?#]+$")
    facebook_upload_url: str = Field("https://rupload.facebook.com", pattern=r"^https?://[^\s?#]+$")
    facebook_consent_url: str = Field("https://www.facebook.com", pattern=r"^https?://[^\s?#]+$")
    facebook_scopes: str = (
        "pages_show_list pages_manage_posts pages_read_engagement pages_read_user_content pages_manage_engagement "
        "pages_manage_metadata"
    )
    instagram_client_id: str = ""
    instagram_client_secret: SecretStr = SecretStr("")
    """Our application at Meta once more: it may be the same as Facebook's."""
    instagram_graph_url: str = Field("https://graph.facebook.com", pattern=r"^https?://[^\s?#]+$")
    instagram_consent_url: str = Field("https://www.facebook.com", pattern=r"^https?://[^\s?#]+$")
    instagram_scopes: str = (
        "instagram_basic instagram_content_publish instagram_manage_comments pages_show_list pages_read_engagement"
    )
    threads_client_id: str = ""
    threads_client_secret: SecretStr = SecretStr("")
    threads_graph_url: str = Field("https://graph.threads.net", pattern=r"^https?://[^\s?#]+$")
    threads_consent_url: str = Field("https://threads.net", pattern=r"^https?://[^\s?#]+$")
    threads_scopes: str = (
        "threads_basic threads_content_publish threads_manage_replies threads_read_replies threads_delete"
    )
    linkedin_scopes: str = (
        "openid profile w_member_social w_organization_social r_organization_social rw_organization_admin"
    )
    """Always the same ones: asking a member for others ends what was granted before."""
    x_client_id: str = ""
    x_client_secret: SecretStr = SecretStr("")
    x_consumer_secret: SecretStr = SecretStr("")
    """By which X signs webhooks and challenges; without it nothing from X is genuine."""
    x_api_url: str = Field("https://api.x.com", pattern=r"^https?://[^\s?#]+$")
    x_consent_url: str = Field("https://x.com", pattern=r"^https?://[^\s?#]+$")
    x_scopes: str = "tweet.read tweet.write users.read media.write offline.access"
    youtube_client_id: str = ""
    youtube_client_secret: SecretStr = SecretStr("")
    youtube_consent_url: str = Field("https://accounts.google.com/o/oauth2/v2/auth", pattern=r"^https?://[^\s?#]+$")
    youtube_token_url: str = Field("https://oauth2.googleapis.com/token", pattern=r"^https?://[^\s?#]+$")
    youtube_api_url: str = Field("https://youtube.googleapis.com", pattern=r"^https?://[^\s?#]+$")
    youtube_uploads_a_day: int | None = Field(None, ge=1)
    youtube_scopes: str = (
        "https://www.googleapis.com/auth/youtube.upload https://www.googleapis.com/auth/youtube.readonly "
        "https://www.googleapis.com/auth/youtube.force-ssl"
    )
    tiktok_client_key: str = ""
    tiktok_client_secret: SecretStr = SecretStr("")
    """Also that by which TikTok signs webhooks."""
    tiktok_api_url: str = Field("https://open.tiktokapis.com", pattern=r"^https?://[^\s?#]+$")
    tiktok_consent_url: str = Field("https://www.tiktok.com", pattern=r"^https?://[^\s?#]+$")
    tiktok_scopes: str = "user.info.basic,video.publish,video.list"

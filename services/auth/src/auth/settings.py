from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from auth.accounts.phone import NUMBER_TYPES
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


def _words(value: object) -> object:
    return frozenset(filter(None, value.replace(" ", "").split(","))) if isinstance(value, str) else value


Words = Annotated[frozenset[str], NoDecode, BeforeValidator(_words)]


def _number_types(value: frozenset[str]) -> frozenset[str]:
    if value - NUMBER_TYPES:
        raise ValueError(f"must be among {sorted(NUMBER_TYPES)}")
    return value


Origin = Annotated[str, Field(pattern=r"^(https?://[^/\s#?]+|android:apk-key-hash:\S+)$")]


class AuthSettings(ServiceSettings):
    """AUTH_*: what every service is told, and how to seal, whom to send mail as, and where links lead."""

    model_config = SettingsConfigDict(env_prefix="AUTH_")

    worker_niceness: int = Field(10, ge=0, le=19)
    """The worker sends mails, which can wait, while those who sign up and in wait for the same processors."""

    sealing_key: Annotated[SecretStr, AfterValidator(_key)]
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp)] = SecretStr("smtp://127.0.0.1:1025")
    mail_from: Annotated[str, AfterValidator(_mailbox)] = Field("Rostrum <no-reply@rostrum.local>", max_length=320)
    client_secrets: dict[Annotated[str, Field(pattern=r"^[a-z]{1,40}$")], SealingKey] = Field(default_factory=dict)
    """A JSON object: by caller, what it shares with us; the gateway exchanges API keys with it. Empty: nobody may."""
    public_url: str = Field("http://127.0.0.1:8080", pattern=r"^https?://[^\s#?]+$")
    app_origins: tuple[Annotated[str, Field(pattern=r"^https?://[^\s/?#]+$")], ...] = ()
    """A JSON list: where browsers may be sent after a sign-in with a provider; empty: to PUBLIC_URL's origin."""
    google_client_id: str = ""
    google_client_secret: SecretStr = SecretStr("")
    google_issuer: str = Field("https://accounts.google.com", pattern=r"^https?://[^\s?#]+$")
    github_client_id: str = ""
    github_client_secret: SecretStr = SecretStr("")
    github_url: str = Field("https://github.com", pattern=r"^https?://[^\s?#]+$")
    github_api_url: str = Field("https://api.github.com", pattern=r"^https?://[^\s?#]+$")
    github_consent_url: str = Field("", pattern=r"^(https?://[^\s?#]+)?$")
    """Where browsers find GitHub, if by another address than we do."""
    sandbox_provider_url: str = Field("", pattern=r"^(http://[0-9.]+:[0-9]+)?$")
    """Outside production: the origin of a sandbox whose identity providers organizations may use, without TLS."""
    dns_url: str = Field("https://dns.google/resolve", pattern=r"^https?://[^\s?#]+$")
    """A resolver that answers in JSON over HTTPS: by it organizations prove that a domain is theirs."""
    session_days: float = Field(30, gt=0, le=400)
    session_idle_days: float = Field(14, gt=0, le=400)
    password_policy: Literal["default", "strict"] = "default"  # noqa: S105 - a name, not a secret
    disposable_domains: Path | None = None
    breached_passwords: Path | None = None
    breached_url: str | None = Field(None, pattern=r"^https?://[^\s#?]+$")
    telnyx_url: str = Field("https://api.telnyx.com/v2", pattern=r"^https?://[^\s#?]+$")
    telnyx_key: SecretStr | None = None
    telnyx_from: str = Field("", max_length=20)
    phone_region: str | None = Field(None, pattern=r"^[A-Z]{2}$")
    phone_countries: Words = frozenset()
    phone_types_refused: Annotated[Words, AfterValidator(_number_types)] = frozenset(
        {"premium", "shared_cost", "toll_free", "voip", "personal", "pager", "uan", "voicemail"}
    )
    texts_per_hour: int = Field(500, ge=0)
    texts_per_network_and_hour: int = Field(20, ge=1)
    texts_per_second: float = Field(10.0, gt=0)
    product_name: str = Field("Rostrum", min_length=1, max_length=64, pattern=r"^[^:\x00-\x1f]+$")
    """What people's authenticator apps and passkeys call us."""
    webauthn_rp_id: str = Field("", pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)?$")
    """The domain that passkeys belong to; empty: that of PUBLIC_URL. Another one makes all passkeys useless."""
    webauthn_origins: tuple[Origin, ...] = ()
    """A JSON list of origins in which passkeys may be shown; empty: that of PUBLIC_URL."""
    webauthn_user_verification: Literal["required", "preferred"] = "required"
    """Whether a passkey beside another factor must verify its user; one that stands alone always must."""

    @property
    def rp_id(self) -> str:
        """The domain that passkeys belong to."""
        return self.webauthn_rp_id or urlsplit(self.public_url).hostname or ""

    @property
    def origins(self) -> tuple[str, ...]:
        """Where passkeys may be shown."""
        parts = urlsplit(self.public_url)
        return self.webauthn_origins or (f"{parts.scheme}://{parts.netloc}",)

    @model_validator(mode="after")
    def _origins_are_of_the_domain(self) -> Self:
        hosts = [urlsplit(each).hostname or "" for each in self.origins if each.startswith("http")]
        if any(host != self.rp_id and not host.endswith(f".{self.rp_id}") for host in hosts):
            raise ValueError("WEBAUTHN_ORIGINS must lie in WEBAUTHN_RP_ID, or browsers refuse passkeys there")
        return self

    @model_validator(mode="after")
    def _sandbox_is_for_development(self) -> Self:
        if self.sandbox_provider_url and self.environment == "production":
            raise ValueError("AUTH_SANDBOX_PROVIDER_URL is not for production")
        return self

    @property
    def applications(self) -> tuple[str, ...]:
        """Where browsers may be sent: the origins of our applications."""
        parts = urlsplit(self.public_url)
        return self.app_origins or (f"{parts.scheme}://{parts.netloc}",)

    def clients(self) -> dict[str, Sealer]:
        """Who may call our internal doors, each with its secret."""
        shown = {caller: secret.get_secret_value() for caller, secret in self.client_secrets.items()}
        return {caller: Sealer.from_text(secret) for caller, secret in shown.items() if secret}

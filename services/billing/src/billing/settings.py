from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kit.settings import ServiceSettings


class BillingSettings(ServiceSettings):
    """BILLING_*: our account at Stripe, and where browsers are sent.

    Without an API key nothing is sold: what needs Stripe answers that payments are switched off.
    """

    model_config = SettingsConfigDict(env_prefix="BILLING_")

    stripe_url: str = Field("https://api.stripe.com", pattern=r"^https?://[^\s?#]+$")
    stripe_api_key: SecretStr = SecretStr("")
    stripe_api_version: str = Field("2026-08-26.dahlia", pattern=r"^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$")
    """The version we are written for; the webhook endpoint at Stripe must be made with the same."""
    stripe_webhook_secrets: tuple[SecretStr, ...] = ()
    """A JSON list: the endpoint's signing secret, and for as long as it is being changed the former one."""
    stripe_automatic_tax: bool = False
    """Whether Stripe computes taxes; it must be registered for them first."""
    stripe_invoice_template: str | None = Field(None, pattern=r"^inrtem_\w{1,100}$")
    """Stripe's id of the rendering template that new customers' invoices follow."""
    brand_name: str | None = Field(None, min_length=1, max_length=100)
    """What stands at the top of Checkout pages, instead of the account's name."""
    brand_color: str | None = Field(None, pattern=r"^#[0-9a-fA-F]{6}$")
    """The colour of their buttons."""
    brand_logo_url: str | None = Field(None, pattern=r"^https://[^\s?#]+$")
    """Their logo."""
    public_url: str = Field("http://127.0.0.1:8080", pattern=r"^https?://[^\s?#]+$")
    """Where browsers and webhooks meet the gateway."""
    console_url: str = Field("http://127.0.0.1:8080", pattern=r"^https?://[^\s?#]+$")
    """Where a browser goes after paying."""

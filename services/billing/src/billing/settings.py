from pydantic_settings import SettingsConfigDict

from kit.settings import ServiceSettings


class BillingSettings(ServiceSettings):
    """BILLING_*: nothing beyond what every service is told."""

    model_config = SettingsConfigDict(env_prefix="BILLING_")

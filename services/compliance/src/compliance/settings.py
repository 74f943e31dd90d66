from pydantic_settings import SettingsConfigDict

from kit.settings import ServiceSettings


class ComplianceSettings(ServiceSettings):
    """COMPLIANCE_*: nothing beyond what every service is told."""

    model_config = SettingsConfigDict(env_prefix="COMPLIANCE_")

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kit.settings import ServiceSettings


class ComplianceSettings(ServiceSettings):
    """COMPLIANCE_*: how long an erasure can be taken back, besides what every service is told."""

    model_config = SettingsConfigDict(env_prefix="COMPLIANCE_")

    erasure_grace_days: int = Field(30, ge=0, le=30)

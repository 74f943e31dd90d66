from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kit.settings import ServiceSettings


class ComplianceSettings(ServiceSettings):
    """COMPLIANCE_*: how long an erasure can be taken back, and the name of the audit trail."""

    model_config = SettingsConfigDict(env_prefix="COMPLIANCE_")

    erasure_grace_days: int = Field(30, ge=0, le=30)
    audit_origin: str = Field("rostrum.local/audit", pattern=r"^[a-z0-9.-]{1,100}(/[a-z0-9._-]{1,50})*$")
    """Read when the key is made at the first start; the log keeps that name for ever."""

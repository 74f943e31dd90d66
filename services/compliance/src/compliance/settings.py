from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kit.settings import ServiceSettings


class ComplianceSettings(ServiceSettings):
    """COMPLIANCE_*: what every service is told, and the name under which the audit trail is signed."""

    model_config = SettingsConfigDict(env_prefix="COMPLIANCE_")

    audit_origin: str = Field("rostrum.local/audit", pattern=r"^[a-z0-9.-]{1,100}(/[a-z0-9._-]{1,50})*$")
    """Read when the key is made at the first start; the log keeps that name for ever."""
